import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import psutil
import pytest
import torch

from avfusion._parallel import TRIES, Ended, all_results, each_result, one_torch_thread


def marked(number, folder, deadly=None):
    """Leave a line for each run; the first run of number 2 ends its process, and every one of `deadly`."""
    log = Path(folder, str(number))
    with log.open("a") as file:
        file.write("run\n")
    if number == deadly or (number == 2 and len(log.read_text().splitlines()) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def tasks(folder, deadly):
    return ((marked, (number, folder, deadly), {}) for number in range(7))


def test_workers_that_are_killed_cost_no_other_task(tmp_path):
    with joblib.parallel_config("multiprocessing"):  # which waits for ever for what a killed worker had
        results = dict(each_result(tasks(tmp_path, 5), n_jobs=2))
    assert isinstance(results.pop(5), Ended)
    assert results == {number: number**2 for number in range(7) if number != 5}
    runs = [len((tmp_path / str(number)).read_text().splitlines()) for number in range(7)]
    assert TRIES <= runs[5] <= TRIES + 1
    assert max(runs) <= TRIES + 1


def broken(number):
    raise KeyError(number)


def test_an_error_of_a_task_is_raised_as_it_is():
    with pytest.raises(KeyError):
        all_results([(broken, (1,), {})], n_jobs=2)


WAIT = """
import sys, time
from avfusion._parallel import all_results
def wait(path):
    open(path, "w").close()
    time.sleep(0.1 if path.endswith("0") else 600)
all_results(((wait, (f"{sys.argv[1]}/{n}",), {}) for n in range(3)), n_jobs=2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a worker is not told of its parent's number there")
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", WAIT, tmp_path])
    until(lambda: len(list(tmp_path.iterdir())) == 3)
    children = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    until(lambda: not any(child.is_running() for child in children))


def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("fails", [False, True])
def test_torch_has_one_thread_within_and_its_own_after(fails):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with contextlib.suppress(ZeroDivisionError), one_torch_thread():
            assert torch.get_num_threads() == 1
            _ = 1 / (0 if fails else 1)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
