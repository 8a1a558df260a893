import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.sequences import as_sequences, to_long, to_padded, to_panel


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(n, 3)) for n in (5, 2, 4)]
    X = as_sequences({"audio": cells, "text": [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0], None]}, rate_hz=4)
    return X.assign(who=["p", "q", "p"]).set_index(pd.Index(["x", "y", "z"], name="clip"))


def by_hand(X):
    """The long table, cell by cell."""
    lines = []
    for label, row in X.iterrows():
        for step in range(row["audio"].shape[0]):
            text = np.nan if row["text"] is pd.NA else row["text"].frames[step, 0]
            lines.append([label, step / 4, row["who"], *row["audio"].frames[step], text])
    names = ["clip", "time", "who", "audio__0", "audio__1", "audio__2", "text"]
    return pd.DataFrame(lines, columns=names)


def test_long_has_a_line_per_step(X):
    pd.testing.assert_frame_equal(to_long(X), by_hand(X), check_dtype=False)
    assert (to_long(X).dtypes.iloc[3:] == np.float32).all()


def test_long_of_selected_rows_holds_only_these(X):
    chosen = X.iloc[[2, 0]]
    pd.testing.assert_frame_equal(to_long(chosen), by_hand(chosen), check_dtype=False)


def same(found, expected):
    """Compare all but names of features, and whether a start of 0 was declared."""
    assert found.dtype == expected.dtype
    assert found.lengths.tolist() == expected.lengths.tolist()
    np.testing.assert_array_equal(found.pack().frames, expected.pack().frames)
    np.testing.assert_allclose(found.step_times(), expected.step_times())


AUDIO = {"audio": ["audio__0", "audio__1", "audio__2"]}


def test_long_and_back(X):
    back = as_sequences(to_long(X), AUDIO | {"text": ["text"]}, recording="clip", time="time")
    assert back["clip"].tolist() == ["x", "y", "z"]
    assert back["who"].tolist() == X["who"].tolist()
    for name in ("audio", "text"):
        same(back[name].array, X[name].array)


def test_a_row_without_steps_is_one_line_and_comes_back(X):
    X = pd.DataFrame({"audio": X["audio"].mask(X.index == "y"), "who": X["who"]})
    long = to_long(X)
    line = long[long["clip"] == "y"]
    assert line["time"].tolist() == [0.0]
    assert line["audio__0"].isna().all()
    back = as_sequences(long, AUDIO, recording="clip", time="time")
    same(back["audio"].array, X["audio"].array)
    without = X.assign(audio=X["audio"].array.with_clock())
    assert to_long(without)["step"].tolist() == [0, 1, 2, 3, 4, 0, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("clock", "time"),
    [
        ({"rate_hz": 4, "start_s": [15.5, 0]}, "time"),
        ({"times_s": [0, 0.1, 3, 3.05, 0.2, 2]}, "time"),
        ({"times_s": [[0, 1], [1, 3], [3, 4], [4, 4.5], [0, 2], [2, 3]]}, ("time", "end")),
    ],
)
def test_times_come_back(clock, time):
    frames = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    column = av.SequenceArray.from_packed(frames, [4, 2], **clock)
    back = as_sequences(to_long(pd.DataFrame({"audio": column})), AUDIO, recording="recording", time=time)
    same(back["audio"].array, column)


def test_a_panel_comes_back(X):
    back = as_sequences(to_panel(X), AUDIO | {"text": ["text"]}, recording="clip", time=False, rate_hz=4)
    for name in ("audio", "text"):
        same(back[name].array, X[name].array)


def test_predictions_of_every_form(X):
    y = X["text"].iloc[:2]
    expected = to_long(X[["text"]].iloc[:2])
    pd.testing.assert_frame_equal(to_long(y), expected)
    pd.testing.assert_frame_equal(to_long(y.to_frame()), expected)
    cells = np.empty(2, dtype=object)
    cells[:] = [np.array([1.0, 2.0]), np.array([3.0])]
    for given in (cells, list(cells)):
        assert to_long(given).to_dict("list") == {
            "recording": [0, 0, 1],
            "step": [0, 1, 0],
            "features": [1.0, 2.0, 3.0],
        }
    model = av.FrameRegressor().fit(X[["audio"]].iloc[:2], y)
    long = to_long(model.predict(X[["audio"]]))
    assert list(long) == ["clip", "time", "text"]
    assert len(long) == 11


def test_levels_of_the_index_are_columns():
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["who", None])
    X = as_sequences({"audio": [[1.0], [2.0]]}).set_index(index)
    assert list(to_long(X)) == ["who", "recording 1", "step", "audio"]
    assert list(to_panel(X).index.names) == ["who", "recording 1", "time"]


