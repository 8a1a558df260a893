import functools

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from avfusion.model_selection.search._identity import check_identity, content_hash


def scaled(factor):
    return lambda x, shift=0: x * factor + shift


class Holder:
    def __init__(self, value):
        self.value = value

    def method(self):
        return self.value


PAIRS = {  # two that are alike, and one that is not
    "number": (1.0, 1.0, 2.0),
    "types": (1, 1, True),
    "array": (np.arange(3), np.arange(3), np.arange(3.0)),
    "function": (scaled(1), scaled(1), scaled(2)),
    "default": (lambda x, a=1: a, lambda x, a=1: a, lambda x, a=2: a),
    "inner function": (lambda: lambda x: x, lambda: lambda x: x, lambda: lambda x: -x),
    "partial": (functools.partial(max, 1), functools.partial(max, 1), functools.partial(max, 2)),
    "method": (Holder(1).method, Holder(1).method, Holder(2).method),
    "object": (Holder([1]), Holder([1]), Holder([2])),
    "set": ({1, "a"}, {"a", 1}, {1, "b"}),
    "class": (Ridge, Ridge, Holder),
    "generator": tuple(np.random.RandomState(seed) for seed in (0, 0, 1)),
    "scorer": (make_scorer(r2_score), make_scorer(r2_score), make_scorer(mean_absolute_error)),
    "estimator": tuple(
        make_pipeline(FunctionTransformer(np.abs), Ridge(alpha=a, random_state=np.random.RandomState(0)))
        for a in (1, 1, 2)
    ),
    "range": tuple(FloatDistribution(0, high) for high in (1, 1, 2)),
    "choices": tuple(CategoricalDistribution(["a", choice]) for choice in (None, None, 1)),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_content_and_nothing_else_counts(kind):
    one, same, other = PAIRS[kind]
    assert content_hash(one) == content_hash(same)
    assert content_hash(one) != content_hash(other)


def test_objects_may_hold_themselves():
    one, other = Holder(1), Holder(1)
    one.value, other.value = one, other
    assert content_hash(one) == content_hash(other)


def test_a_study_is_signed_once_and_named_parts_are_told():
    study = optuna.create_study(direction="maximize", study_name="s")
    check_identity(study, {"data": "a", "folds": "b"})
    check_identity(study, {"data": "a", "folds": "b"})
    with pytest.raises(ValueError, match="of a search with other folds: their scores"):
        check_identity(study, {"data": "a", "folds": "c"})
    with pytest.raises(ValueError, match="of a search with other data, folds: their scores"):
        check_identity(study, {"data": "b", "folds": "c"})
