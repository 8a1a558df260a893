import datetime
import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import avfusion as av
from avfusion._kept_fits._hashing import content_hash, fingerprint, pickle_hash

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(6, 3))
STREAMS = [{"audio": RNG.normal(size=(400, 3)), "video": RNG.normal(size=(9, 2))} for _ in range(4)]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (NUMBERS.tolist(), NUMBERS),
        (tuple(NUMBERS[:, 0]), NUMBERS[:, 0]),
        ([[1, None], [2, 3]], np.array([[1, np.nan], [2, 3]])),
        (NUMBERS.astype(object), NUMBERS),
        (STREAMS, av.as_sequences(STREAMS)),
        ({"audio": [row["audio"] for row in STREAMS]}, av.as_sequences(STREAMS)[["audio"]]),
        (tuple(row["audio"] for row in STREAMS), [row["audio"] for row in STREAMS]),
    ],
)
def test_data_hash_alike_before_and_after_they_are_read(given, read):
    assert fingerprint(given) == fingerprint(read)


def changed(cell):
    """Another recording, whose text does not tell: numpy leaves out the middle of long arrays."""
    other = cell.copy()
    other[200, 1] += 1
    return other


def cells(value):
    return list(av.as_sequences([np.full((5, 2), value)])["features"])


def column(cell):
    return pd.DataFrame({"of a row": [cell]})


def record(text):
    return np.array([(1, text)], dtype=[("number", int), ("text", object)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NUMBERS, NUMBERS.T.copy()),
        (NUMBERS, NUMBERS.astype(np.float32)),
        ([1.0, 2.0], [1.0, 3.0]),
        (STREAMS, [*STREAMS[:3], STREAMS[3] | {"audio": changed(STREAMS[3]["audio"])}]),
        ([{"file": "a"}], [{"file": "b"}]),
        ([{"x": np.zeros(2000)}, 1], [{"x": np.r_[np.zeros(1000), 1, np.zeros(999)]}, 1]),
        (cells(0.0), cells(1.0)),
        (column(datetime.date(2020, 1, 1)), column(datetime.date(2020, 1, 2))),
        (column(Path("a")), column(Path("b"))),
        (column({"a", "b"}), column({"a", "c"})),
        (record("a"), record("b")),
    ],
)
def test_other_content_hashes_otherwise(one, other):
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize("name", ["csc", "coo", "dok", "lil"])
def test_only_the_values_of_a_sparse_matrix_count(name):
    matrix = sparse.random_array((8, 5), density=0.4, format="csr", rng=0)
    same = getattr(matrix, f"to{name}")()
    assert fingerprint(matrix) == fingerprint(same)
    rows, columns = matrix.nonzero()
    unsorted = sparse.coo_array((np.r_[matrix.data, 0.0], (np.r_[rows, 7], np.r_[columns, 4])), shape=(8, 5))
    assert fingerprint(unsorted) == fingerprint(matrix)
    assert fingerprint(same * 2) != fingerprint(matrix)
    assert fingerprint(same[:, ::-1]) != fingerprint(matrix)


def test_what_cannot_be_read_is_refused():
    X = pd.DataFrame({"number": [1.0], "call": [lambda: 0]})
    with pytest.raises(TypeError, match="Column 'call': The content of a function cannot be read"):
        fingerprint(X)
    with open(__file__) as file, pytest.raises(TypeError, match="The content of a TextIOWrapper"):
        fingerprint([file])


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
    "dtype": (np.float32, np.float32, np.float64),
    "index": tuple(pd.Index(names) for names in (["a"], ["a"], ["b"])),
    "table": tuple(pd.DataFrame({"call": [scaled(factor)]}) for factor in (1, 1, 2)),
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


IN_A_PROCESS = """
from avfusion._kept_fits._hashing import content_hash
print(content_hash([{"a", "b", "c"}, lambda x: x in {"a", "b", "c"}]))
"""


def test_sets_hash_alike_in_processes_that_order_them_differently():
    command = [sys.executable, "-c", IN_A_PROCESS]
    runs = [
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True)
        for seed in ("0", "1")
    ]
    assert runs[0].stdout == runs[1].stdout


def test_masks_and_tensors_are_part_of_the_content():
    labels = [np.ma.array([1.0, 2.0], mask=mask) for mask in ([0, 0], [0, 1], [1, 0])]
    assert len({fingerprint([mask]) for mask in labels}) == 3
    tensor = torch.ones(2, requires_grad=True)
    assert fingerprint([tensor]) == fingerprint([np.ones(2, dtype="float32")])


def test_what_cannot_be_pickled_is_an_error_wherever_it_stands():
    for place in (lambda x: x, lambda x: [x], lambda x: {"a": [x]}, lambda x: {"a": {"b": (1, x)}}):
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle_hash(place(sys))
    assert pickle_hash({"a": [1]}) != pickle_hash({"a": [2]})
