"""Operations of pandas on a column of sequences: right, compared with plain objects in its cells, or refused.

The slow, obvious version is the same table whose cells are objects, on which pandas knows nothing of
sequences. Each operation runs on both.
"""

import copy
import io
import pickle
import sqlite3

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.sequences import Sequence, SequenceArray, SequenceDtype

A, B, C = [[0, 1]], [[2, 3], [4, np.nan]], [[5, 6]] * 3
DTYPE = SequenceDtype("float32", 2, 25)
KEEPS, ANY = True, False  # whether the result is a column of sequences again


def cell(values, rate_hz=25):
    return Sequence(np.array(values, "float32"), rate_hz)


def column(*cells, rate_hz=25, **options):
    return SequenceArray.from_sequences(cells, dtype="float32", rate_hz=rate_hz, **options)


def table():
    index = pd.Index(list("wxyz"), name="row")
    return pd.DataFrame(
        {"a": column(A, None, B, A), "b": column(C, B, None, C), "n": [1, 2, 3, 4], "g": list("pqpq")},
        index=index,
    )


def as_objects(X):
    return X.astype({name: object for name in av.sequences.sequence_columns(X)})


def other(n=(1, 1, 9)):
    return pd.DataFrame({"n": list(n), "c": column(A, C, B, rate_hz=2)})


def both(function):
    """Run a function on the table and on the one of objects, which may be assigned to."""
    results = []
    for X in (table(), as_objects(table())):
        result = function(X)
        results.append(X if result is None else result)
    return results


def plain(value):
    """Return what a result holds as lists, of which missing values are None."""
    if isinstance(value, (pd.DataFrame, pd.Series)):
        axes = [list(axis) for axis in value.axes]
        values = value.items() if isinstance(value, pd.DataFrame) else [(None, value)]
        return axes, [[plain(own) for own in column] for _, column in values]
    if isinstance(value, (list, tuple)):
        return [plain(own) for own in value]
    if isinstance(value, dict):
        return {key: plain(own) for key, own in value.items()}
    if isinstance(value, (np.ndarray, SequenceArray, pd.Index)):
        return [plain(own) for own in value]
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


