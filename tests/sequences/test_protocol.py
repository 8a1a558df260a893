import numpy as np
import pandas as pd
import pytest

from avfusion.sequences import Sequence, SequenceArray, SequenceDtype

FRAMES = np.arange(24.0, dtype="float32").reshape(12, 2)


def ragged(**kwargs):
    return SequenceArray(FRAMES, [0, 0, 5, 3], [5, -1, 0, 6], **kwargs)


def test_assignment_in_place_says_what_to_do():
    X = pd.DataFrame({"audio": ragged()})
    with pytest.raises(TypeError, match=r"SequenceArray is immutable, .* Make a new column instead"):
        X["audio"].array[0] = None
    with pytest.raises(TypeError, match="SequenceArray is immutable"):
        X.loc[0, "audio"] = None
    assert X["audio"].isna().tolist() == [False, True, False, False]


def test_columns_of_other_subtypes_meet_in_the_wider_one():
    one, two = pd.Series(ragged()), pd.Series(ragged().astype("sequence[float64, 2]"))
    assert pd.concat([one, two]).dtype == SequenceDtype("float64", 2)
    assert pd.concat([one, pd.Series(ragged(rate_hz=5))]).dtype == object
    assert pd.concat([one, pd.Series([1.0])]).dtype == object


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        ("sequence[float32, 3]", "Sequences of width 2 cannot become sequences of width 3"),
        ("sequence[float32, 2, 50Hz]", "Sequences at 25 Hz cannot be relabelled as 50 Hz. Use Align"),
    ],
)
def test_casts_that_would_be_wrong_are_refused(dtype, message):
    with pytest.raises(ValueError, match=message):
        ragged(rate_hz=25).astype(dtype)


def test_casts():
    column = pd.Series(ragged(rate_hz=25))
    assert column.astype("sequence[float64, 2, 25Hz]").array.frames.dtype == "float64"
    assert column.astype("sequence[float32, 2]").array.frames is column.array.frames
    assert column.astype(object).tolist() == column.tolist()
    assert column.astype(str).tolist()[0] == "5 x 2, 0.2 s"
    with pytest.raises(TypeError, match=r"cannot become an array of float64, as its rows are sequences"):
        column.to_numpy(dtype=float)


def test_filling_and_choosing_rows():
    column = pd.Series(ragged())
    cell = Sequence(FRAMES[:1])
    assert column.fillna(cell).tolist() == [column[0], cell, column[2], column[3]]
    assert column.where([True, False, False, True], column[::-1].array).tolist() == [
        column[0], column[2], column[1], column[3],
    ]  # fmt: skip
    assert column.map(lambda c: Sequence(c.frames * 2), na_action="ignore").dtype == column.dtype
    assert column.map(lambda c: Sequence(c.frames[:, :1]), na_action="ignore").dtype == SequenceDtype(
        "float32", 1
    )
    assert column.map(len, na_action="ignore").tolist() == [5, pd.NA, 0, 6]
    with pytest.raises(TypeError, match=r"In row 0: A cell must be an array .* not int '0'"):
        column.fillna(0)
    mixed = pd.DataFrame({"audio": column[2:], "age": [1.0, np.nan]})
    assert mixed.fillna(0)["age"].tolist() == [1, 0]  # no sequence is missing


def test_groups_by_content():
    X = pd.DataFrame({"audio": ragged().take([0, 3, 0, 1]), "n": [1, 2, 4, 8]})
    assert X.groupby("audio", sort=False)["n"].sum().tolist() == [5, 2]
    assert X.groupby("audio", sort=False, dropna=False)["n"].sum().tolist() == [5, 2, 8]


class TestExplode:
    def lists(self, column):
        """The same column as pandas knows it: lists in cells."""
        cells = [None if cell is pd.NA else cell.frames.tolist() for cell in column]
        return pd.Series(cells, index=column.index, name=column.name, dtype=object)

    def test_one_feature_gives_numbers_as_pandas_does(self):
        column = pd.Series(ragged(), list("abcd"), name="arousal").array.with_frames(np.arange(11.0)[:, None])
        column = pd.Series(column, list("abcd"), name="arousal")
        exploded, expected = column.explode(), self.lists(column).explode()
        pd.testing.assert_index_equal(exploded.index, expected.index)
        assert exploded.name == "arousal"
        assert exploded.dtype == np.float64
        numbers = [np.nan if np.ndim(step) == 0 else step[0] for step in expected]
        np.testing.assert_array_equal(exploded, numbers)
        assert column.explode(ignore_index=True).index.tolist() == list(range(13))

    def test_several_features_give_a_sequence_for_each_step(self):
        column = pd.Series(ragged(rate_hz=2), name="audio")
        exploded, expected = column.explode(), self.lists(column).explode()
        pd.testing.assert_index_equal(exploded.index, expected.index)
        assert exploded.dtype == column.dtype
        assert exploded.isna().tolist() == [np.ndim(step) == 0 for step in expected]
        np.testing.assert_array_equal(
            exploded.array.pack().frames, [step for step in expected if np.ndim(step)]
        )
        assert np.shares_memory(exploded.array.frames, FRAMES)

    def test_of_a_table_keeps_the_other_columns(self):
        X = pd.DataFrame(
            {"audio": ragged(), "label": ragged().with_frames(np.arange(11.0)[:, None]), "who": list("pqrs")}
        )
        lines = X.explode("label")
        assert lines["who"].tolist() == list("pppppqrssssss")
        assert lines["audio"].array.lengths.tolist() == [5] * 5 + [-1, 0] + [6] * 6
        both = X.iloc[[0, 3]].explode(["audio", "label"])
        np.testing.assert_array_equal(
            both["audio"].array.pack().frames, np.concatenate([FRAMES[:5], FRAMES[3:9]])
        )
        assert both["label"].tolist() == list(range(11))

    def test_steps_keep_their_times(self):
        column = SequenceArray(FRAMES, [0, 0, 5], [2, -1, 3], rate_hz=2, start_s=[10.0, np.nan, np.nan])
        lines = pd.Series(column).explode().array
        np.testing.assert_allclose(lines.step_times()[:, 0], [10.0, 10.5, 0.0, 0.5, 1.0])
        timed = SequenceArray(FRAMES, [0, 5], [2, 3], times_s=np.arange(12.0) ** 2)
        np.testing.assert_allclose(pd.Series(timed).explode().array.step_times()[:, 0], [0, 1, 25, 36, 49])
