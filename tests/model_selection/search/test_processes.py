"""Which process runs a trial, and whether it lives, by what does not move with the clock."""

import ast
import os
import subprocess
import sys
import time

import psutil
import pytest

from avfusion.model_selection.search import _processes
from avfusion.model_selection.search._processes import is_gone, is_known_to_live, this_process


@pytest.fixture(scope="module")
def ended():
    """Return what a process wrote into its trials that has ended."""
    code = "from avfusion.model_selection.search._processes import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout)


def test_a_process_that_has_ended_is_gone_and_this_one_lives(ended):
    assert is_gone(ended)
    assert is_gone(None)
    assert not is_known_to_live(ended)
    assert not is_known_to_live(None)
    assert not is_gone(this_process())
    assert is_known_to_live(this_process())


def test_a_container_of_the_same_name_says_nothing_of_the_process_numbers_of_another(ended):
    host, pid, started, place = this_process()
    assert is_gone([host, pid, started - 60, place])  # the number was given to this process later
    for unknown in (
        [*ended[:3], "another container"],
        [host, pid, started, "another container"],
        [host, pid],
    ):
        assert not is_gone(unknown)
        assert not is_known_to_live(unknown)


def test_the_start_of_a_process_is_that_of_psutil():
    started = psutil.Process().create_time() - psutil.boot_time()
    assert this_process()[2] == pytest.approx(started, abs=1)


@pytest.mark.parametrize("seconds", [90, -90, 7200, -7200])
def test_a_clock_that_is_set_does_not_end_a_process(monkeypatch, seconds):
    before = this_process()
    boot, create = psutil.boot_time, psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot() + seconds)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create(self) + seconds)
    _processes._signature.cache_clear()
    assert this_process() == before
    assert is_known_to_live(before)


def test_a_process_that_ended_and_whose_parent_has_not_noticed_is_gone():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        host, _, _, place = this_process()
        until = time.monotonic() + 5
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert is_gone([host, pid, psutil.Process(pid).create_time() - psutil.boot_time(), place])
    finally:
        os.waitpid(pid, 0)


def test_a_process_that_proc_does_not_show_is_not_known_to_have_ended(monkeypatch):
    host, pid, started, place = this_process()
    monkeypatch.setattr(_processes.Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    assert not is_gone([host, pid, started, place])
    assert is_gone([host, 2**22 + 1, started, place])  # beyond the largest number of a process


def test_computers_without_proc_ask_psutil(monkeypatch):
    me = this_process()
    monkeypatch.setattr(_processes.Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(_processes.Path, "exists", lambda self: False)
    assert is_known_to_live(me)
    assert is_gone([me[0], 2**22 + 1, *me[2:]])
