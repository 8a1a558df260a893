"""Scores of a comparison again, from its predictions."""

import numpy as np
import pytest

from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection.comparison._rescoring import evaluation_of, score_of
from tests.model_selection.comparison.targets import several


def test_scores_are_those_of_the_tables():
    result = several()
    again = evaluation_of(result, resolve_scoring(["ccc", "mae"]))
    for name in result.predictions:
        mean, of_targets = again.scored(name, again.tested)
        assert mean["mae"] == result.table.loc[name, "mae"]
        own = result.targets[result.targets["estimator"] == name]
        np.testing.assert_array_equal(of_targets["ccc"], own["ccc"])
    with pytest.raises(ValueError, match="There is no score 'r2'; the scores are ccc, mae"):
        score_of(result, "r2")
