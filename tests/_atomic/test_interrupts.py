"""Ctrl-C while a result gets its name."""

import signal
import threading

import pytest

from avfusion._atomic import was_written
from avfusion._atomic._interrupts import uninterrupted


@pytest.fixture
def handler():
    """Return a function that sets what Ctrl-C does."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda new: signal.signal(signal.SIGINT, new)
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_waits_for_the_end(tmp_path):
    done = []

    def interrupted():
        with uninterrupted(tmp_path / "a"):
            signal.raise_signal(signal.SIGINT)
            done.append("all")

    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted()
    assert done == ["all"]
    assert caught.value.__notes__ == [f"{tmp_path / 'a'} is written."]


def test_what_failed_was_not_written(tmp_path):
    def failed():
        with uninterrupted(tmp_path / "b"):
            signal.raise_signal(signal.SIGINT)
            raise OSError("full")

    with pytest.raises(KeyboardInterrupt) as caught:
        failed()
    assert not hasattr(caught.value, "__notes__")
    assert not was_written(tmp_path / "b")


def test_handlers_of_others_hear_of_it_and_may_go_on(handler, tmp_path):
    heard = []
    handler(lambda number, frame: heard.append(number))
    with uninterrupted(tmp_path / "c"):
        signal.raise_signal(signal.SIGINT)
        assert heard == []
    assert heard == [signal.SIGINT]
    handler(signal.SIG_IGN)
    with uninterrupted(tmp_path / "d"):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_write_too(tmp_path):
    def run():
        with uninterrupted(tmp_path / "e"):
            pass

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert was_written(tmp_path / "e")
