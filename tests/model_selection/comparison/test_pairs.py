"""Differences on every target at once are those of comparisons of each target alone."""

import numpy as np
import pandas as pd
import pytest

from avfusion.model_selection import paired_differences
from tests.model_selection.comparison.targets import NAMES, several

NUMBERS = ["difference", "low", "high", "fold_difference", "t", "p"]


@pytest.fixture(scope="module")
def repeats():
    return [several(cv=cv) for cv in (4, 3)]


@pytest.mark.parametrize("n_repeats", [1, 2])
def test_all_targets_together_and_one_by_one(repeats, n_repeats):
    given = repeats[:n_repeats]
    together = paired_differences(given, "a", by_target=True, n_resamples=300)
    assert together.index.unique("target").tolist() == [*NAMES, "mean of targets"]
    for target in NAMES:
        slow = paired_differences([of.of_target(target) for of in given], "a", n_resamples=300)
        named = paired_differences(given, "a", target=target, n_resamples=300)
        pd.testing.assert_frame_equal(named, slow)
        pd.testing.assert_frame_equal(together.loc[target, NUMBERS], slow[NUMBERS])
    mean = paired_differences(given, "a", n_resamples=300)
    pd.testing.assert_frame_equal(together.loc["mean of targets"], mean)


def test_p_values_are_adjusted_for_estimators_and_targets(repeats):
    together = paired_differences(repeats[0], "a", by_target=True, n_resamples=50)
    parts = together.drop("mean of targets")
    assert parts["p_holm"].min() == pytest.approx(len(parts) * parts["p"].min())


def test_a_target_and_all_targets_exclude_each_other(repeats):
    with pytest.raises(ValueError, match="target names one target and by_target=True asks for all"):
        paired_differences(repeats[0], "a", target="arousal", by_target=True)
    with pytest.raises(ValueError, match="There is no target 'joy'"):
        paired_differences(repeats[0], "a", target="joy")


def test_resampling_of_a_target_does_not_depend_on_labels_of_others(repeats):
    lines = paired_differences(repeats[0], "a", by_target=True, n_resamples=300).xs("b", level="estimator")
    assert np.isfinite(lines[["low", "high"]].to_numpy()).all()
    assert (lines["low"] <= lines["high"]).all()
