"""What makes a search try other things when it is run again is found, wherever it sits."""

from avfusion.model_selection.records._repeatable import not_repeatable
from optuna.samplers import CmaEsSampler, GridSampler, RandomSampler, TPESampler
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from avfusion.model_selection import FusionSearchCV


def test_a_timeout_is_found_inside_a_pipeline():
    (reason,) = not_repeatable(make_pipeline(FusionSearchCV(timeout=60)))
    assert reason.startswith("fusionsearchcv__timeout: ")
    assert "60 s" in reason


def test_samplers_without_a_seed_are_found_also_within_others():
    for sampler in (RandomSampler(), TPESampler(), CmaEsSampler(independent_sampler=RandomSampler(), seed=0)):
        (reason,) = not_repeatable(FusionSearchCV(sampler=sampler))
        assert reason == f"sampler: {type(sampler).__name__} has no seed"


def test_seeded_samplers_and_searches_without_one_are_repeatable():
    for sampler in (None, RandomSampler(seed=0), TPESampler(seed=0), GridSampler({"a": [1]}, seed=0)):
        assert not_repeatable(FusionSearchCV(sampler=sampler)) == []
    assert not_repeatable(Ridge()) == []


def test_a_sampler_that_cannot_be_pickled_is_no_reason():
    sampler = RandomSampler(seed=0)
    sampler.after = lambda: None
    assert not_repeatable(FusionSearchCV(sampler=sampler)) == []