M = [True, False, True, False]
RIGHT = {
    # joining
    "concat": (KEEPS, lambda X: pd.concat([X, X.iloc[::-1]])["a"]),
    "concat with an empty table": (KEEPS, lambda X: pd.concat([X.iloc[:0], X])["a"]),
    "concat with no table": (KEEPS, lambda X: pd.concat([pd.DataFrame(), X])["a"]),
    "concat without the column": (KEEPS, lambda X: pd.concat([X, pd.DataFrame({"n": [9]})])["a"]),
    "concat by columns": (KEEPS, lambda X: pd.concat([X["n"], X["a"].iloc[:2]], axis=1)["a"]),
    "concat with keys": (KEEPS, lambda X: pd.concat({"k": X, "l": X})["a"]),
    **{
        f"merge, {how}": (KEEPS, lambda X, how=how: X.merge(other(), how=how, on="n")[["a", "c"]])
        for how in ("left", "right", "inner", "outer", "left_anti", "right_anti")
    },
    "merge, cross": (KEEPS, lambda X: X.merge(other(), how="cross")[["a", "c"]]),
    "merge by sequences": (KEEPS, lambda X: X.merge(X[["a"]].assign(z=[1, 2, 3, 4]), on="a")["a"]),
    "merge_asof": (KEEPS, lambda X: pd.merge_asof(X, other(), on="n")[["a", "c"]]),
    "join": (KEEPS, lambda X: X.join(other().set_index("n"), on="n")[["a", "c"]]),
    "combine_first": (KEEPS, lambda X: X["a"].combine_first(X["b"])),
    "combine_first, table": (
        KEEPS,
        lambda X: X.combine_first(X[["b"]].rename(columns={"b": "a"}))[["a", "b"]],
    ),
    # groups
    "groupby first": (KEEPS, lambda X: X.groupby("g")["a"].first()),
    "groupby last": (KEEPS, lambda X: X.groupby("g")[["a", "b"]].last()),
    "groupby nth": (KEEPS, lambda X: X.groupby("g")["a"].nth(1)),
    "groupby head": (KEEPS, lambda X: X.groupby("g").head(1)[["a", "b"]]),
    "groupby shift": (KEEPS, lambda X: X.groupby("g")["a"].shift(1)),
    "groupby ffill": (KEEPS, lambda X: X.groupby("g")["b"].ffill()),
    "groupby transform": (KEEPS, lambda X: X.groupby("g")["a"].transform("first")),
    "groupby filter": (KEEPS, lambda X: X.groupby("g").filter(lambda part: part["n"].sum() > 4)["a"]),
    "groupby agg of a dict": (ANY, lambda X: X.groupby("g").agg({"a": "first", "n": "sum"})),
    "groupby agg of list": (ANY, lambda X: X.groupby("g")["a"].agg(list)),
    "groupby size": (ANY, lambda X: X.groupby("g").size()),
    "groupby count": (ANY, lambda X: X.groupby("g")[["a", "b"]].count()),
    "groupby nunique": (ANY, lambda X: X.groupby("g")["a"].nunique()),
    "groupby apply": (ANY, lambda X: X.groupby("g")["a"].apply(lambda own: own.iloc[0])),
    "groupby by iteration": (ANY, lambda X: [(key, own["a"].tolist()) for key, own in X.groupby("g")]),
    "groupby sequences": (ANY, lambda X: X.groupby("a", sort=False)["n"].sum()),
    "groupby sequences and more": (ANY, lambda X: X.groupby(["a", "g"], sort=False)["n"].sum()),
    # choosing and filling
    "loc": (KEEPS, lambda X: X.loc[["z", "w"], "a"]),
    "iloc": (KEEPS, lambda X: X.iloc[::-2]["a"]),
    "a mask": (KEEPS, lambda X: X[X["n"] > 2]["a"]),
    "a row": (ANY, lambda X: X.loc["w"]),
    "a cell": (ANY, lambda X: X.at["w", "a"]),  # noqa: PD008
    "query": (KEEPS, lambda X: X.query("n > 2")["a"]),
    "query of missing": (KEEPS, lambda X: X.query("a.notna()")["a"]),
    "sample": (KEEPS, lambda X: X.sample(2, random_state=0)["a"]),
    "where": (KEEPS, lambda X: X["a"].where(M)),
    "where another column": (KEEPS, lambda X: X["a"].where(M, X["b"])),
    "where, table": (KEEPS, lambda X: X.where(X["n"] > 2)[["a", "b"]]),
    "mask": (KEEPS, lambda X: X["a"].mask(M)),
    "mask another column": (KEEPS, lambda X: X["a"].mask(M, X["b"])),
    "fillna another column": (KEEPS, lambda X: X["a"].fillna(X["b"])),
    "ffill": (KEEPS, lambda X: X["a"].ffill()),
    "bfill": (KEEPS, lambda X: X[["a", "b"]].bfill()),
    "dropna": (KEEPS, lambda X: X.dropna()["a"]),
    "isna": (ANY, lambda X: X.isna()),
    "shift": (KEEPS, lambda X: X["a"].shift(1)),
    "shift back": (KEEPS, lambda X: X[["a", "b"]].shift(-2)),
    "shift beyond the end": (KEEPS, lambda X: X["a"].shift(9)),
    "reindex": (KEEPS, lambda X: X["a"].reindex(["z", "new", "w"])),
    "reindex, table": (KEEPS, lambda X: X.reindex(["z", "new"])["a"]),
    "reindex by ffill": (KEEPS, lambda X: X["a"].reindex(["w", "ww", "x"], method="ffill")),
    "reindex with a cell": (KEEPS, lambda X: X["a"].reindex(["w", "new"], fill_value=cell(C))),
    "align": (KEEPS, lambda X: X["a"].align(X["b"].iloc[1:3])[1]),
    "combine": (KEEPS, lambda X: X["a"].combine(X["b"], lambda one, other: other if one is pd.NA else one)),
    "case_when": (ANY, lambda X: X["a"].case_when([(X["n"] > 2, X["b"])])),
    "replace elsewhere": (KEEPS, lambda X: X.replace(1, 10)["a"]),
    "repeat": (KEEPS, lambda X: X["a"].repeat(2)),
    "sort by something else": (KEEPS, lambda X: X.sort_values("n", ascending=False)["a"]),
    "sort by lengths": (
        KEEPS,
        lambda X: X.sort_values("a", key=lambda own: own.map(lambda c: -1 if c is pd.NA else len(c)))["a"],
    ),
    # equality
    "drop_duplicates": (KEEPS, lambda X: X["a"].drop_duplicates()),
    "drop_duplicates, table": (KEEPS, lambda X: X.drop_duplicates("a")["a"]),
    "duplicated": (ANY, lambda X: X.duplicated(["a", "b"])),
    "unique": (ANY, lambda X: X["a"].unique()),
    "nunique": (ANY, lambda X: X["a"].nunique()),
    "value_counts": (ANY, lambda X: X["a"].value_counts()),
    "isin": (ANY, lambda X: X["a"].isin([cell(A)])),
    "mode": (KEEPS, lambda X: X["a"].mode()),
    "equals": (ANY, lambda X: (X.equals(X.copy()), X.equals(X.iloc[::-1]), X["a"].equals(X["b"]))),
    "compare": (KEEPS, lambda X: X["a"].compare(X["a"].where(M))),
    "factorize": (ANY, lambda X: X["a"].factorize()[0]),
    "describe": (ANY, lambda X: X["a"].describe()),
    "describe, table": (ANY, lambda X: X.describe()),
    "count": (ANY, lambda X: X.count()),
    # shape
    "stack": (KEEPS, lambda X: X[["a", "b"]].stack()),  # noqa: PD013
    "melt": (KEEPS, lambda X: X.melt(id_vars="n", value_vars=["a", "b"])["value"]),
    "pivot": (KEEPS, lambda X: X.pivot(index="n", columns="g", values="a")),  # noqa: PD010
    "pivot_table": (KEEPS, lambda X: X.pivot_table(index="n", columns="g", values="a", aggfunc="first")),
    "unstack": (KEEPS, lambda X: X.set_index(["n", "g"])["a"].unstack()),  # noqa: PD010
    "transpose of sequences": (KEEPS, lambda X: X[["a", "b"]].T),
    "transpose": (ANY, lambda X: X.T),
    "set_index and back": (KEEPS, lambda X: X.set_index("a").reset_index()["a"]),
    "resample": (
        KEEPS,
        lambda X: X.set_index(pd.date_range("2020", periods=4))["a"].resample("2D").first(),
    ),
    # functions
    "map": (ANY, lambda X: X["a"].map(len, na_action="ignore")),
    "map to cells": (KEEPS, lambda X: X["a"].map(lambda own: cell(C))),
    "apply by rows": (ANY, lambda X: X.apply(lambda row: row["a"] if row["n"] > 1 else row["b"], axis=1)),
    "apply to numbers": (ANY, lambda X: X["a"].dropna().apply(lambda own: float(np.nanmean(own.frames)))),
    "agg": (ANY, lambda X: X.agg({"a": "count", "n": "sum"})),
    "mean of the numbers": (ANY, lambda X: X.mean(numeric_only=True)),
    "eval elsewhere": (KEEPS, lambda X: X.eval("z = n * 2")["a"]),
    # ways out
    "astype object": (ANY, lambda X: X["a"].astype(object)),
    "astype str": (ANY, lambda X: X["a"].dropna().astype(str)),
    "to_numpy": (ANY, lambda X: X["a"].to_numpy()),
    "to_numpy, table": (ANY, lambda X: X.to_numpy()[0]),
    "to_dict": (ANY, lambda X: X.to_dict()),
    "to_records": (ANY, lambda X: next(iter(X.to_records())).tolist()),
    "tolist": (ANY, lambda X: X["a"].tolist()),
    "itertuples": (ANY, lambda X: list(X.itertuples(name=None))),
    "iterrows": (ANY, lambda X: [(key, row.tolist()) for key, row in X.iterrows()]),
    "copy": (KEEPS, lambda X: copy.deepcopy(X)["a"]),
    "pickle of a view": (KEEPS, lambda X: pickle.loads(pickle.dumps(X.iloc[1:3]))["a"]),
    # assignment of whole columns and of new rows
    "a new column": (KEEPS, lambda X: X.assign(a=X["b"])["a"]),
    "a column by its index": (KEEPS, lambda X: X.assign(a=X["a"].iloc[::-1])["a"]),
    "a column of some rows": (KEEPS, lambda X: X.assign(a=X["a"].iloc[:2])["a"]),
    "a new row": (KEEPS, lambda X: X.loc.__setitem__("new", [cell(C), pd.NA, 5, "p"])),
    "a new row without it": (KEEPS, lambda X: X.loc.__setitem__(("new", "n"), 5)),
}


