"""Files of a user stay in a folder that is replaced."""

import errno
import os

import pytest

from avfusion._atomic._carry import carry_over, keep_modes


def nothing(name):
    return False


@pytest.fixture
def folders(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    return tmp_path / "old", tmp_path / "new"


def test_files_are_linked_and_folders_made(folders):
    old, new = folders
    (old / "deep").mkdir(mode=0o750)
    (old / "deep" / "notes.txt").write_text("mine")
    os.utime(old / "deep", (1, 1))
    carry_over(old, new, nothing)
    carry_over(old, new, nothing)  # changes nothing
    assert (new / "deep" / "notes.txt").samefile(old / "deep" / "notes.txt")
    assert (new / "deep").stat().st_mode == (old / "deep").stat().st_mode
    assert (new / "deep").stat().st_mtime == 1


def test_what_was_changed_since_is_taken_again(folders, monkeypatch):
    old, new = folders

    def no_link(*arguments, **options):
        raise OSError(errno.EOPNOTSUPP, "Not supported")

    monkeypatch.setattr(os, "link", no_link)
    for text in ("first", "second version"):
        (old / "notes.txt").write_text(text)
        carry_over(old, new, nothing)
        assert (new / "notes.txt").read_text() == text
    assert not (new / "notes.txt").samefile(old / "notes.txt")


def test_what_is_on_another_disk_is_refused(folders, monkeypatch):
    def far(*arguments, **options):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    (folders[0] / "notes.txt").write_text("mine")
    monkeypatch.setattr(os, "link", far)
    with pytest.raises(OSError, match="cross-device"):
        carry_over(*folders, nothing)


def test_modes_of_files_that_are_in_both(folders):
    old, new = folders
    for folder, mode in zip(folders, (0o600, 0o644)):
        for name in ("ours", "theirs", str(mode)):
            (folder / name).write_text("")
            (folder / name).chmod(mode)
    keep_modes(old, new, lambda name: name != "theirs")
    modes = {file.name: file.stat().st_mode & 0o777 for file in new.iterdir()}
    assert modes == {"ours": 0o600, "theirs": 0o644, str(0o644): 0o644}
