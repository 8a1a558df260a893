"""A folder is the old one or the new one, whole, whatever happens while it is written."""

import errno
import os
import shutil
import signal
import stat
import sys
import threading

import numpy as np
import pytest

import avfusion as av
from avfusion._atomic import StagedFolder, clear_leftovers, scratch_folder, was_written
from avfusion._atomic import _staged_folder as module
from tests._atomic.killed import killed_at

pytest.importorskip("fcntl")
FILES = {"a", "b", "c"}


@pytest.fixture(params=["exchange", "two renames"])
def disk(request, monkeypatch):
    """Disks that can let two folders change places, and those that cannot."""
    if request.param == "two renames":
        monkeypatch.setattr(module, "exchange", lambda one, other: False)
    return request.param


def write(path, text, names="ab"):
    staged = StagedFolder(path, lambda folder: True, FILES.__contains__)
    for name in names:
        (staged.part / name).write_text(text)
    staged.commit()


def content(path):
    return {file.name: file.read_text() for file in path.iterdir() if file.is_file()}


def test_a_folder_is_replaced_whole_and_what_is_not_ours_stays(disk, tmp_path):
    path = tmp_path / "result"
    write(path, "old", "abc")
    (path / "notes.txt").write_text("mine")
    (path / "deep" / "er").mkdir(parents=True)
    (path / "deep" / "er" / "a").write_text("mine, too")
    (path / "link").symlink_to("notes.txt")
    os.mkfifo(path / "pipe")
    write(path, "new")
    assert sorted(os.listdir(path)) == ["a", "b", "deep", "link", "notes.txt", "pipe"]
    assert (path / "a").read_text() == "new"
    assert (path / "link").read_text() == "mine"
    assert os.readlink(path / "link") == "notes.txt"
    assert (path / "deep" / "er" / "a").read_text() == "mine, too"
    assert os.listdir(tmp_path) == ["result"]


def test_what_comes_into_the_folder_at_the_last_moment_stays(tmp_path, monkeypatch):
    path = tmp_path / "result"
    write(path, "old")
    (path / "notes.txt").write_text("mine")
    real = module.exchange

    def late(one, other):
        (path / "late.txt").write_text("mine")
        os.unlink(path / "notes.txt")  # as editors save: a new file of the same name
        (path / "notes.txt").write_text("mine, changed")
        return real(one, other)

    monkeypatch.setattr(module, "exchange", late)
    write(path, "new")
    expected = {"a": "new", "b": "new", "late.txt": "mine", "notes.txt": "mine, changed"}
    assert content(path) == expected
    assert os.listdir(tmp_path) == ["result"]


def test_without_hard_links_what_is_not_ours_is_copied(disk, tmp_path, monkeypatch):
    def no_link(*arguments, **options):
        raise OSError(errno.EPERM, "Operation not permitted")

    write(tmp_path / "result", "old")
    (tmp_path / "result" / "notes.txt").write_text("mine")
    monkeypatch.setattr(os, "link", no_link)
    write(tmp_path / "result", "new")
    assert content(tmp_path / "result") == {"a": "new", "b": "new", "notes.txt": "mine"}


def test_modes_stay(disk, tmp_path):
    path = tmp_path / "result"
    write(path, "old")
    path.chmod(0o700)
    (path / "a").chmod(0o600)
    staged = StagedFolder(path, lambda folder: True, FILES.__contains__)
    assert stat.S_IMODE(staged.part.stat().st_mode) == 0o700
    for name in "ab":
        (staged.part / name).write_text("new")
    staged.commit()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((path / "a").stat().st_mode) == 0o600


def test_an_error_at_the_end_leaves_the_old_folder(disk, tmp_path, monkeypatch):
    write(tmp_path / "result", "old")
    (tmp_path / "result" / "notes.txt").write_text("mine")

    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "exchange" if disk == "exchange" else "sync_tree", stopped)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "result", "new")
    assert os.listdir(tmp_path) == ["result"]
    assert content(tmp_path / "result") == {"a": "old", "b": "old", "notes.txt": "mine"}


def test_an_error_between_two_renames_puts_the_old_folder_back(tmp_path, monkeypatch):
    write(tmp_path / "result", "old")
    real = os.rename

    def rename(source, target):
        if str(source).endswith(".part"):
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(module, "exchange", lambda one, other: False)
    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "result", "new")
    assert os.listdir(tmp_path) == ["result"]
    assert content(tmp_path / "result") == {"a": "old", "b": "old"}


