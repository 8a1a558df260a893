import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfusion.sequences import SequenceDtype, as_sequences
from tests.sequences.sequence_models import assert_holds

MODALITIES = {"audio": ["rms"], "video": ["bright", "left"]}


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12), st.randoms())
def test_recordings_hold_their_lines_in_order(films, random):
    values = np.array([[random.choice([np.nan, 1.0, 2.5]) for _ in range(3)] for _ in films])
    table = pd.DataFrame(values, columns=["rms", "bright", "left"]).assign(film=films)
    X = as_sequences(
        table.sample(frac=1, random_state=0).sort_index(), MODALITIES, recording="film", rate_hz=25
    )
    order = list(dict.fromkeys(films))
    assert X["film"].tolist() == order
    for name, columns in MODALITIES.items():
        lines = [table.loc[table["film"] == film, columns].to_numpy("float32") for film in order]
        model = [None if np.isnan(frames).all() else frames for frames in lines]
        assert_holds(X[name].array, model, SequenceDtype("float32", len(columns), 25))


TABLE = pd.DataFrame(
    {
        "film": ["b", "b", "a", "b"],
        "rms": [1, 2, 3, 4],
        "bright": [1.0, np.nan, np.nan, 2.0],
        "left": [0.0, 0.5, np.nan, 1.0],
        "subject": pd.Categorical(["s1", "s1", "s2", "s1"]),
        "age": [40, 40, None, 40],
    }
)


def test_constant_columns_become_metadata():
    X = as_sequences(TABLE, MODALITIES, recording="film")
    assert list(X) == ["film", "subject", "age", "audio", "video"]
    assert X["subject"].tolist() == ["s1", "s2"]
    assert X["subject"].dtype == TABLE["subject"].dtype
    assert X["age"].tolist()[0] == 40
    assert np.isnan(X["age"].iloc[1])
    assert X["video"].isna().tolist() == [False, True]
    np.testing.assert_array_equal(X["audio"].iloc[0].frames, [[1], [2], [4]])


def test_other_columns_may_be_modalities_of_their_own():
    y = as_sequences(TABLE, {"label": ["left", "rms"]} | MODALITIES, recording="film")["label"]
    np.testing.assert_array_equal(y.iloc[0].frames, [[0, 1], [0.5, 2], [1, 4]])


def test_a_modality_may_be_named_like_its_column():
    X = as_sequences(TABLE[["film", "rms"]], {"rms": "rms"}, recording="film")
    assert list(X) == ["film", "rms"]
    assert isinstance(X["rms"].dtype, SequenceDtype)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (
            {"onset": range(4)},
            {},
            ValueError,
            r"Column 'onset' is in no modality and varies .* data.drop",
        ),
        ({"age": [40, None, 1, 40]}, {}, ValueError, "Column 'age' is in no modality and varies"),
        (
            {"film": ["a", None, "b", "b"]},
            {},
            ValueError,
            "Row 1 .* has no recording in the column 'film'",
        ),
        ({"rms": list("abcd")}, {}, TypeError, "Column 'rms' must hold numbers, not str"),
        ({"rms": [1j] * 4}, {}, TypeError, "Column 'rms' must hold numbers, not complex128"),
        ({"audio": 1}, {}, ValueError, "A column of the table has the name of the modality 'audio'"),
        (
            {},
            {"recording": "movie"},
            ValueError,
            "There is no column 'movie', which recording= names. The columns",
        ),
        ({}, {"modalities": {"audio": ["pitch"]}}, ValueError, "There is no column 'pitch'"),
        (
            {},
            {"modalities": {"audio": 88}},
            ValueError,
            "Modality 'audio' is given a width, 88",
        ),
        ({}, {"modalities": {"audio": []}}, ValueError, "Modality 'audio' names no column"),
        (
            {},
            {"modalities": ["rms"]},
            ValueError,
            "A long table needs the columns of each modality",
        ),
    ],
)
def test_bad_tables_are_named(change, options, error, message):
    with pytest.raises(error, match=message):
        as_sequences(TABLE.assign(**change), **({"modalities": MODALITIES, "recording": "film"} | options))


