"""Records for people, recipes for `rerun`, and what would differ when it is run again."""

import json
from functools import partial

import joblib
import numpy as np
import optuna
import pytest
from optuna.samplers import GridSampler, PartialFixedSampler, QMCSampler, RandomSampler, TPESampler
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from avfusion.model_selection import FusionSearchCV
from avfusion.model_selection.records._provenance import (
    RECIPE,
    described,
    not_repeatable,
    plain,
    text_of,
    write_recipe,
)


def test_everything_becomes_json_without_addresses():
    record = plain(
        {1: np.int64(2), "nan": np.nan, "function": partial(max, 1), "class": Ridge, "t": (None, True)}
    )
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["1"] == 2
    assert record["class"] == "Ridge"
    assert record["t"] == [None, True]
    assert " at 0x" not in text_of(object())


def test_estimators_are_described_with_nested_parameters():
    description = described(make_pipeline(Ridge(alpha=2.0)))
    assert description["class"] == "sklearn.pipeline.Pipeline"
    assert description["parameters"]["ridge__alpha"] == 2.0


@pytest.mark.parametrize(
    ("sampler", "seeded"),
    [
        (RandomSampler(), False),
        (RandomSampler(seed=0), True),
        (TPESampler(), False),
        (TPESampler(seed=0), True),
        (PartialFixedSampler({"x": 1.0}, RandomSampler()), False),
        (PartialFixedSampler({"x": 1.0}, RandomSampler(seed=0)), True),
        (GridSampler({"x": [1, 2]}), True),  # documented: without a seed it takes 0
        (QMCSampler(seed=0, warn_independent_sampling=False), True),
    ],
)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_samplers_without_a_seed_are_found_and_not_changed(sampler, seeded):
    search = FusionSearchCV(Ridge(), sampler=sampler)
    for _ in range(2):
        reasons = not_repeatable(make_pipeline(search))
        assert reasons == (
            [] if seeded else [f"fusionsearchcv__sampler: {type(sampler).__name__} has no seed"]
        )


def test_a_sampler_gives_what_it_would_have_given_without_the_check():
    def first(sampler):
        return optuna.create_study(sampler=sampler).ask().suggest_float("x", 0, 1)

    checked = RandomSampler(seed=0)
    not_repeatable(FusionSearchCV(Ridge(), sampler=checked))
    assert first(checked) == first(RandomSampler(seed=0))


def test_what_has_no_sampler_or_one_that_cannot_be_pickled_is_no_reason():
    sampler = RandomSampler(seed=0)
    sampler.after = lambda: None
    assert not_repeatable(FusionSearchCV(sampler=sampler)) == []
    assert not_repeatable(Ridge()) == []


def test_timeouts_are_found():
    assert not_repeatable(FusionSearchCV(Ridge(), timeout=60)) == [
        "timeout=60 s: the number of trials that finish in time varies"
    ]


def test_a_recipe_is_written_whole_or_not_at_all(tmp_path):
    with pytest.warns(UserWarning, match="was not written, so that rerun will not work"):
        write_recipe({"scoring": (number for number in ())}, tmp_path)
    write_recipe(None, tmp_path)
    assert not list(tmp_path.iterdir())
    write_recipe({"groups": [1, 2]}, tmp_path)
    assert joblib.load(tmp_path / RECIPE) == {"groups": [1, 2]}
