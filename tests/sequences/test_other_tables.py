"""Tables of polars, Arrow, Dask and whatever has their protocols: through the one door, and to the score."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.sequences import SequenceArray, as_targets
from avfusion.sequences._groups import read_groups
from avfusion.sequences._other_tables import as_pandas
from avfusion.sequences._rows import read_rows

pl = pytest.importorskip("polars")

LENGTHS = (5, 7, 4, 6)


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    audio = [rng.normal(size=(n, 2)).astype("float32") for n in LENGTHS]
    video = [rng.normal(size=(n, 3)).astype("float32") for n in LENGTHS[:-1]]
    return av.as_sequences({"audio": audio, "video": [*video, None]}, rate_hz=25).assign(who=list("abcd"))


@pytest.fixture
def y(X):
    return pd.DataFrame(
        {"arousal": X["audio"].array.with_frames(X["audio"].array.pack().frames[:, :1].astype(float))}
    )


@pytest.fixture
def lists(X):
    """The same as lists, of which nothing says that they are sequences, nor their rate."""
    return pa.table(
        {
            "audio": [cell.frames.tolist() for cell in X["audio"]],
            "video": [None if cell is pd.NA else cell.frames.tolist() for cell in X["video"]],
            "who": X["who"].tolist(),
        },
        schema=pa.schema(
            {name: pa.list_(pa.list_(pa.float32())) for name in ("audio", "video")} | {"who": pa.string()}
        ),
    )


class Protocol:
    """A table of an unknown library."""

    def __init__(self, table, name):
        self.table, self.name = table, name

    def __getattr__(self, name):
        if name.startswith("__") and name == f"__{object.__getattribute__(self, 'name')}__":
            return getattr(self.table, name)
        raise AttributeError(name)


def assert_same(read, X, rate_hz=25):
    plain = pd.DataFrame({"audio": X["audio"], "video": X["video"], "who": X["who"]})
    if rate_hz is None:
        plain = plain.astype({"audio": "sequence[float32, 2]", "video": "sequence[float32, 3]"})
    read = read.astype({"who": plain["who"].dtype})
    pd.testing.assert_frame_equal(read, plain)


TABLES = {
    "pyarrow.Table": lambda table: table,
    "record batches": lambda table: table.to_batches(),
    "record batch": lambda table: table.combine_chunks().to_batches()[0],
    "reader": lambda table: table.to_reader(),
    "struct array": lambda table: table.to_struct_array(),
    "Arrow-backed pandas": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.from_arrow,
    "stream": lambda table: Protocol(table, "arrow_c_stream"),
}


@pytest.mark.works_with("Arrow", "tables, record batches, readers and anything with Arrow's C stream go in")
@pytest.mark.works_with("polars", "DataFrames with nested lists go in")
@pytest.mark.parametrize("form", TABLES.values(), ids=TABLES)
def test_tables_with_lists(form, lists, X):
    assert_same(av.as_sequences(form(lists)), X, rate_hz=None)
    assert_same(av.as_sequences(form(lists.slice(1, 2))), X.iloc[1:3].reset_index(drop=True), rate_hz=None)


@pytest.mark.parametrize("form", TABLES.values(), ids=TABLES)
def test_tables_with_our_own_type_keep_the_rate(form, X):
    assert_same(av.as_sequences(form(pa.table(X))), X)


def test_an_index_is_kept(X):
    named = X.set_axis(list("pqrs"))
    assert list(av.as_sequences(pa.table(named)).index) == list("pqrs")


READERS = {
    "pandas.read_parquet(dtype_backend='pyarrow')": lambda path: pd.read_parquet(
        path, dtype_backend="pyarrow"
    ),
    "pyarrow.parquet": lambda path: pyarrow.parquet.read_table(path),
    "pyarrow.dataset": lambda path: pyarrow.dataset.dataset(path).to_table(),
    "polars.read_parquet": pl.read_parquet,
    "polars.scan_parquet": lambda path: pl.scan_parquet(path).collect(),
}


@pytest.mark.works_with("polars", "Parquet files of columns of sequences and of nested lists are read")
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_readers_of_parquet(read, tmp_path, lists, X):
    X.to_parquet(tmp_path / "ours.parquet")
    assert_same(av.as_sequences(read(tmp_path / "ours.parquet")), X)
    pyarrow.parquet.write_table(lists, tmp_path / "lists.parquet", row_group_size=2)
    assert_same(av.as_sequences(read(tmp_path / "lists.parquet")), X, rate_hz=None)


def test_pandas_reads_lists_of_other_writers_as_objects(tmp_path, lists, X):
    pyarrow.parquet.write_table(lists, tmp_path / "lists.parquet")
    assert_same(av.as_sequences(pd.read_parquet(tmp_path / "lists.parquet")), X, rate_hz=None)


@pytest.mark.parametrize("read", [pyarrow.feather.read_table, pl.read_ipc, pd.read_feather])
def test_readers_of_feather(read, tmp_path, X):
    X.to_feather(tmp_path / "x.feather", compression="uncompressed")
    assert_same(av.as_sequences(read(tmp_path / "x.feather")), X)


@pytest.mark.works_with("Dask", "dask.dataframe.read_parquet, of columns of sequences and of nested lists")
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # Dask's own
def test_dask_reads_parquet(tmp_path, lists, X):
    dd = pytest.importorskip("dask.dataframe")
    X.to_parquet(tmp_path / "ours.parquet")
    pyarrow.parquet.write_table(lists, tmp_path / "lists.parquet")
    for name, rate_hz in (("ours", 25), ("lists", None)):
        table = dd.read_parquet(tmp_path / f"{name}.parquet")
        with pytest.raises(
            TypeError, match=r"of dask is not in memory yet. Compute it first, with \.compute\(\)"
        ):
            av.as_sequences(table)
        with pytest.raises(TypeError, match=r"of dask is not in memory yet"):
            av.FrameRegressor().fit(table, [np.zeros(n) for n in LENGTHS])
        assert_same(av.as_sequences(table.compute()), X, rate_hz)


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda table: pl.from_arrow(table).lazy(), r"A LazyFrame of polars .* \.collect\(\)"),
        (pyarrow.dataset.dataset, r"A \w*Dataset of pyarrow .* \.to_table\(\)"),
    ],
)
def test_what_is_not_in_memory_names_what_reads_it(make, remedy, lists):
    with pytest.raises(TypeError, match=remedy):
        av.as_sequences(make(lists))


def test_columns_of_other_libraries():
    cells = [[[1.0, 2.0]], None, [[3.0, 4.0], [5.0, None]]]
    frames = [np.array([[1.0, 2.0]]), None, np.array([[3.0, 4.0], [5.0, np.nan]])]
    for column in (pl.Series("audio", cells), pa.array(cells), pa.chunked_array([cells[:1], cells[1:]])):
        for given in ({"audio": column}, column):
            X = av.as_sequences(given, ["audio"]) if given is column else av.as_sequences(given)
            for cell, values in zip(X.iloc[:, 0], frames):
                assert (
                    (cell is pd.NA) if values is None else np.array_equal(cell.frames, values, equal_nan=True)
                )


def test_cells_that_are_tables_of_polars():
    files = [
        pl.DataFrame({"rms": [1.0, 2.0], "pitch": [3.0, 4.0]}),
        pl.DataFrame({"pitch": [5.0], "rms": [6.0]}),
    ]
    X = av.as_sequences({"audio": files})
    assert X["audio"].array.features == ("rms", "pitch")
    np.testing.assert_array_equal(X["audio"].iloc[1].frames, [[6.0, 5.0]])


@pytest.mark.works_with("polars", "long tables, a row per step")
def test_long_tables():
    table = pl.DataFrame({"clip": ["a", "b", "a"], "rms": [1.0, 2.0, None], "pitch": [1, 2, 3]})
    for given in (table, table.to_arrow(), table.to_pandas(use_pyarrow_extension_array=True)):
        X = av.as_sequences(given, {"audio": ["rms", "pitch"]}, recording="clip")
        assert list(X.index) == ["a", "b"]
        np.testing.assert_array_equal(X["audio"].iloc[0].frames, [[1, 1], [np.nan, 3]])


def test_the_interchange_protocol_serves_long_tables():
    table = Protocol(pd.DataFrame({"clip": ["a", "b"], "rms": [1.0, 2.0]}), "dataframe")
    assert len(av.as_sequences(table, {"audio": ["rms"]}, recording="clip")) == 2


def test_fields_that_lost_their_type_are_sequences_again(X):
    stored = pa.table(X)["audio"].combine_chunks().storage
    longer = pa.array(
        stored.to_pylist()
    )  # steps are lists of any length, as JSON and other writers have them
    for column in (stored, longer, pl.Series(longer)):
        [cell, *_] = av.as_sequences({"audio": column})["audio"]
        assert cell == X["audio"].iloc[0]
    dicts = pd.DataFrame({"audio": stored.to_pylist()})
    assert av.as_sequences(dicts)["audio"].iloc[0] == X["audio"].iloc[0]
    timed = av.Sequence([[1.0], [2.0]], times_s=[[0, 1], [3, 4]])
    fields = pa.table({"audio": SequenceArray.from_sequences([timed])})["audio"].combine_chunks().storage
    assert av.as_sequences({"audio": pa.array(fields.to_pylist())}, dtype=float)["audio"].iloc[0] == timed


@pytest.mark.parametrize("chunked", [False, True])
def test_cells_that_are_stored_once_and_repeated(chunked):
    cells = pa.DictionaryArray.from_arrays(pa.array([1, 0, 1, None]), pa.array([[[1.0], [2.0]], [[3.0]]]))
    X = av.as_sequences(pa.table({"audio": pa.chunked_array([cells[:1], cells[1:]]) if chunked else cells}))
    assert [None if pd.isna(cell) else cell.frames.ravel().tolist() for cell in X["audio"]] == [
        [3],
        [1, 2],
        [3],
        None,
    ]


def test_results_of_duckdb():
    connection = pytest.importorskip("duckdb").connect()
    query = "select clip, list([x, y] order by k) as audio from frames group by clip order by clip"
    values = "(values ('a', 2, 3.0, 4.0), ('b', 1, 5.0, 6.0), ('a', 1, 1.0, 2.0)) frames(clip, k, x, y)"
    X = av.as_sequences(connection.sql(query.replace("frames group", f"{values} group")))
    assert X["clip"].tolist() == ["a", "b"]
    np.testing.assert_array_equal(X["audio"].iloc[0].frames, [[1, 2], [3, 4]])


def test_data_sets_of_hugging_face(lists, X):
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset(lists)
    assert_same(av.as_sequences(data), X, rate_hz=None)
    assert_same(av.as_sequences(data.select([2, 0])), X.iloc[[2, 0]].reset_index(drop=True), rate_hz=None)
    assert as_targets(data["audio"]).lengths.tolist() == list(LENGTHS)
    with pytest.raises(TypeError, match="A DatasetDict has several tables, 'train'"):
        av.as_sequences(datasets.DatasetDict({"train": data}))
    with pytest.raises(TypeError, match=r"An? IterableDataset is read row by row"):
        av.as_sequences(data.to_iterable_dataset())


# labels, groups, predictions


@pytest.mark.parametrize(
    "form", [lambda t: t, pl.from_arrow, lambda t: t.to_pandas(types_mapper=pd.ArrowDtype)]
)
def test_labels_in_tables(form):
    table = form(pa.table({"arousal": [[0.5, None], None, [1.0]], "valence": [[1, 2], None, [3]]}))
    targets = as_targets(table)
    np.testing.assert_array_equal(targets.values, [[0.5, 1], [np.nan, 2], [1, 3]])
    assert targets.lengths.tolist() == [2, -1, 1]
    assert targets.form.target_names == ["arousal", "valence"]


@pytest.mark.parametrize(
    ("y", "values"),
    [
        (pl.Series("rating", [1.0, None]), [1.0, np.nan]),
        (pa.array([1, None]), [1.0, np.nan]),
        (pd.Series([1, None], dtype="Int64"), [1.0, np.nan]),
        (pd.Series([1.5, None], dtype="double[pyarrow]"), [1.5, np.nan]),
        (pd.Series([1.5, None]).astype(pd.ArrowDtype(pa.decimal128(5, 2))), [1.5, np.nan]),
    ],
)
def test_labels_per_clip(y, values):
    targets = as_targets(y)
    assert targets.lengths is None
    np.testing.assert_array_equal(targets.values[:, 0], values)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(["a"], dtype="category"),
        pd.Series(["a"], dtype="string[pyarrow]"),
        pl.Series(["a"]),
        pa.array([True, None]),
        pd.Series([True, None], dtype="boolean"),
    ],
)
def test_words_are_no_labels(y):
    with pytest.raises(TypeError, match="y holds classes, such as"):
        as_targets(y)


@pytest.mark.parametrize(
    "groups",
    [
        pl.Series(["u", "v"]),
        pa.array(["u", "v"]),
        pd.Series(["u", "v"], dtype="category"),
        pd.Series(["u", "v"], dtype="string[pyarrow]"),
        "who",
    ],
)
def test_groups(groups):
    X = pl.DataFrame({"who": ["u", "v"], "rms": [1.0, 2.0]})
    assert read_groups(groups, X).tolist() == ["u", "v"]


@pytest.mark.works_with("polars", "fit, predict and scores on polars tables give what they give on pandas'")
def test_an_estimator_gives_the_same(X, y, lists):
    lists = lists.drop_columns("video")
    plain = av.as_sequences(lists)
    labels = [cell.frames[:, 0] for cell in y["arousal"]]
    table = pl.from_arrow(lists)
    columns = pl.DataFrame({"arousal": [label.tolist() for label in labels]})
    expected = av.FrameRegressor().fit(plain, labels)
    model = av.FrameRegressor().fit(table, columns)
    predicted = model.predict(table)
    assert isinstance(predicted, pd.DataFrame)  # tables of other libraries count as tables of pandas
    assert str(predicted.dtypes["arousal"]) == "sequence[float64, 1]"
    for cell, values in zip(predicted["arousal"], expected.predict(plain)):
        np.testing.assert_array_equal(cell.frames[:, 0], values)
    assert av.metrics.ccc_score(columns, predicted) == av.metrics.ccc_score(
        labels, list(expected.predict(plain))
    )
    by_number = av.FrameRegressor().fit(table, pl.Series("rating", [1.0, 2.0, 3.0, 4.0])).predict(table)
    assert by_number.name == "rating"


@pytest.mark.works_with("polars", "scikit-learn's cross-validation of polars tables")
def test_scikit_learn_splits_them(lists, y):
    labels = [cell.frames[:, 0].tolist() for cell in y["arousal"]]
    lists = lists.drop_columns("video")
    table, model = pl.from_arrow(lists), make_pipeline(av.OnFrames(), av.FrameRegressor())
    options = {"cv": LeaveOneGroupOut(), "groups": table["who"].to_numpy()}
    expected = cross_val_predict(model, av.as_sequences(lists), pd.Series(labels, name="arousal"), **options)
    for X, y in ((table, pl.Series("arousal", labels)), (lists, pa.chunked_array([labels]))):
        for one, other in zip(cross_val_predict(model, X, y, **options), expected):
            np.testing.assert_array_equal(np.ravel(one), np.ravel(other))


def test_compare_takes_them(lists, y):
    columns = pl.DataFrame({"arousal": [cell.frames[:, 0].tolist() for cell in y["arousal"]]})
    models, lists = {"ridge": av.FrameRegressor()}, lists.drop_columns("video")
    results = [
        av.compare(models, X, columns, groups=groups, cv=4).table["ccc"].iloc[0]
        for X, groups in (
            (av.as_sequences(lists), "who"),
            (lists, "who"),
            (pl.from_arrow(lists), pl.from_arrow(lists)["who"]),
        )
    ]
    assert results[0] == results[1] == results[2]


def test_tables_of_numbers_stay_for_estimators_of_other_packages():
    table = pl.DataFrame({"a": [1.0, 2.0]})
    assert read_rows(table) is table
    assert as_pandas([1.0]) == [1.0]


@pytest.mark.works_with(
    "polars", 'set_output(transform="polars"): tables of numbers are of polars, sequences of pandas'
)
def test_set_output_of_polars(X):
    table = (
        make_pipeline(av.OnFrames(), av.Functionals(("mean",)))
        .set_output(transform="polars")
        .fit_transform(X)
    )
    assert isinstance(table, pl.DataFrame)
    plain = make_pipeline(av.OnFrames(), av.Functionals(("mean",))).fit_transform(X)
    np.testing.assert_array_equal(table.to_numpy(), plain)
    columns = ColumnTransformer([("frames", av.OnFrames(), ["audio"])]).set_output(transform="polars")
    again = av.as_sequences(columns.fit_transform(X))  # polars holds cells as objects
    pd.testing.assert_series_equal(
        again.iloc[:, 0], av.OnFrames().fit_transform(X[["audio"]])["audio"], check_names=False
    )


def test_nothing_is_imported_for_it():
    code = (
        "import avfusion.sequences, sys; print({'polars', 'dask', 'datasets', 'duckdb'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "set()\n"
