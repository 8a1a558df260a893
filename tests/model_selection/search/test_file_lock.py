"""A lock that ends with its process, also where the file system has none."""

import errno
import fcntl
import json
import os
import threading
import time

import pytest

from avfusion.model_selection.search import _file_lock
from avfusion.model_selection.search._file_lock import locked
from avfusion.model_selection.search._processes import this_process


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "journal"
    path.touch()
    return str(path)


@pytest.fixture
def no_flock(monkeypatch):
    """Be on a file system without locks, as some that are shared over a network."""

    def missing(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", missing)


def add(file, times):
    """Read a number and write the next one, which loses some where two do so at once."""
    for _ in range(times):
        with open(file, "r+") as opened, locked(opened.fileno(), file):
            number = int(opened.read() or 0)
            time.sleep(0.0005)
            opened.seek(0)
            opened.write(str(number + 1))
            opened.flush()


def check_that_one_waits_for_the_other(file):
    threads = [threading.Thread(target=add, args=(file, 20)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open(file) as opened:
        assert opened.read() == "60"


def test_one_waits_for_the_other_and_nothing_is_left(file):
    check_that_one_waits_for_the_other(file)
    assert os.listdir(os.path.dirname(file)) == ["journal"]


def test_where_the_system_has_no_locks_too(file, no_flock):
    check_that_one_waits_for_the_other(file)
    assert os.listdir(os.path.dirname(file)) == ["journal"]


def test_a_killed_process_holds_nothing(file):
    held, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        with open(file) as opened, locked(opened.fileno(), file):
            os.write(tell, b".")
            time.sleep(60)
    os.read(held, 1)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    begin = time.monotonic()
    add(file, 1)
    assert time.monotonic() - begin < 1


def test_a_lock_file_of_a_process_that_has_ended_is_removed(file, no_flock):
    host, pid, started, place = this_process()
    with open(f"{file}.lock", "w") as lock:
        json.dump([host, pid, started - 60, place], lock)  # as of an earlier process of this number
    add(file, 1)
    assert not os.path.exists(f"{file}.lock")


@pytest.mark.parametrize("kind", ["link to nowhere", "link", "file"])
def test_a_lock_of_optunas_is_waited_for_and_removed_when_it_is_old(file, no_flock, monkeypatch, kind):
    lock = f"{file}.lock"
    if kind == "file":
        open(lock, "w").close()
    else:
        os.symlink(file if kind == "link" else "runs/journal", lock)
    monkeypatch.setattr(_file_lock, "LOCK_GRACE_S", 0.3)
    begin = time.monotonic()
    add(file, 1)
    assert 0.3 <= time.monotonic() - begin < 3
    assert not os.path.lexists(lock)


@pytest.mark.parametrize("has_locks", [True, False])
def test_what_another_process_does_not_let_go_is_an_error_that_names_it(
    file, monkeypatch, request, has_locks
):
    monkeypatch.setattr(_file_lock, "LOCK_PATIENCE_S", 0.2)
    if not has_locks:
        request.getfixturevalue("no_flock")
    name = file if has_locks else f"{file}.lock"
    message = f"The .*file {name} is held by another process for more than 0.2 s."
    with (
        open(file) as mine,
        open(file) as other,
        locked(other.fileno(), file),
        pytest.raises(TimeoutError, match=message),
        locked(mine.fileno(), file),
    ):
        pass


def test_other_errors_of_the_system_are_raised(file, monkeypatch):
    def broken(descriptor, operation):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", broken)
    with open(file) as opened, pytest.raises(OSError, match="Input/output"), locked(opened.fileno(), file):
        pass
