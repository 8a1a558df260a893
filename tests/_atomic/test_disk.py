"""Calls of the system: exchange, synchronising, links."""

import errno
import os
import sys

import pytest

from avfusion._atomic import _disk
from avfusion._atomic._disk import exchange, holds_mount, open_regular, sync_folder, sync_tree

linux = pytest.mark.skipif(sys.platform != "linux", reason="renameat2 of Linux")


@linux
def test_two_folders_change_places(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    inode = (tmp_path / "a").stat().st_ino
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").stat().st_ino == inode
    assert os.listdir(tmp_path / "a") == ["b"]


@linux
def test_what_is_not_there_cannot_change_places(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        exchange(tmp_path / "a", tmp_path / "b")
    assert (caught.value.filename, caught.value.filename2) == (str(tmp_path / "a"), str(tmp_path / "b"))


def test_a_system_without_the_call_says_so(tmp_path, monkeypatch):
    class NoSuchCall:
        def __init__(self, name, use_errno):
            pass

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.setattr(_disk.ctypes, "CDLL", NoSuchCall)
    assert exchange(tmp_path / "a", tmp_path / "b") is False


@linux
def test_a_disk_without_the_call_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(_disk, "_SWAP", 1 << 20)  # a flag that no disk knows: EINVAL
    assert exchange(tmp_path, tmp_path) is False


@linux
def test_mounts_are_known_by_their_paths(tmp_path):
    assert holds_mount("/proc")
    assert not holds_mount(tmp_path)
    assert not holds_mount("/pro")


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_only_files_are_opened(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    os.close(open_regular(tmp_path / "file"))
    with pytest.raises(OSError, match="symbolic") as caught:
        open_regular(tmp_path / "link")
    assert caught.value.errno == errno.ELOOP
    with pytest.raises(OSError, match="no regular file"):
        open_regular(tmp_path / "pipe")


@pytest.mark.parametrize(("n", "expected"), [(3, 3 + 2), (_disk.MANY + 1, "sync")])
def test_many_files_are_brought_to_the_disk_at_once(n, expected, tmp_path, monkeypatch):
    calls = []
    (tmp_path / "deep").mkdir()
    for k in range(n):
        (tmp_path / "deep" / str(k)).write_text("")
    monkeypatch.setattr(os, "fsync", calls.append)
    monkeypatch.setattr(os, "sync", lambda: calls.append("sync"), raising=False)
    sync_tree(tmp_path)
    assert (calls == ["sync"]) if expected == "sync" else (len(calls) == expected)


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    sync_folder(tmp_path / "no")