@pytest.mark.works_with("pandas", "operations on columns give what they give on plain objects")
@pytest.mark.parametrize(("keeps", "function"), RIGHT.values(), ids=RIGHT)
def test_what_is_right(keeps, function):
    result, expected = both(function)
    assert plain(result) == plain(expected)
    if keeps:
        dtypes = [result.dtype] if isinstance(result, pd.Series) else result.dtypes[result.dtypes != "int64"]
        for dtype in dtypes:
            assert isinstance(dtype, SequenceDtype) or dtype == "str"
    pd.testing.assert_frame_equal(table(), table())


def test_filling_with_a_cell():  # which pandas cannot do with objects, as it takes a cell for an array
    X, one = table(), cell(C)
    a, b, _, _ = (X["a"].iloc[k] for k in (0, 2, 1, 3))
    expected = {
        "where": (X["a"].where(M, one), [a, one, b, one]),
        "mask": (X["a"].mask(M, one), [one, None, one, a]),
        "fillna": (X["a"].fillna(one), [a, one, b, a]),
        "fillna, table": (X.fillna({"a": one})["a"], [a, one, b, a]),
        "fillna, limited": (X["a"].mask(M).fillna(one, limit=2), [one, one, None, a]),
        "shift": (X["a"].shift(1, fill_value=one), [one, a, None, b]),
    }
    for name, (result, cells) in expected.items():
        assert plain(list(result)) == cells, name
        assert result.dtype == DTYPE


