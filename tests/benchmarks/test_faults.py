"""The harness of the attacks says how each ends, and each class of attacks ends as the documentation says."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.faults.child import Bomb, in_child
from benchmarks.faults.harness import BAD, Case, Event, Obscure, cli, run_case

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("AVFUSION_FAULTS_S", "4"))


def fill():
    taken = []
    while True:
        taken.append(bytearray(10**8))


def multi_line():
    raise ValueError("Four\nlines\nare too\nmany.")


def keeps(message):
    def run():
        raise ValueError(message)

    return run


def caused():
    try:
        {}["a"]
    except KeyError as error:
        raise RuntimeError("Of no use.") from error


ENDS = {
    "all is well": (lambda: None, "fine"),
    "other numbers": (lambda: "silent wrong: 3 in place of 4", "silent wrong"),
    "a message": (keeps("data.csv has no rows."), "clear"),
    "a message with an escape code": (keeps("data\x1b[31m.csv has no rows."), "obscure"),
    "no message": (keeps(""), "obscure"),
    "four lines": (multi_line, "obscure"),
    "an error of a library": (lambda: json.loads("{"), "obscure"),
    "an error of a codec": (lambda: b"\xff".decode(), "obscure"),
    "an error that nobody meant": (lambda: {}["a"], "obscure"),
    "an error with such a cause": (caused, "obscure"),
    "ten terabytes": (lambda: bytearray(10**13), "obscure"),
    "memory without end": (fill, "hang"),
    "a wait without end": (lambda: time.sleep(100), "hang"),
    "a signal": (lambda: os.kill(os.getpid(), signal.SIGSEGV), "crash"),
    "an exit": (lambda: os._exit(0), "crash"),
    "a bomb": (lambda: (pickle.loads(pickle.dumps(Bomb())), None)[1], "executed"),
    "a bomb and an error": (lambda: pickle.loads(pickle.dumps(Bomb()) + b"x")["a"], "executed"),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_harness_calls_each_end_by_its_name(name):
    run, outcome = ENDS[name]
    assert run_case(Case(name, run, seconds=1.5))["outcome"] == outcome


def test_what_may_execute_is_fine():
    assert run_case(Case("", ENDS["a bomb"][0], may_execute=True))["outcome"] == "fine"


def test_a_child_leaves_nothing_behind_and_its_processes_end():
    def run():
        Path("file").write_text("")
        process = subprocess.Popen(["sleep", "100"])
        return [os.getcwd(), process.pid]

    ended = in_child(run)
    place, pid = ended.result
    assert ended.how == "ended"
    assert not Path(place).exists()
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}/status").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_command_line_returns_its_output_or_raises_its_one_line():
    with pytest.raises(ValueError, match="nowhere"):
        cli("describe", "nowhere")
    with pytest.raises(ValueError, match="No such option"):
        cli("describe", "synthetic", "--nowhere")
    assert "audio" in cli("describe", "synthetic", "--option", "n_recordings=4")


def test_the_command_line_may_print_nothing_that_a_terminal_obeys(monkeypatch):
    monkeypatch.setattr("avfusion.cli.main", lambda: print("\x1b[31m"))
    with pytest.raises(Obscure, match="prints"):
        cli("describe")


def test_events_have_outcomes_that_may_not_occur():
    assert Event("kill", 3, {"whole": 3, "half": 0}).bad == {}
    assert Event("kill", 3, {"whole": 2, "half": 1}).bad == {"half": 1}
    assert Event("kill", 3, {"left": 3}, good=("left",)).bad == {}


@pytest.mark.slow
def test_every_class_of_attacks_in_short(tmp_path):
    command = [sys.executable, "-m", "benchmarks.faults", "--short", "--seconds", str(SECONDS)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [*command, "--output", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    print(done.stdout)
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    written = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    assert written
    for name, own in written.items():
        assert own["tried"] > 0 or own["events"], name
        assert own["tried"] == sum(own["counts"].values())
        assert own["bad"] == [], name
        assert [end for end in BAD if own["counts"][end]] == [], name
        assert [event["name"] for event in own["events"] if event["bad"] or not event["times"]] == [], name
