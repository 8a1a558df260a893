"""Shapes that mean two things."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.sequences import as_sequences, as_targets
from avfusion.sequences._readings import times_of_columns

RNG = np.random.default_rng(0)


def test_channels_and_steps_of_unequal_length_are_asked_about():
    cells = [RNG.normal(size=(t, 3)) for t in (30, 25, 40)]
    with pytest.raises(ValueError, match=r"25 features per step.* \(channels, steps\) must be transposed"):
        as_sequences({"audio": [cell.T for cell in cells]})
    with pytest.raises(
        ValueError, match=r"80 features per step, but that in row 0.* has 88"
    ):  # not turned by itself
        as_sequences({"audio": [np.zeros((12, 88)), np.zeros((12, 80))]})


def test_an_array_of_few_steps_and_many_features_is_asked_about():
    array = RNG.normal(size=(4, 3, 100))
    for data in (array, {"audio": array}):
        with pytest.raises(ValueError, match="3 steps of 100 features or 3 channels of 100 steps"):
            as_sequences(data)
    channels = as_sequences({"audio": array}, {"audio": 3})
    np.testing.assert_array_equal(channels["audio"].iloc[1].frames, array[1].T.astype("float32"))
    features = as_sequences({"audio": array}, {"audio": 100})
    np.testing.assert_array_equal(features["audio"].iloc[1].frames, array[1].astype("float32"))
    assert as_sequences(array, {"audio": 3})["audio"].dtype.width == 3
    assert as_sequences(RNG.normal(size=(4, 20, 43)))["features"].dtype.width == 43


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_arrays_padded_in_front_are_read_from_their_end(fill):
    lengths = np.array([5, 2, 3])
    front, back = np.full((3, 5, 2), fill), np.full((3, 5, 2), fill)
    for row, n in enumerate(lengths):
        front[row, 5 - n :] = back[row, :n] = RNG.normal(size=(n, 2))
    for one, other in zip(
        as_sequences({"a": (front, lengths)})["a"], as_sequences({"a": (back, lengths)})["a"]
    ):
        assert one == other


def test_padding_with_anything_is_behind():
    array = RNG.normal(size=(2, 5, 1))
    assert (
        as_sequences({"a": (array, [5, 2])})["a"].iloc[1].frames.ravel().tolist()
        == np.float32(array[1, :2, 0]).tolist()
    )


def test_a_wide_table_of_labels_has_a_column_for_each_time():
    y = pd.DataFrame(RNG.normal(size=(4, 89)), columns=[f"sample_{t}ms" for t in range(15500, 60000, 500)])
    targets = as_targets(y)
    assert targets.form.per_frame
    np.testing.assert_array_equal(targets.values.reshape(4, 89), y)
    X = as_sequences({"audio": [RNG.normal(size=(120, 2)) for _ in range(4)]}, rate_hz=2)
    predicted = av.FrameRegressor(Ridge()).fit(X, y).predict(X)
    assert [len(cell) for cell in predicted["sample"]] == [120] * 4


@pytest.mark.parametrize(
    "names",
    [
        range(100),
        ["arousal", "valence"],
        [f"trait_{k}" for k in range(17)],
        ["0.5", "1.0", "3.0", "4.0", "9.0"],
        ["1s", "2s"],
    ],
)
def test_names_that_are_no_times(names):
    assert times_of_columns(names) is None


def test_times_in_seconds():
    assert times_of_columns(np.arange(10) / 2)[:3] == (2.0, 0.0, "label")
    assert times_of_columns([f"{k}s" for k in range(5)])[:3] == (1.0, 0.0, "label")


def test_one_recording_for_a_model_of_long_rows_is_asked_about():
    cells = [RNG.normal(size=(30, 2)) for _ in range(5)]
    model = av.FrameRegressor(Ridge()).fit({"audio": cells}, [cell[:, 0] for cell in cells])
    with pytest.raises(
        ValueError, match=r"\(30, 2\): 30 recordings of one step, or one recording of 30 steps"
    ):
        model.predict({"audio": cells[0]})
    assert len(model.predict({"audio": [cells[0]]})[0]) == 30
    assert len(model.predict({"audio": cells[0][:, None]})) == 30


@pytest.mark.parametrize(
    ("data", "modalities", "message"),
    [
        (
            pd.DataFrame({"frame": [1, 2], "AU12_r": [0.1, 0.2]}),
            {"face": ["AU12_r"]},
            "2 rows with 'frame': are they frames",
        ),
        (
            pd.DataFrame({"F0": np.zeros(20_000)}),
            {"audio": ["F0"]},
            "20000 rows: are they frames, or recordings of one",
        ),
        ({"audio": np.zeros((20_000, 2))}, None, "Modality 'audio' has 20000 rows: are they frames"),
    ],
)
def test_many_recordings_of_one_step_are_asked_about(data, modalities, message):
    with pytest.raises(ValueError, match=message):
        as_sequences(data, modalities)


def test_as_many_numbers_as_steps_are_asked_about():
    X = as_sequences({"audio": RNG.normal(size=(6, 50, 2))})
    y = RNG.normal(size=(6, 50))
    with pytest.raises(ValueError, match="50 ratings of the row, or a label per step"):
        av.FrameRegressor(Ridge()).fit(X, y)
    av.FrameRegressor(Ridge()).fit(X, y[:, :, None])
    named = pd.DataFrame(y, columns=[f"trait {k}" for k in range(50)])
    assert av.FrameRegressor(Ridge()).fit(X, named).predict(X).shape == (6, 50)


def test_columns_of_times_may_stand_in_any_order_and_lack_some():
    names = [f"sample_{t}ms" for t in (15000, 16500, 15500, 17000, 18000)]
    y = pd.DataFrame([[0.0, 3.0, 1.0, 4.0, 6.0]], columns=names)
    np.testing.assert_array_equal(as_targets(y).values.ravel(), [0, 1, np.nan, 3, 4, np.nan, 6])
    with pytest.raises(ValueError, match="look like times, a label per step, but do not go on by one step"):
        as_targets(y.rename(columns={"sample_18000ms": "sample_17900ms"}))