def test_missing_sequences_are_a_group_of_their_own():
    sums = table().groupby("a", sort=False, dropna=False)["n"].sum()
    assert (plain(sums.index), sums.tolist()) == ([cell(A), None, cell(B)], [5, 2, 3])


def test_a_new_row_in_one_column_is_refused():
    X = table()
    with pytest.raises(TypeError, match=FROZEN):
        X.loc["new", "a"] = cell(C)
    pd.testing.assert_frame_equal(
        X.iloc[:4], table(), check_dtype=False
    )  # pandas has made the row: it is missing
    assert X["a"].isna().tolist()[4:] in ([], [True])


UNDEFINED = "does not support operation '{}', as its cells are sequences. Use Functionals"
NO_ORDER = "as sequences have no order. Sort by a number of each"
FROZEN = "A SequenceArray is immutable.*Make a new column instead, with mask"
REFUSED = {
    # assignment within a column
    "loc of a cell": (FROZEN, lambda X: X.loc.__setitem__(("w", "a"), cell(C))),
    "loc of a missing value": (FROZEN, lambda X: X.loc.__setitem__(("w", "a"), None)),
    "loc of a slice": (FROZEN, lambda X: X.loc.__setitem__((slice("w", "x"), "a"), cell(C))),
    "loc of a mask": (FROZEN, lambda X: X.loc.__setitem__((M, "a"), cell(C))),
    "loc of another width": (FROZEN, lambda X: X.loc.__setitem__(("w", "a"), cell([[1, 2, 3]]))),
    "loc of a number": (FROZEN, lambda X: X.loc.__setitem__(("w", "a"), 3.0)),
    "loc of a row": (FROZEN, lambda X: X.loc.__setitem__("w", X.loc["x"])),
    "iloc of a cell": (FROZEN, lambda X: X.iloc.__setitem__((0, 0), cell(C))),
    "at": (FROZEN, lambda X: X.at.__setitem__(("w", "a"), cell(C))),
    "iat": (FROZEN, lambda X: X.iat.__setitem__((0, 0), cell(C))),
    "a table by a mask": (FROZEN, lambda X: X.__setitem__(X["n"] > 2, None)),
    "update": (FROZEN, lambda X: X["a"].update(X["b"])),
    "update, table": (FROZEN, lambda X: X.update(X[["b"]].rename(columns={"b": "a"}))),
    "replace": (FROZEN, lambda X: X["a"].replace(cell(A), cell(C))),
    "replace of missing": (FROZEN, lambda X: X.replace(np.nan, 0)),
    # arithmetic and reductions
    "add a number": (UNDEFINED.format(r"\+"), lambda X: X["a"] + 1),
    "add to a number": (UNDEFINED.format(r"\+"), lambda X: 1 + X["a"]),
    "add a column": (UNDEFINED.format(r"\+"), lambda X: X["a"] + X["b"]),
    "add, table": (UNDEFINED.format(r"\+"), lambda X: X[["a", "n"]] + 1),
    "multiply": (UNDEFINED.format(r"\*"), lambda X: X["a"] * 2.0),
    "divmod": (UNDEFINED.format(r"divmod\(\)"), lambda X: divmod(X["a"], 2)),
    "and": (UNDEFINED.format("&"), lambda X: X["a"] & X["b"]),
    "negate": (UNDEFINED.format("-"), lambda X: -X["a"]),
    "invert": (UNDEFINED.format("~"), lambda X: ~X["a"]),
    "abs": (UNDEFINED.format("absolute"), lambda X: X["a"].abs()),
    "numpy's log": (UNDEFINED.format("log"), lambda X: np.log(X["a"])),
    "numpy's isnan": (UNDEFINED.format("isnan"), lambda X: np.isnan(X["a"])),
    **{
        name: (UNDEFINED.format(name), lambda X, name=name: getattr(X["a"], name)())
        for name in ("sum", "mean", "min", "max", "std", "var", "median", "prod", "any", "all", "sem", "skew")
    },
    **{
        f"{name}, table": (UNDEFINED.format(name), lambda X, name=name: getattr(X[["a", "n"]], name)())
        for name in ("sum", "mean", "max")
    },
    **{
        name: (UNDEFINED.format(name), lambda X, name=name: getattr(X["a"], name)())
        for name in ("cumsum", "cummax", "interpolate", "quantile")
    },
    **{
        f"groupby {name}": (UNDEFINED.format(name), lambda X, name=name: getattr(X.groupby("g")["a"], name)())
        for name in ("sum", "mean", "min", "max", "std", "median", "any", "cumsum", "rank", "idxmax")
    },
    "groupby sum, table": (UNDEFINED.format("sum"), lambda X: X.groupby("g").sum()),
    "pivot_table of means": (UNDEFINED.format("mean"), lambda X: X.pivot_table(index="g", values="a")),
    "resample mean": (
        UNDEFINED.format("mean"),
        lambda X: X.set_index(pd.date_range("2020", periods=4))["a"].resample("2D").mean(),
    ),
    "diff": (UNDEFINED.format("-"), lambda X: X["a"].diff()),
    "pct_change": (UNDEFINED.format("/"), lambda X: X["a"].pct_change()),
    "cut": (UNDEFINED.format("min"), lambda X: pd.cut(X["a"], 2)),
    "qcut": (UNDEFINED.format("quantile"), lambda X: pd.qcut(X["a"], 2)),
    "corr": ("cannot become an array of float64.*pack.*Functionals", lambda X: X.corr()),
    "astype float": ("cannot become an array of float64.*pack.*Functionals", lambda X: X["a"].astype(float)),
    # order
    "less": (NO_ORDER, lambda X: X["a"] < X["b"]),
    "greater than a cell": (NO_ORDER, lambda X: X["a"] >= cell(A)),
    "less, cells": (NO_ORDER, lambda X: X["a"].iloc[0] < X["b"].iloc[0]),
    "sort_values": (NO_ORDER, lambda X: X["a"].sort_values()),
    "sort_values, table": (NO_ORDER, lambda X: X.sort_values("a")),
    "rank": (NO_ORDER, lambda X: X["a"].rank()),
    "argsort": (NO_ORDER, lambda X: X["a"].argsort()),
    "idxmax": (NO_ORDER, lambda X: X["a"].idxmax()),
    "clip": (NO_ORDER, lambda X: X["a"].clip(0, 1)),
    "between": (NO_ORDER, lambda X: X["a"].between(cell(A), cell(A))),
    "numpy's unique": (NO_ORDER, lambda X: np.unique(X["a"].dropna())),
    "groupby of sequences in order": ("groupby.*sort=False", lambda X: X.groupby("a")["n"].sum()),
    "crosstab": (NO_ORDER, lambda X: pd.crosstab(X["a"], X["g"])),
    "searchsorted": (NO_ORDER, lambda X: X["a"].searchsorted(cell(A))),
}