def test_padded_and_back(X):
    array, lengths = to_padded(X["audio"], fill=-1)
    assert array.shape == (3, 5, 3)
    assert lengths.tolist() == [5, 2, 4]
    assert (array[1, 2:] == -1).all()
    back = as_sequences({"audio": (array, lengths)}, rate_hz=4)["audio"]
    pd.testing.assert_series_equal(back, X["audio"].reset_index(drop=True))


def test_padded_lays_columns_side_by_side(X):
    array, _ = to_padded(X)
    assert array.shape == (3, 5, 4)
    assert array[0, :, 3].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert np.isnan(array[2, :, 3]).all()  # a stream that the row lacks
    np.testing.assert_array_equal(array[2, :4, :3], X["audio"].iloc[2].frames)
    missing = to_padded(X["text"])[1]
    assert missing.tolist() == [5, 2, 0]


def test_panel_has_the_index_of_sktime(X):
    panel = to_panel(X)
    assert panel.index.names == ["clip", "time"]
    assert pd.api.types.is_integer_dtype(panel.index.levels[1].dtype)
    assert not panel.index.has_duplicates
    assert list(panel) == ["audio__0", "audio__1", "audio__2", "text"]
    np.testing.assert_array_equal(panel.loc["x"].to_numpy()[:, :3], X["audio"].iloc[0].frames)
    assert panel.loc["y"].index.tolist() == [0, 1]


@pytest.mark.parametrize("way_out", [to_long, to_padded, to_panel])
def test_streams_that_are_not_in_step(way_out):
    X = as_sequences({"audio": [[1.0, 2.0], [3.0]], "video": [[1.0, 2.0], [3.0, 4.0]]})
    message = r"Unequal lengths in row 1 \(index 1\): 'audio' has 1 steps, 'video' has 2.*X\[\['video'\]\]"
    with pytest.raises(ValueError, match=message):
        way_out(X)


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        ({"rate_hz": 2}, r"step 0 is from 0 to 1 s in 'audio', from 0 to 0\.5 s in 'video'\..*Align"),
        ({"rate_hz": 1, "start_s": [0, 15.5]}, r"row 1 \(index 1\).*from 15\.5 to 16\.5 s in 'video'"),
        ({"times_s": [0, 2, 0]}, r"row 0 \(index 0\).*step 0 .*from 0 to 0 s in 'video'"),
    ],
)
def test_streams_of_other_times(clock, told):
    audio = av.SequenceArray.from_packed(np.zeros((3, 1)), [2, 1], rate_hz=1)
    X = pd.DataFrame(
        {"audio": audio, "video": av.SequenceArray.from_packed(np.ones((3, 1)), [2, 1], **clock)}
    )
    with pytest.raises(ValueError, match=told):
        to_long(X)
    assert len(to_long(X[["video"]])) == 3


def test_times_are_those_of_the_steps():
    frames, lengths = np.arange(8.0).reshape(4, 2), [3, -1, 1]
    late = av.SequenceArray.from_packed(frames, lengths, [2.0, np.nan, 4.0], start_s=[15.5, np.nan, 1.0])
    assert to_long(late)["time"].tolist() == [15.5, 16.0, 16.5, 0.0, 1.0]
    instants = av.SequenceArray.from_packed(frames, lengths, times_s=[0.5, 2.0, 2.25, 7.0])
    assert "end" not in to_long(instants)
    words = av.SequenceArray.from_packed(frames, lengths, times_s=[[0, 0.5], [1, 3], [3, 4], [0, 2]])
    assert to_long(words)["end"].tolist()[:3] == [0.5, 3.0, 4.0]
    np.testing.assert_array_equal(to_long(words.take([2, 0]))["time"], [0.0, 0.0, 1.0, 3.0])


def test_features_keep_their_names_unless_two_streams_have_them():
    one = av.SequenceArray.from_packed(np.zeros((2, 2)), [1, 1], features=["rms", "pitch"])
    other = one.with_features(["rms", "gaze"])
    assert list(to_long(pd.DataFrame({"audio": one}))) == ["recording", "step", "rms", "pitch"]
    both = list(to_long(pd.DataFrame({"audio": one, "video": other})))
    assert both == ["recording", "step", "audio__rms", "audio__pitch", "video__rms", "video__gaze"]


def test_names_that_meet(X):
    with pytest.raises(ValueError, match=r"would have the name 'time'\. Rename"):
        to_long(X.assign(time=[1, 2, 3]))
    with pytest.raises(ValueError, match=r"label of row 1 \(index 'x'\).*reset_index"):
        to_panel(X.set_axis(["x", "x", "z"]))


@pytest.mark.parametrize("way_out", [to_long, to_padded, to_panel])
@pytest.mark.parametrize(
    "given", [pd.Series([1.0, 2.0]), pd.DataFrame({"a": ["b"]}), [1.0], np.zeros(3), 3, None]
)
def test_what_has_no_sequences(way_out, given):
    with pytest.raises(TypeError, match="sequences"):
        way_out(given)
