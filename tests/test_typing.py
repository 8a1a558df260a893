"""Type checkers must not object to what users write, and must know what comes back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "typing" / "users_script.py"


def checked(*paths):
    options = ["--ignore-missing-imports", "--follow-imports=silent", "--no-error-summary", "--config-file="]
    command = [sys.executable, "-m", "mypy", *options, f"--cache-dir={os.devnull}", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPT.parents[2])
    return done.stdout + done.stderr


@pytest.mark.slow
def test_mypy_has_no_objection_to_a_users_script(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import avfusion as av\nav.EarlyFusionRegressor(dropout='high')\nav.compare({}, [], []).tabel\n"
    )
    said = checked(SCRIPT, wrong)  # at once: most of the time is that of the packages which both import
    assert {line.partition(":")[0] for line in said.splitlines()} == {str(wrong)}
    assert 'has incompatible type "str"; expected "float"' in said
    assert '"Comparison" has no attribute "tabel"' in said


@pytest.mark.slow
def test_the_script_runs(capsys):
    code = compile(SCRIPT.read_text(encoding="utf-8"), str(SCRIPT), "exec")
    exec(code, {"__name__": "users_script"})