@pytest.mark.works_with(
    "pandas", "operations that sequences do not have, such as arithmetic and order", refused=True
)
@pytest.mark.parametrize(("message", "function"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(message, function):
    X = table()
    with pytest.raises(TypeError, match=message) as refusal:
        function(X)
    assert len(str(refusal.value)) <= 320
    pd.testing.assert_frame_equal(X, table())  # and nothing was changed on the way


# refused in pandas' own words, as for any column of another kind
BY_PANDAS = {
    "nlargest": lambda X: X["a"].nlargest(1),
    "nlargest, table": lambda X: X.nlargest(1, "a"),
    "rolling": lambda X: X["a"].rolling(2).mean(),
    "expanding": lambda X: X["a"].expanding().sum(),
    "ewm": lambda X: X["a"].ewm(1).mean(),
    "str": lambda X: X["a"].str,
    "dt": lambda X: X["a"].dt,
    "plot": lambda X: X["a"].plot(),
    "dot": lambda X: X["a"].dot(X["b"]),
    "eval": lambda X: X.eval("a + 1"),
    "to_stata": lambda X: X.to_stata(io.BytesIO()),
    "a list into a cell": lambda X: X.loc.__setitem__(("w", "a"), C),
    "a whole column in place": lambda X: X.loc.__setitem__((slice(None), "a"), X["b"]),
}


@pytest.mark.parametrize("function", BY_PANDAS.values(), ids=BY_PANDAS)
def test_what_pandas_refuses(function):
    X = table()
    kinds = (TypeError, ValueError, AttributeError, NotImplementedError, pd.errors.DataError)
    with pytest.raises(kinds):
        function(X)
    pd.testing.assert_frame_equal(X, table())


# joining columns that are not alike


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (column(C), "sequence[float32, 2, 25Hz]"),
        (column(C, rate_hz=50), "sequence[float32, 2, rates]"),
        (column(C).astype("sequence[float64, 2, 25Hz]"), "sequence[float64, 2, 25Hz]"),
        (column(C, rate_hz=None), "object"),
        (column([[1, 2, 3]]), "object"),
        (column(None, rate_hz=None), "object"),
        ([None], "object"),
    ],
    ids=["alike", "another rate", "another precision", "no rate", "another width", "all missing", "None"],
)
def test_concat_of_others_keeps_each_cell(given, dtype):
    X = pd.concat([table()[["a"]], pd.DataFrame({"a": given})])
    assert str(X["a"].dtype) == dtype
    for one, other in zip(X["a"], [*table()["a"], *pd.Series(given)]):
        assert plain(one) is plain(other) is None or (one.rate_hz, one.shape) == (other.rate_hz, other.shape)


