"""Numbers with more digits than a type holds, and masks in every tool, against plain float64."""

import warnings
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer

import avfusion as av
from avfusion.metrics import ccc_score
from avfusion.model_selection import corrected_resampled_t_test
from avfusion.sequences import as_sequences, mask_labels
from benchmarks.faults.harness import Case

OFFSETS = (0.0, 1e4, 1e6, 1e8, 1.7e9, 1e12, 1e13)
SIZES = (1e-300, 1e-60, 1e-44, 1e-10, 1.0, 1e10, 1e44, 1e150)
FORMS = {
    "cells": lambda rows: {"audio": rows},
    "nested lists": lambda rows: {"audio": [row.tolist() for row in rows]},
    "array": lambda rows: {"audio": np.array(rows)},
    "padded": lambda rows: {"audio": (np.pad(np.array(rows), ((0, 0), (0, 3), (0, 0))), [8] * len(rows))},
    "Arrow": lambda rows: pa.table({"audio": pa.array([row.tolist() for row in rows])}),
    "tables": lambda rows: {"audio": [pd.DataFrame(row, columns=["x", "y"]) for row in rows]},
    "mappings": lambda rows: [{"audio": row} for row in rows],
}


def lost_digits(rng):
    """Yield cases of numbers with an offset, weights of every size, and masks that tools may drop."""
    rows = [rng.normal(size=(8, 2)) for _ in range(5)]
    labels = [row @ [1.0, -2.0] + 0.05 * rng.normal(size=8) for row in rows]
    for (name, form), offset in product(FORMS.items(), OFFSETS):
        yield Case(f"{name} with an offset of {offset:g}", partial(offsets, form, rows, labels, offset))
    for size in SIZES:
        yield Case(f"weights of {size:g}", partial(weights, rows, labels, size))
    for name, run in tools().items():
        yield Case(f"masked, {name}", run)


def offsets(form, rows, labels, offset):
    """Fit features far from zero: as well as in float64, or with a warning that names them."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        X = as_sequences(form([row + offset for row in rows]))
        model = av.FrameRegressor(LinearRegression()).fit(X, labels)
    if any("cannot hold" in str(warning.message) for warning in said):
        return None if offset else "a warning without a cause"
    table, known = np.concatenate(rows), np.concatenate(labels)
    expected = ccc_score(known, LinearRegression().fit(table, known).predict(table))
    score = ccc_score(labels, model.predict(X))
    return None if abs(score - expected) < 0.02 else f"CCC {score:.3f} in place of {expected:.3f}"


def weights(rows, labels, size):
    """Weigh labels by numbers of any size: only their ratios matter."""
    own = np.arange(1.0, len(rows) + 1)
    table, known = np.concatenate(rows), np.concatenate(labels)
    expected = LinearRegression().fit(table, known, np.repeat(own, 8)).predict(table)
    model = av.FrameRegressor(LinearRegression()).fit({"audio": rows}, labels, sample_weight=size * own)
    got = np.concatenate(list(model.predict({"audio": rows})))
    return None if np.allclose(got, expected, atol=1e-5) else "labels are weighed otherwise"


def tools():
    """Return what takes numbers from users or their estimators, with a number that is masked."""
    hidden = np.ma.MaskedArray([1.0, 9e9], mask=[False, True])
    X = as_sequences({"audio": [[[0.5], [2.0]], [[3.0], [0.25]]]})
    y = [np.array([0.5, 2.0]), np.array([3.0, 0.25])]
    member = av.FrameRegressor(LinearRegression())
    late = av.LateFusionRegressor([("a", member, ["audio"]), ("b", member, ["audio"])], weights=hidden)
    masking = FunctionTransformer(lambda frames: np.ma.masked_greater(frames, 1))

    class Masking(LinearRegression):
        def predict(self, X):
            return np.ma.masked_greater(super().predict(X), 1)

    return {
        "mask_labels": lambda: _shows(mask_labels([hidden], -5)[0]),
        "mask_labels, objects": lambda: _shows(mask_labels(pd.Series([hidden]), -5)[0]),
        "OnFrames": lambda: _shows(av.OnFrames(masking).fit_transform(X)["audio"].array.frames, 1),
        "a regressor's predictions": lambda: _shows(
            np.concatenate(list(av.FrameRegressor(Masking()).fit(X, y).predict(X))), 1
        ),
        "weights of members": lambda: _shows(late.fit(X, y).weights),
        "weights of targets": lambda: _shows(
            ccc_score([[1, 2], [2, 1]], [[1, 2], [2, 2]], multioutput=hidden)
        ),
        "a test": lambda: None if np.isnan(corrected_resampled_t_test(hidden, 8, 2)).all() else "used",
    }


def _shows(values, limit=8e9):
    """Say if what was masked is among some numbers, or a mask is still there, which the next step drops."""
    if isinstance(values, np.ma.MaskedArray):
        return "the mask is left to whoever comes next"
    return "what was masked is used" if np.nanmax(values) > limit else None
