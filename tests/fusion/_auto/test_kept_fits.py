"""Finished fits of candidates, kept in a folder."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from avfusion.fusion._auto._candidates import Candidate
from avfusion.fusion._auto._kept_fits import KeptFits
from avfusion.sequences import as_targets
from avfusion.sequences._recordings import read_recordings

FOLD = (np.array([0, 1]), np.array([2]))


def read(y=(1.0, 2.0, 3.0)):
    return read_recordings({"audio": [[1.0], [2.0], [3.0]]}, list(y), caller="AutoFusionRegressor")


def test_what_was_written_is_read(tmp_path):
    data, candidate = read(), Candidate("ridge", Ridge(), ["audio"])
    kept = KeptFits(tmp_path, data).of(candidate, FOLD, {})
    assert kept.read(data, candidate, np.array([2])) is None
    kept.write(("ridge", np.array([2]), as_targets([5.0])), 1.5)
    (name, rows, predictions), seconds = kept.read(data, candidate, np.array([2]))
    assert (name, rows.tolist(), predictions.values.tolist(), seconds) == ("ridge", [2], [[5.0]], 1.5)


@pytest.mark.parametrize(
    ("candidate", "labels", "fold"),
    [
        (Candidate("ridge", Ridge(2.0), ["audio"]), (1.0, 2.0, 3.0), FOLD),
        (Candidate("ridge", Ridge(), []), (1.0, 2.0, 3.0), FOLD),
        (Candidate("ridge", Ridge(), ["audio"]), (1.0, 2.0, 4.0), FOLD),
        (Candidate("ridge", Ridge(), ["audio"]), (1.0, 2.0, 3.0), (np.array([0]), np.array([2]))),
    ],
)
def test_other_estimators_streams_labels_and_folds_are_kept_elsewhere(tmp_path, candidate, labels, fold):
    place = KeptFits(tmp_path, read()).of(Candidate("ridge", Ridge(), ["audio"]), FOLD, {}).path
    assert KeptFits(tmp_path, read(labels)).of(candidate, fold, {}).path != place


def test_the_name_of_a_candidate_does_not_matter(tmp_path):
    kept = KeptFits(tmp_path, read())
    first, second = (kept.of(Candidate(name, Ridge(), ["audio"]), FOLD, {}).path for name in "ab")
    assert first == second