def test_joined_objects_are_read_or_refused_by_row():
    def joined(*cells, **options):
        return pd.concat([table()[["a"]], pd.DataFrame({"a": column(*cells, **options)})])

    X = av.as_sequences(joined(None, rate_hz=None))
    assert X["a"].dtype == DTYPE
    assert X["a"].isna().tolist() == [False, True, False, False, True]
    with pytest.raises(
        ValueError, match=r"in row 0 .* has 25 steps per second, and that in row 4 .* has no rate"
    ):
        av.as_sequences(joined(C, rate_hz=None))
    with pytest.raises(ValueError, match=r"in row 4 .* has 3 features per step, but that in row 0 .* has 2"):
        av.as_sequences(joined([[1, 2, 3]]))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (cell([[1, 2, 3]]), "has 3 features per step, but 2 are needed"),
        (0, "A cell must be an array"),
        (cell(C, 50), "has 50 steps per second, but 25 are needed"),
    ],
)
def test_values_of_another_kind_are_not_filled_in(value, message):
    for fill in (table()["a"].fillna, lambda given: table()["a"].where(M, given)):
        with pytest.raises((TypeError, ValueError), match=message):
            fill(value)


# files, types, equality


@pytest.mark.parametrize("orient", ["columns", "records", "index"])
def test_json_keeps_the_numbers(orient):
    X = table()
    again = av.as_sequences(pd.read_json(io.StringIO(X.to_json(orient=orient)), orient=orient))
    for one, cell in zip(again["a"], X["a"]):
        assert one is cell is pd.NA or np.array_equal(one.frames, cell.frames, equal_nan=True)