def test_only_frames_are_tables():
    with pytest.raises(TypeError, match="recording='film' names a column, but the data is not a DataFrame"):
        as_sequences(np.zeros((2, 2)), MODALITIES, recording="film")


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="The data has no rows"):
        as_sequences(TABLE.iloc[:0], MODALITIES, recording="film")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans()), min_size=1, max_size=30),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
def test_steps_are_where_a_reading_line_by_line_puts_them(lines, block, random):
    """Interleaved recordings, dropped frames, failed detections, columns of several types, odd blocks."""
    rows, frame = [], dict.fromkeys("abc", -1)
    for film, drop, success in lines:
        frame[film] += 1 + drop
        given = {"film": film, "frame": frame[film], "success": success}
        numbers = {"int": random.randrange(9), "float": random.choice([np.nan, 0.5]), "flag": drop}
        rows.append(given | numbers | {"nullable": random.choice([None, 7])})
    table = pd.DataFrame(rows).astype({"nullable": "Int64", "int": "int16", "float": "float64"})
    features = ["int", "float", "flag", "nullable"]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr("avfusion.sequences._long_tables.BLOCK", block)
        X = as_sequences(table, {"x": features}, recording="film", frame="frame", valid="success")
    assert X["film"].tolist() == list(dict.fromkeys(film for film, _, _ in lines))
    first = min(row["frame"] for row in rows)
    for film, column in zip(X["film"], X["x"]):
        own = [row for row in rows if row["film"] == film]
        expected = np.full((own[-1]["frame"] + 1 - min(first, 1), 4), np.nan, dtype="float32")
        for row in own:
            if row["success"]:
                values = [np.nan if row[name] is None else row[name] for name in features]
                expected[row["frame"] - min(first, 1)] = values
        if np.isnan(expected).all():
            assert column is pd.NA
        else:
            lead = len(expected) - len(column.frames)  # a part of something longer starts later
            np.testing.assert_array_equal(column.frames, expected[lead:])


@pytest.mark.filterwarnings("ignore:Taken for bookkeeping")
@pytest.mark.parametrize("clock", [{}, {"time": "t"}, {"time": "t", "rate_hz": 25}, {"frame": "t"}])
def test_a_table_without_rows_is_refused_as_such(clock):
    table = pd.DataFrame({"film": pd.Series([], dtype=str), "t": pd.Series([], dtype=float), "rms": 0.0})
    with pytest.raises(ValueError, match="The data has no rows"):
        as_sequences(table, {"audio": ["rms"]}, recording="film", **clock)


def test_what_counts_steadily_within_alternating_recordings_is_bookkeeping():
    table = pd.DataFrame({"film": list("ab") * 8, "rms": 0.5, "pts": np.repeat(np.arange(8) * 512, 2)})
    table["pts"] += 100_000 * (table["film"] == "b")
    with pytest.warns(UserWarning, match="bookkeeping, not features: 'pts'"):
        X = as_sequences(table, {"audio": ["rms"]}, recording="film")
    assert list(X) == ["film", "audio"]


def test_reading_takes_little_more_memory_than_the_result():
    """Alternating rows with a gap are written to their places at once, without a second copy."""
    n, width = 100_000, 100
    features = [f"f{k}" for k in range(width)]
    table = pd.DataFrame(np.ones((width, n), dtype="float32").T, columns=features)
    table["film"] = np.arange(n) % 3
    table["frame"] = np.arange(n) // 3
    table.loc[n - 3 :, "frame"] += 5
    tracemalloc.start()
    with pytest.warns(UserWarning, match="15 steps have no row"):
        X = as_sequences(table, {"x": features}, recording="film", frame="frame")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert X["x"].array.lengths.sum() == n + 15
    assert peak < 1.5 * width * n * 4


def test_columns_of_one_name_are_refused():
    table = pd.DataFrame([[1, 2, "a"]], columns=["rms", "rms", "film"])
    with pytest.raises(ValueError, match="several columns of one name: 'rms'"):
        as_sequences(table, {"audio": ["rms"]}, recording="film")
