"""A file is the old one or the new one, whole, whatever happens while it is written."""

import errno
import os
import signal
import socket
import stat
import threading

import pytest

from avfusion import _atomic
from avfusion._atomic import _file as module
from avfusion._atomic import atomic_write, check_file, was_written

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def write(path, text="new"):
    with atomic_write(path) as part:
        part.write_text(text)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("before", ["old", None])
def test_an_interrupted_write_leaves_what_was_there(stop, before, tmp_path):
    def interrupted():
        with atomic_write(tmp_path / "result") as part:
            part.write_text("half")
            raise stop

    if before:
        (tmp_path / "result").write_text(before)
    with pytest.raises(stop):
        interrupted()
    assert [path.read_text() for path in tmp_path.iterdir()] == ([before] if before else [])


def test_two_may_write_the_same_file_at_once(tmp_path):
    with atomic_write(tmp_path / "result") as one, atomic_write(tmp_path / "result") as other:
        one.write_text("one")
        other.write_text("other")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["one"]


def test_threads_that_write_one_file_leave_one_of_theirs(tmp_path):
    def run(number):
        for _ in range(10):
            with atomic_write(tmp_path / "result") as part, part.open("w") as file:
                for _ in range(50):
                    file.write(f"{number}\n")
                    file.flush()

    threads = [threading.Thread(target=run, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (file,) = tmp_path.iterdir()
    lines = file.read_text().splitlines()
    assert len(lines) == 50
    assert len(set(lines)) == 1


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755])
def test_a_file_keeps_its_mode_and_its_part_is_not_more_open(mode, tmp_path):
    path = tmp_path / "result"
    path.write_text("old")
    path.chmod(mode)
    with atomic_write(path) as part:
        assert stat.S_IMODE(part.stat().st_mode) & 0o077 == 0
        part.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_text() == "new"


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_of_all_new_files(umask, mode, tmp_path):
    os.umask(umask)
    write(tmp_path / "result")
    assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == mode


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "result"
    path.write_text("old")
    os.chown(path, 12345, 23456)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


@posix
def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "v1.model").write_text("old")
    (tmp_path / "best.model").symlink_to("real/v1.model")
    write(tmp_path / "best.model")
    assert os.readlink(tmp_path / "best.model") == "real/v1.model"
    assert (tmp_path / "real" / "v1.model").read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["best.model", "real"]
    (tmp_path / "later").symlink_to("real/v2.model")
    write(tmp_path / "later")  # which led nowhere, but could be made
    assert (tmp_path / "real" / "v2.model").read_text() == "new"
    (tmp_path / "astray").symlink_to("gone/v3.model")
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*gone, where .*astray leads"):
        check_file(tmp_path / "astray")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match="symbolic links"):
        check_file(tmp_path / "round")


@posix
def test_a_link_in_the_place_of_a_part_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("mine")

    class Claim(module.Claim):
        def __init__(self, path):
            super().__init__(path)
            self.part.symlink_to(tmp_path / "mine")

    monkeypatch.setattr(module, "Claim", Claim)
    with pytest.raises(FileExistsError):
        write(tmp_path / "result")
    assert (tmp_path / "mine").read_text() == "mine"
    assert os.listdir(tmp_path) == ["mine"]


@posix
def test_a_part_that_became_a_link_is_refused(tmp_path):
    (tmp_path / "mine").write_text("mine")

    def replaced():
        with atomic_write(tmp_path / "result") as part:
            part.unlink()
            part.symlink_to(tmp_path / "mine")

    with pytest.raises(OSError, match="symbolic links"):
        replaced()
    assert os.listdir(tmp_path) == ["mine"]


@posix
def test_what_is_no_file_is_refused_before_the_work(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "null").symlink_to(os.devnull)
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(tmp_path)  # the name of a socket is short
        try:
            made.bind("socket")
        finally:
            os.chdir(here)
    for name in ("fifo", "null", "socket", os.devnull):
        with pytest.raises(OSError, match="is a device, a pipe or a socket, and is not replaced"):
            check_file(tmp_path / name)
        with pytest.raises(OSError, match="is a device"):
            write(tmp_path / name)
    for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        with pytest.raises(OSError, match="is a stream, and cannot be replaced"):
            check_file(name)
    with pytest.raises(IsADirectoryError, match="is a folder: name a file"):
        check_file(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*no\. Make it first"):
        check_file(tmp_path / "no" / "file")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    assert sorted(os.listdir(tmp_path)) == ["fifo", "null", "socket"]


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_what_is_protected_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o444)
    with pytest.raises(PermissionError, match="protected against writing"):
        check_file(tmp_path / "file")
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match=r"Permission denied: .*new'"):
        check_file(tmp_path / "new")
    tmp_path.chmod(0o755)


def test_what_a_killed_writer_left_goes_with_the_next_and_only_that(tmp_path):
    digits = "0123456789abcdef" * 2
    left = (f".result.{digits}.part", f".result.{digits}.lock", f".result.{digits[::-1]}.part")
    others = (f".result2.{digits}.part", ".result.part", "notes.txt")
    for name in left + others:
        (tmp_path / name).write_text("")
    with atomic_write(tmp_path / "result") as alive:
        write(tmp_path / "result", "other")
        alive.write_text("new")  # is still there
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "result"])
    assert (tmp_path / "result").read_text() == "new"


def test_names_may_be_as_long_as_the_disk_takes(tmp_path):
    for name in ("a" * 255, "ü" * 127, "a.b" * 80):
        write(tmp_path / name)
        assert os.listdir(tmp_path) == [name]
        os.unlink(tmp_path / name)


def test_data_are_on_the_disk_before_the_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(file):
        done.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else os.fstat(file).st_size)
        fsync(file)

    def replaced(source, target):
        done.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write(tmp_path / "result", "12345")
    assert done == [5, "replace", "folder"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL, errno.ENOSYS])
def test_disks_without_modes_owners_and_fsync_take_files(number, tmp_path, monkeypatch):
    def refused(*arguments):
        raise OSError(number, os.strerror(number))

    write(tmp_path / "result", "old")
    for name in ("fchmod", "fchown", "fsync"):
        monkeypatch.setattr(os, name, refused)
    write(tmp_path / "result")
    assert (tmp_path / "result").read_text() == "new"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_what_does_not_come_to_the_disk_does_not_get_the_name(number, tmp_path, monkeypatch):
    def lost(file):
        raise OSError(number, os.strerror(number))

    write(tmp_path / "result", "old")
    monkeypatch.setattr(os, "fsync", lost)
    with pytest.raises(OSError, match="result") as caught:
        write(tmp_path / "result")
    assert caught.value.errno == number
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@posix
def test_ctrl_c_during_the_rename_says_that_the_file_is_written(tmp_path, monkeypatch):
    replace = os.replace

    def interrupted(source, target):
        signal.raise_signal(signal.SIGINT)
        replace(source, target)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        write(tmp_path / "result")
    assert caught.value.__notes__ == [f"{tmp_path / 'result'} is written."]
    assert was_written(tmp_path / "result")
    assert os.listdir(tmp_path) == ["result"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_full_disk_names_the_file(tmp_path):
    def full():
        with atomic_write(tmp_path / "result"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=r"No space left on device: .*result'") as caught:
        full()
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_what_is_exported_is_there():
    assert all(hasattr(_atomic, name) for name in _atomic.__all__)