def test_files_of_pandas(tmp_path):
    X = table()
    X.to_pickle(tmp_path / "x.pickle")
    X.to_parquet(tmp_path / "x.parquet")
    for again in (pd.read_pickle(tmp_path / "x.pickle"), pd.read_parquet(tmp_path / "x.parquet")):
        pd.testing.assert_frame_equal(again, X)


@pytest.mark.parametrize("write", [lambda X: X.to_csv(), lambda X: X["a"].to_csv()])
def test_texts_are_warned_of(write):
    with pytest.warns(UserWarning, match=r"cannot keep sequences.*avfusion.to_long\(X\)"):
        write(table())


def test_databases_refuse_cells():
    with (
        pytest.warns(UserWarning, match="to_sql cannot keep sequences"),
        pytest.raises(Exception, match=r"failed|support"),
    ):
        table().to_sql("t", sqlite3.connect(":memory:"))


def test_arrow_backed_columns():
    pa = pytest.importorskip("pyarrow")
    X = table()
    lists = X["a"].astype(pd.ArrowDtype(pa.list_(pa.list_(pa.float32()))))
    assert lists.tolist()[1] is pd.NA
    np.testing.assert_array_equal(lists.iloc[2][0], B[0])
    with pytest.raises(TypeError, match=r"cannot become an Arrow array of double. .* avfusion.to_long"):
        X["a"].astype("double[pyarrow]")


def test_what_pandas_takes_it_for():
    types = pd.api.types
    a, one = table()["a"], cell(A)
    assert not any(
        is_kind(a)
        for is_kind in (
            types.is_numeric_dtype,
            types.is_object_dtype,
            types.is_string_dtype,
            types.is_bool_dtype,
        )
    )
    assert types.is_extension_array_dtype(a)
    assert (types.is_scalar(one), types.is_hashable(one), types.is_list_like(one)) == (True, True, False)
    assert list(table().select_dtypes("number")) == ["n"]
    assert list(table().select_dtypes(str(DTYPE))) == ["a", "b"]


def test_assert_frame_equal_sees_one_number():
    X = table()
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(X, X.assign(a=X["a"].where(M, cell([[0, 1.5]]))))
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(X, X.assign(a=X["a"].astype("sequence[float32, 2]")))


def test_copies_do_not_change_with_the_original():
    X = table()
    view, copied, row = X.iloc[1:], X.copy(), X["a"]
    X["a"] = X["b"]
    X.loc["w", "n"] = 9
    pd.testing.assert_frame_equal(copied, table())
    pd.testing.assert_frame_equal(view, table().iloc[1:])
    pd.testing.assert_series_equal(row, table()["a"])


def test_rows_as_dicts_make_a_table():
    X = pd.DataFrame([{"a": cell(A), "n": 1}, {"a": None, "n": 2}])
    assert av.as_sequences(X)["a"].dtype == DTYPE
    assert pd.Series([cell(A), None], dtype=str(DTYPE)).isna().tolist() == [False, True]


def test_explode_has_a_line_for_each_step():
    lines = table()["a"].explode()
    assert lines.index.tolist() == ["w", "x", "y", "y", "z"]
    assert [plain(line) and line.frames.tolist() for line in lines.iloc[:3]] == [[[0, 1]], None, [[2, 3]]]
    one = pd.Series(SequenceArray.from_sequences([[1.0, 2.0], None])).explode()
    np.testing.assert_array_equal(one, [1, 2, np.nan])
