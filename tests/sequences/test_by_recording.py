"""Modalities keyed by recording, and recordings that are tables."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.sequences import as_sequences

NAMES = ["pitch", "loudness", "jitter"]


def files(n, seed=0):
    rng = np.random.default_rng(seed)
    return [
        pd.DataFrame(rng.normal(size=(60, 3)) * [100, 1, 0.01] + [200, 0, 0], columns=NAMES) for _ in range(n)
    ]


def test_mappings_of_recordings_are_joined():
    X = as_sequences({"audio": {"a": [1.0], "b": [2.0, 3.0]}, "video": {"b": [4.0], "c": [5.0]}})
    assert X.index.tolist() == ["a", "b", "c"]
    assert X["audio"].isna().tolist() == [False, False, True]
    assert X["video"].isna().tolist() == [True, False, False]
    assert X["video"]["b"].frames.tolist() == [[4.0]]


def test_series_of_one_set_of_labels_are_joined():
    audio = pd.Series([np.zeros(2), np.ones(2)], index=["a", "b"])
    video = pd.Series([np.ones(3), np.zeros(3)], index=["b", "a"])
    X = as_sequences({"audio": audio, "video": video})
    assert X.index.tolist() == ["a", "b"]
    assert X["video"]["b"].frames.sum() == 3


def test_keyed_and_unkeyed_modalities_do_not_mix():
    with pytest.raises(ValueError, match="Modality 'audio' is keyed by recording, but 'video' is not"):
        as_sequences({"audio": {"a": [1.0]}, "video": [[1.0]]})


def test_features_go_by_name_in_a_call_and_from_fit_to_predict():
    tables = files(8)
    labels = [table["loudness"].to_numpy() for table in tables]
    both = as_sequences({"audio": [tables[0], tables[1][NAMES[::-1]]]})
    np.testing.assert_array_equal(both["audio"][1].frames, tables[1].to_numpy("float32"))
    assert both["audio"].array.features == tuple(NAMES)
    for model in (av.FrameRegressor(Ridge()), av.EarlyFusionRegressor(max_epochs=1, random_state=0)):
        model.fit({"audio": tables}, labels)
        one, other = (model.predict({"audio": [table]})[0] for table in (tables[0], tables[0][NAMES[::-1]]))
        np.testing.assert_array_equal(one, other)


def test_transformers_go_by_name_too():
    X = as_sequences({"audio": files(3)}, rate_hz=2)
    align = av.Align(rate_hz=1).fit(X)
    turned = as_sequences({"audio": [table[NAMES[::-1]] for table in files(3)]}, rate_hz=2)
    pd.testing.assert_frame_equal(align.transform(turned), align.transform(X))


def test_another_set_of_features_is_refused():
    tables = files(2)
    with pytest.raises(ValueError, match=r"row 0.* and row 1.* have different names: 'energy', 'pitch'"):
        as_sequences({"audio": [tables[0], tables[1].rename(columns={"pitch": "energy"})]})
    model = av.FrameRegressor(Ridge()).fit({"audio": tables}, [0.0, 1.0])
    with pytest.raises(ValueError, match="Column 'audio': The features 'pitch' are not there"):
        model.predict({"audio": [tables[0].rename(columns={"pitch": "energy"})]})


def test_bookkeeping_of_tables_is_set_aside_and_failed_frames_are_nan():
    table = pd.DataFrame(
        {
            "frame": [1, 2, 4],
            " timestamp": [0.0, 0.04, 0.12],
            " success": [1, 0, 1],
            " AU12_r": [0.5, 0.0, 0.7],
        }
    )
    with pytest.warns(UserWarning, match="'success' says that nothing was detected.*1 steps have no row"):
        X = as_sequences({"face": [table, None]}, rate_hz=25)
    assert X["face"].array.features == ("AU12_r",)
    np.testing.assert_array_equal(X["face"][0].frames[:, 0], np.float32([0.5, np.nan, np.nan, 0.7]))
    assert X["face"].isna().tolist() == [False, True]


def test_tables_of_nothing_but_bookkeeping_are_refused():
    with pytest.raises(ValueError, match="All columns are bookkeeping, not features: 'frame', 'timestamp'"):
        as_sequences({"face": [pd.DataFrame({"frame": [1, 2], "timestamp": [0.0, 0.04]})]})


def test_the_index_of_opensmile_says_rate_and_start():
    index = pd.MultiIndex.from_tuples(
        [("a.wav", pd.Timedelta(k * 10, "ms"), pd.Timedelta(k * 10 + 20, "ms")) for k in range(50, 100)],
        names=["file", "start", "end"],
    )
    table = pd.DataFrame(
        np.random.default_rng(0).normal(size=(50, 2)), index=index, columns=["F0", "loudness"]
    )
    for X in (as_sequences({"audio": [table]}), as_sequences(table, {"audio": ["F0", "loudness"]})):
        cell = X["audio"].iloc[0]
        assert (cell.rate_hz, cell.start_s, len(cell)) == (100, 0.5, 50)
