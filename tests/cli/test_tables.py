"""Tables that predict writes keep the labels of all rows."""

import datetime

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.cli._tables import check_rows, save_table

READ = {".parquet": pd.read_parquet, ".feather": pd.read_feather}
SEQUENCES = av.as_sequences({"mood": [[0.5, 0.25], None, [1.0]]}, dtype="float64", rate_hz=4)
LABELS = {
    "unnamed": list("uvw"),
    "named": pd.Index(list("uvw"), name="clip"),
    "range": pd.RangeIndex(3),
    "steps of a range": pd.RangeIndex(4, 10, 2, name="row"),
    "integers": [7, 3, 5],
    "floats": [0.5, 1.5, np.nan],
    "repeated": list("uuv"),
    "dates": pd.date_range("2020-02-28", periods=3),
    "dates with a zone": pd.date_range("2020-02-28", periods=3, tz="Europe/Berlin", name="day"),
    "days": [datetime.date(2020, 2, day) for day in (3, 1, 2)],
    "durations": pd.to_timedelta([1, 2, 3], unit="s"),
    "categories": pd.CategoricalIndex(["b", "a", "b"], categories=["b", "a", "c"]),
    "called like a column": pd.Index(list("uvw"), name="subject"),
    "called like the target": pd.Index(list("uvw"), name="mood"),
    "two levels": pd.MultiIndex.from_arrays([list("aab"), [1, 2, 1]]),
    "two levels, one with a name": pd.MultiIndex.from_arrays([list("aab"), [1, 2, 1]], names=["group", None]),
    "words for missing": ["NA", "nan", ""],
    "a number as name": pd.Index(list("uvw"), name=3),
}


def index_of(labels):
    labels = LABELS[labels]
    return labels if isinstance(labels, pd.Index) else pd.Index(labels)


@pytest.mark.parametrize("suffix", READ)
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("per", ["frame", "clip"])
def test_labels_of_rows_are_read_back(tmp_path, labels, suffix, per):
    mood = SEQUENCES["mood"].array if per == "frame" else [0.5, np.nan, 1.0]
    table = pd.DataFrame({"subject": list("sts"), "mood": mood}, index=index_of(labels))
    check_rows(table[["subject"]], ["mood"], path := tmp_path / f"p{suffix}")
    save_table(table, path)
    table.index.names = [name if name is None else str(name) for name in table.index.names]
    pd.testing.assert_frame_equal(READ[suffix](path), table, check_freq=False)


@pytest.mark.parametrize("suffix", READ)
def test_columns_keep_names_that_are_no_strings(tmp_path, suffix):
    table = pd.DataFrame({0: [1, 2], "mood": [0.5, 1.0]}, index=["a", "b"])
    check_rows(table[[0]], ["mood"], path := tmp_path / f"p{suffix}")
    save_table(table, path)
    again = READ[suffix](path)
    assert again.index.tolist() == ["a", "b"]
    assert [str(name) for name in again.columns] == ["0", "mood"]


@pytest.mark.parametrize("labels", LABELS)
def test_csv_files_name_every_row(tmp_path, labels):
    index = index_of(labels)
    table = SEQUENCES.assign(subject_id=list("sts")).set_axis(index)
    path = tmp_path / "p.csv"
    if labels == "called like the target":
        with pytest.raises(ValueError, match=r"two columns 'mood'"):
            check_rows(table[["subject_id"]], ["mood"], path)
        return
    check_rows(table[["subject_id"]], ["mood"], path)
    save_table(table, path)
    again = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = index.to_frame().astype(str).iloc[[0, 0, 2]]
    written = again.iloc[:, : index.nlevels]
    if labels == "floats":
        assert written.iloc[:, 0].tolist() == ["0.5", "0.5", ""]
    else:
        assert written.to_numpy().tolist() == rows.to_numpy().tolist()
    assert again["mood"].astype(float).tolist() == [0.5, 0.25, 1.0]


@pytest.mark.parametrize(
    ("suffix", "X", "targets", "message"),
    [
        (".csv", pd.DataFrame({"step": [1]}), ["mood"], "two columns 'step'"),
        (".csv", pd.DataFrame({"time_s": [1]}), ["mood"], "two columns 'time_s'"),
        (".csv", pd.DataFrame({"recording": [1]}), ["mood"], "two columns 'recording'"),
        (".csv", pd.DataFrame({"a": [1]}, index=pd.Index([1], name="a")), ["mood"], "two columns 'a'"),
        (".csv", pd.DataFrame({"a": ["\udce9"]}, dtype=object), ["mood"], "cannot keep"),
        (".feather", pd.DataFrame({0: [1]}), ["0"], "two columns '0'"),
        (".parquet", pd.DataFrame({"a": [1]}), [1, "1"], "two columns '1'"),
        (".feather", pd.DataFrame({"a": [1, 2]}, index=["x", 1]), ["mood"], "labels of one type"),
        (
            ".feather",
            pd.DataFrame({"a": [1]}, index=pd.Index(["\udce9"], dtype=object)),
            ["mood"],
            "labels of one type",
        ),
        (".parquet", pd.DataFrame({"a": [object()]}), ["mood"], "cannot keep"),
        (".parquet", pd.DataFrame({"a": [1, "x"]}), ["mood"], "cannot keep"),
    ],
)
def test_what_could_not_be_written_is_refused_before_the_work(tmp_path, suffix, X, targets, message):
    with pytest.raises(ValueError, match=message) as told:
        check_rows(X, targets, tmp_path / f"p{suffix}")
    assert len(str(told.value)) <= 320 + len(str(tmp_path))


def test_times_of_steps_begin_where_recordings_do(tmp_path):
    column = av.SequenceArray(np.zeros((5, 1)), [0, 2], [2, 3], [4.0, 2.0], start_s=[15.0, np.nan])
    save_table(pd.DataFrame({"mood": column}, index=["a", "b"]), tmp_path / "p.csv")
    assert pd.read_csv(tmp_path / "p.csv")["time_s"].tolist() == [15.0, 15.25, 0.0, 0.5, 1.0]
