"""Every format ends with parts or with a short error, whatever the bytes.

AVFUSION_FUZZ_S=600 is a long run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avfusion.formats._registry import formats, read_parts
from tests.formats.fuzz import read_once
from tests.formats.samples import SAMPLES

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("AVFUSION_FUZZ_S", "20"))
SEED = int(os.environ.get("AVFUSION_FUZZ_SEED", "0"))
MOST_BYTES = 2**30


def write(folder, files):
    for ending, content in files.items():
        (folder / f"a{ending}").write_bytes(content)
    return folder / f"a{next(iter(files))}"


def test_every_format_has_a_sample():
    sampled = {next(iter(make())) for make in SAMPLES}
    assert [format.title for format in formats() if not sampled & set(format.suffixes)] == []


@pytest.mark.parametrize("make", SAMPLES, ids=lambda make: make.__name__)
def test_samples_are_read(tmp_path, make):
    parts = list(read_parts(write(tmp_path, make())))
    assert parts
    assert all(part.n_steps > 0 or part.targets for part in parts)


@pytest.mark.parametrize("make", SAMPLES, ids=lambda make: make.__name__)
def test_files_that_are_cut_off_anywhere_end_with_parts_or_a_short_error(tmp_path, make):
    files = make()
    first = next(iter(files))
    ends = set()
    for length in range(0, len(files[first]), max(1, len(files[first]) // 40)):
        ends.add(read_once(write(tmp_path, files | {first: files[first][:length]})))
    assert "refused" in ends


@pytest.mark.slow
def test_mutated_files_of_all_formats(tmp_path):
    command = [sys.executable, "-m", "tests.formats.fuzz", str(SECONDS), str(SEED), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS + 300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    print(report)
    assert report["n"] >= len(SAMPLES)
    assert report["peak"] < MOST_BYTES