@pytest.fixture
def switching():
    """Let threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.parametrize("before", ["old", None])
@pytest.mark.usefixtures("switching")
def test_threads_that_write_one_folder_leave_one_of_theirs(disk, before, tmp_path):
    path, failed = tmp_path / "result", []

    def run(number):
        try:
            for _ in range(5):
                write(path, str(number), "abc" if number % 2 else "ab")
        except BaseException as error:
            failed.append(error)

    if before:
        write(path, before, "abc")
        (path / "notes.txt").write_text("mine")
    threads = [threading.Thread(target=run, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert os.listdir(tmp_path) == ["result"]
    found = content(path)
    assert (found.pop("notes.txt", None) == "mine") == bool(before)
    (number,) = set(found.values())
    assert set(found) == (FILES if int(number) % 2 else {"a", "b"})


@pytest.mark.parametrize("before", ["old", None])
def test_wherever_a_writer_is_killed_the_folder_is_whole(disk, before, tmp_path):
    path = tmp_path / "result"
    seen, all_of_them = set(), before and disk == "exchange"
    for number in range(1, 200, 1 if all_of_them else 3):
        shutil.rmtree(path, ignore_errors=True)
        if before:
            write(path, "old", "abc")
            (path / "notes.txt").write_text("mine")
        killed = killed_at(number, lambda: write(path, "new"), "result")
        if not os.path.exists(path) and before:
            assert disk == "two renames"  # of which one was done: the next writer puts it back
            assert any(name.endswith(".old") for name in os.listdir(tmp_path))
        clear_leftovers(path)
        assert os.listdir(tmp_path) in (["result"], [] if before is None else ["result"])
        if path.exists():
            found = content(path)
            assert found.pop("notes.txt", None) == ("mine" if before else None)
            seen.add(frozenset(found.items()))
        if not killed:
            break
    assert number > 15
    new = {name: "new" for name in "ab"}
    old = {name: "old" for name in "abc"}
    assert seen == {frozenset(kind.items()) for kind in ([new, old] if before else [new])}


@pytest.mark.parametrize("before", ["old", None])
def test_a_store_is_whole_or_not_there_wherever_its_writer_is_killed(before, tmp_path):
    path = tmp_path / "store"

    def store(value, overwrite):
        X = av.as_sequences({"audio": [np.full((5, 2), value, "float32")]}).assign(subject="s")
        av.write_store(path, X, [np.full(5, float(value))], overwrite=overwrite)

    for number in range(1, 300, 5):  # the test before tries them all
        shutil.rmtree(path, ignore_errors=True)
        if before:
            store(1, False)
        killed = killed_at(number, lambda: store(2, bool(before)), "store")
        clear_leftovers(path)
        assert os.listdir(tmp_path) in (["store"], [] if before is None else ["store"])
        if path.exists():
            X, _ = av.read_store(path, verify=True)
            assert X["audio"].array.frames.mean() in ((1, 2) if before else (2,))
        if not killed:
            break
    assert number > 15


def test_what_a_living_writer_has_is_left_alone(tmp_path):
    staged = StagedFolder(tmp_path / "store")
    (staged.part / "frames").write_text("half")
    other = StagedFolder(tmp_path / "store")  # which clears what nobody owns
    assert (staged.part / "frames").read_text() == "half"
    staged.commit()
    with pytest.raises(FileExistsError, match="exists already"):
        other.commit()
    other.discard()
    assert os.listdir(tmp_path) == ["store"]
    assert (tmp_path / "store" / "frames").read_text() == "half"


def test_links_are_followed_to_the_folder_that_they_name(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert sorted(os.listdir(tmp_path / "real")) == ["a", "b"]


def test_a_folder_needs_a_place(tmp_path):
    with pytest.raises(FileNotFoundError, match="Make it first"):
        StagedFolder(tmp_path / "no" / "store")


def test_what_cannot_change_places_is_refused_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "here" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "deep")
    for path in (tmp_path / "here", "."):
        with pytest.raises(OSError, match="the current folder, and cannot be replaced in one step"):
            StagedFolder(path, lambda folder: True)
    with pytest.raises(OSError, match="a disk of its own"):
        StagedFolder("/proc", lambda folder: True)
    assert os.listdir(tmp_path) == ["here"]


def test_ctrl_c_during_the_exchange_says_that_the_folder_is_written(disk, tmp_path, monkeypatch):
    write(tmp_path / "result", "old")
    put = StagedFolder._put

    def interrupted(self):
        signal.raise_signal(signal.SIGINT)
        put(self)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(StagedFolder, "_put", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        write(tmp_path / "result", "new")
    assert caught.value.__notes__ == [f"{tmp_path / 'result'} is written."]
    assert was_written(tmp_path / "result")
    assert content(tmp_path / "result") == {"a": "new", "b": "new"}
    assert os.listdir(tmp_path) == ["result"]


def test_a_scratch_folder_goes_at_the_end_or_with_the_next(tmp_path):
    killed_at(5, lambda: scratch(tmp_path / "film.csv", 100), "film")
    assert os.listdir(tmp_path) != []
    scratch(tmp_path / "film.csv", 1)
    assert os.listdir(tmp_path) == []


def scratch(path, times):
    with scratch_folder(path) as folder:
        for k in range(times):
            (folder / str(k)).write_text("half")
