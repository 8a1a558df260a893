"""The progress bar is tqdm's, and a notebook without widgets is no reason for a warning."""

import subprocess
import sys

from tqdm.std import tqdm

from avfusion._progress import progress_bar


def test_it_is_a_bar_of_tqdm():
    assert issubclass(progress_bar, tqdm)
    assert list(progress_bar(range(3), disable=True)) == [0, 1, 2]


def test_its_import_warns_of_nothing():
    code = "import warnings; warnings.simplefilter('error'); import tqdm; import avfusion._progress"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stderr == b""
