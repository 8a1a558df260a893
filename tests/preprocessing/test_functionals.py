import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import linregress
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from avfusion.preprocessing import Align, Functionals
from avfusion.sequences import Sequence, as_sequences


def cells(X, column):
    """List the frames of each row, None where the stream is missing."""
    return [cell.frames if isinstance(cell, Sequence) else None for cell in X[column]]


def test_table_is_that_of_pandas(recordings):
    statistics = ("mean", "std", "q25", "median", "q75", "min", "max", "first", "last")
    table = Functionals(statistics).set_output(transform="pandas").fit_transform(recordings)
    assert list(table.index) == list(recordings.index)
    assert table.shape == (6, 9 * 5)
    for name in ("audio", "video"):
        for label, row in zip(recordings.index, cells(recordings, name)):
            found = table.loc[label]
            if row is None:
                assert found.filter(like=name).isna().all()
                continue
            frames = pd.DataFrame(row.astype(float))
            for i in frames:
                values = frames[i].dropna()
                expected = [
                    values.mean(), values.std(ddof=0), *values.quantile([0.25, 0.5, 0.75]),
                    values.min(), values.max(), values.iloc[0], values.iloc[-1],
                ]  # fmt: skip
                assert_allclose([found[f"{name}__{i}__{s}"] for s in statistics], expected, rtol=1e-5)


def test_slope_is_per_second_where_the_rate_is_known():
    rows = [np.random.default_rng(0).normal(size=(40, 1))]
    per_step = linregress(np.arange(40), rows[0][:, 0]).slope
    for rate, expected in ((None, per_step), (25, 25 * per_step)):
        X = as_sequences({"a": rows}, dtype="float64", rate_hz=rate)
        assert_allclose(Functionals(("mean", "slope")).fit_transform(X)[0, 1], expected)


def test_names_follow_the_table():
    X = as_sequences({"a": [[[1.0, 2.0]]], "b": [[5.0]]})
    functionals = Functionals(("mean", "std")).fit(X)
    names = ["a__0__mean", "a__1__mean", "a__0__std", "a__1__std", "b__0__mean", "b__0__std"]
    assert functionals.get_feature_names_out().tolist() == names
    assert functionals.transform(X).tolist() == [[1, 2, 0, 0, 5, 0]]
    pipeline = make_pipeline(Align(), Functionals(("mean",))).fit(X)
    assert pipeline.get_feature_names_out().tolist() == ["a__0__mean", "a__1__mean", "b__0__mean"]


def test_rows_of_an_array_are_sequences_of_one_step():
    X = np.array([[1.5, 2.0], [3.0, np.nan]])
    functionals = Functionals(("median", "std", "slope")).fit(X)
    assert_array_equal(functionals.transform(X), [[1.5, 2, 0, 0, 0, 0], [3, np.nan, 0, np.nan, 0, np.nan]])
    assert functionals.get_feature_names_out(["p", "q"]).tolist() == [
        f"{name}__{statistic}" for statistic in ("median", "std", "slope") for name in "pq"
    ]


def test_rows_without_steps_have_no_functionals():
    X = as_sequences({"a": [np.zeros((0, 1)), [2.0]]})
    assert_array_equal(Functionals(("mean", "slope")).fit_transform(X), [[np.nan] * 2, [2, 0]])


def test_clip_targets_can_be_learnt_by_any_regressor():
    rng = np.random.default_rng(0)
    y = rng.normal(size=120)
    rows = [rng.normal(target, 1, (rng.integers(20, 60), 1)) for target in y]
    rows[::10] = [None] * 12
    X = as_sequences({"a": rows})
    model = make_pipeline(Functionals(), HistGradientBoostingRegressor(random_state=0))
    predicted = cross_val_predict(model, X, y, cv=4)
    present = X["a"].notna().to_numpy()
    assert np.corrcoef(predicted[present], y[present])[0, 1] > 0.8


def test_unknown_statistic_is_refused(recordings):
    with pytest.raises(ValueError, match=r"There is no statistic 'kurtosis'. Choose from mean, std"):
        Functionals(("mean", "kurtosis")).fit(recordings)
