import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from avfusion.model_selection import compare
from avfusion.model_selection.comparison._names import as_texts, check_names

X = np.random.default_rng(0).normal(size=(12, 2))


def result(estimators=("mean",), y=None, **options):
    models = {name: DummyRegressor() for name in estimators}
    y = X[:, 0] if y is None else y
    return compare(models, X, y, **{"cv": 2, "scoring": "mae", "verbose": False} | options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimators": (1, "1")}, "estimators has the names 1, '1', which are the same in tables"),
        ({"estimators": ("a", "a, seed 1"), "n_seeds": {"a": 2}}, None),  # no seed is used: fitted once
        ({"estimators": ("caf\udce9",)}, "is not valid Unicode"),
        ({"estimators": ("",)}, "has an empty name"),
        ({"estimators": ("a", None)}, "estimators has the name None, which counts as missing"),
        ({"scoring": {"fold": "mae"}}, "scoring has the name 'fold', which a column of the tables has"),
        ({"scoring": {"a": "mae", "a_low": "rmse"}}, "scoring has the names 'a', 'a_low'"),
        ({"y": pd.DataFrame({1: X[:, 0], "1": X[:, 1]})}, "y has the names '1', '1'"),
    ],
)
def test_names_that_would_be_one_are_refused_before_any_fit(monkeypatch, options, message):
    if message is None:
        assert result(**options).prediction_table().shape[0] == 12
        return
    monkeypatch.setattr(DummyRegressor, "fit", None)
    with pytest.raises(ValueError, match=message):
        result(**options)


def test_seeds_of_one_estimator_may_have_the_name_of_another():
    with pytest.raises(ValueError, match="the same in tables"):
        check_names({"a": 2, "a, seed 1": 1}, ["ccc"], ["y"])
    check_names({"a": 2, "b": 1}, ["ccc", "mae"], ["y", 0])


GROUPS = np.repeat([0, 1, 2], 4)
INDEXES = {
    "two levels": pd.MultiIndex.from_arrays([GROUPS, range(12)]),
    "dates": pd.date_range("2020-01-01", periods=12),
    "of two kinds": pd.Index([0, "a", *range(2, 12)], dtype=object),
    "not UTF-8": pd.Index(["caf\udce9", *"abcdefghijk"], dtype=object),
    "named like a column": pd.RangeIndex(12, name="fold"),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_any_index_of_the_labels_is_written(tmp_path, index):
    saved = pd.read_parquet(result(y=pd.Series(X[:, 0], index=index)).save(tmp_path) / "predictions.parquet")
    assert saved["index"].tolist() == as_texts(index)
    np.testing.assert_array_equal(saved["label"], X[:, 0])


@pytest.mark.parametrize("odd", ["caf\udce9", 7, ("a", 1), pd.Timestamp("2020-01-01"), None])
def test_groups_of_several_kinds_are_texts(tmp_path, odd):
    groups = np.array(["a", "b", "c"], dtype=object)[GROUPS]
    groups[GROUPS == 1] = [odd] * 4 if not isinstance(odd, tuple) else np.fromiter([odd] * 4, dtype=object)
    if odd is None:
        with pytest.raises(ValueError, match="groups is missing for row 4"):
            result(groups=groups)
        return
    folder = result(groups=groups, cv=3).save(tmp_path)
    saved = pd.read_parquet(folder / "predictions.parquet")
    assert saved["group"].tolist() == as_texts(groups)
    assert set(pd.read_csv(folder / "groups.csv")["group"]) == set(as_texts(groups))


def test_the_same_group_as_text_and_as_number_is_refused():
    with pytest.raises(ValueError, match="groups holds '0' both as int and as str"):
        result(groups=np.array([0, "0", "a"], dtype=object)[GROUPS])
