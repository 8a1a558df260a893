"""What is no plain file is refused by a look at it alone, without waiting for it."""

import os
import socket

import pytest

from avfusion._plain_file import check_plain_file, has_content, is_plain_file


def pipe(path):
    os.mkfifo(path)


def link_to_itself(path):
    path.symlink_to(path.name)


def listening_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(path.parent)  # its name may have 108 bytes
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda path: path.mkdir(), ValueError, "is a folder"),
        (pipe, ValueError, "is a pipe"),
        (listening_socket, ValueError, "is a socket"),
        (lambda path: path.symlink_to("/dev/zero"), ValueError, "is a device"),
        (lambda path: path.symlink_to("/proc/self/mem"), ValueError, "is empty"),
        (link_to_itself, OSError, "cannot be read: Too many levels"),
        (lambda path: path.symlink_to("gone"), FileNotFoundError, "is a link to nothing"),
        (lambda path: None, FileNotFoundError, "There is no file"),
        (lambda path: path.touch(), ValueError, "is empty"),
        (lambda path: path.write_bytes(bytes(101)), ValueError, "has 101 bytes, and such a file has at most"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
def test_what_is_no_plain_file_is_refused(make, kind, words, tmp_path):
    path = tmp_path / "a"
    make(path)
    with pytest.raises(kind, match=words) as caught:
        check_plain_file(path, largest=100)
    assert str(caught.value).startswith((str(path), f"There is no file {path}"))


def test_a_plain_file_is_one_through_links_too(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "b").symlink_to("a")
    assert [check_plain_file(tmp_path / name, largest=3) for name in "ab"] == [3, 3]
    assert is_plain_file(tmp_path / "b")
    (tmp_path / "a").write_bytes(b"")
    assert is_plain_file(tmp_path / "b")


def test_names_that_no_file_can_have_are_refused():
    with pytest.raises(ValueError, match="cannot be the name of a file"):
        check_plain_file("a\0b")
    with pytest.raises(OSError, match="cannot be read: File name too long"):
        check_plain_file("a" * 5000)


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_only_plain_files_with_something_in_them_have_content(tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "full").write_text("a")
    (tmp_path / "link").symlink_to("full")
    pipe(tmp_path / "pipe")
    names = ("empty", "full", "link", "pipe", "gone", ".")
    assert [has_content(tmp_path / name) for name in names] == [False, True, True, False, False, False]
