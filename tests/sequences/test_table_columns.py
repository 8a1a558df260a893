"""Which columns of a long table are used, which set aside, and what is said of it."""

import warnings

import numpy as np
import pandas as pd
import pytest

from avfusion.sequences import as_sequences


def face_table(n=50, recordings=("a", "b"), dropped=()):
    parts = []
    for name in recordings:
        frame = np.setdiff1d(np.arange(1, n + 1), dropped)
        part = pd.DataFrame(
            {"clip": name, "frame": frame, "timestamp": np.round((frame - 1) / 25, 3), "face_id": 0}
        )
        part["confidence"] = np.where(frame % 5 == 0, 0.2, 0.98)
        part["success"] = (frame % 5 != 0).astype(int)
        part["AU12_r"] = np.sin(frame / 5)
        part["subject"] = f"s-{name}"
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def quietly(*arguments, **options):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        X = as_sequences(*arguments, **options)
    return X, [str(warning.message) for warning in said]


def test_bookkeeping_is_set_aside_and_said_once():
    X, said = quietly(face_table(), {"face": ["AU12_r"]}, recording="clip", rate_hz=25)
    assert list(X) == ["clip", "face_id", "subject", "face"] or list(X) == ["clip", "subject", "face"]
    assert len(said) == 1
    assert "'success' says that nothing was detected" in said[0]
    assert "20 steps are NaN" in said[0]
    frames = X["face"].iloc[0].frames[:, 0]
    np.testing.assert_array_equal(np.isnan(frames), np.arange(1, 51) % 5 == 0)


def test_dropped_frames_are_seen_without_being_asked():
    X, said = quietly(
        face_table(dropped=[3, 7, 8]), {"face": ["AU12_r"]}, recording="clip", rate_hz=25, valid=False
    )
    assert [len(cell) for cell in X["face"]] == [50, 50]
    assert np.flatnonzero(np.isnan(X["face"].iloc[0].frames[:, 0])).tolist() == [2, 6, 7]
    assert "6 steps have no row in the table" in said[0]
    assert "Times are taken from 'frame'" in said[0]


def test_the_clock_gives_the_rate_where_none_is_declared():
    X, _ = quietly(face_table(dropped=[3]), {"face": ["AU12_r"]}, recording="clip")
    assert X["face"].dtype.rate_hz == 25
    assert len(X["face"].iloc[0]) == 50


def test_no_clock_where_none_is_wanted():
    X, _ = quietly(face_table(dropped=[3]), {"face": ["AU12_r"]}, recording="clip", time=False)
    assert len(X["face"].iloc[0]) == 49
    assert X["face"].dtype.rate_hz is None


def test_columns_that_are_named_are_used():
    X, _ = quietly(face_table(), {"face": ["AU12_r", "confidence"]}, recording="clip", rate_hz=25)
    assert X["face"].array.features == ("AU12_r", "confidence")


@pytest.mark.parametrize(
    ("valid", "share"),
    [
        ("success", 0.2),
        ({"confidence": 0.8}, 0.2),
        ({"confidence": 0.1}, 0.0),
        ({"face": "success"}, 0.2),
        ({"face": {"confidence": 0.99}}, 1.0),
        (False, 0.0),
    ],
)
def test_valid_steps(valid, share):
    X, _ = quietly(face_table(), {"face": ["AU12_r"]}, recording="clip", rate_hz=25, valid=valid)
    if share == 1.0:
        assert X["face"].isna().all()
    else:
        assert np.isnan(X["face"].array.pack().frames).mean() == pytest.approx(share)


def test_success_is_of_the_one_modality():
    table = face_table().assign(F0=1.0)
    X, _ = quietly(table, {"face": ["AU12_r"], "voice": ["F0"]}, recording="clip", rate_hz=25)
    assert not np.isnan(X["voice"].array.pack().frames).any()
    X, _ = quietly(
        table, {"face": ["AU12_r"], "voice": ["F0"]}, recording="clip", rate_hz=25, valid={"face": "success"}
    )
    assert not np.isnan(X["voice"].array.pack().frames).any()
    assert np.isnan(X["face"].array.pack().frames).any()


def test_several_faces_need_both_columns():
    two = pd.concat([face_table(), face_table().assign(face_id=1)], ignore_index=True)
    with pytest.raises(ValueError, match=r"'frame' has 1 twice in recording 'a'.*face_id"):
        as_sequences(two, {"face": ["AU12_r"]}, recording="clip", rate_hz=25, frame="frame")
    X, _ = quietly(two, {"face": ["AU12_r"]}, recording=["clip", "face_id"], rate_hz=25)
    assert X[["clip", "face_id"]].to_numpy().tolist() == [["a", 0], ["b", 0], ["a", 1], ["b", 1]]
    assert [len(cell) for cell in X["face"]] == [50] * 4


def test_all_other_columns_are_refused_in_one_error():
    table = face_table().join(
        pd.DataFrame(np.random.default_rng(0).normal(size=(100, 300))).add_prefix("eye_")
    )
    with pytest.raises(ValueError, match=r"300 columns are in no modality and vary .*'eye_0'.* and 295 more"):
        as_sequences(table, {"face": ["AU12_r"]}, recording="clip", rate_hz=25)


def test_wrong_flags_are_named():
    with pytest.raises(
        ValueError, match=r"valid='confidence' needs a column of 0 and 1, but it holds 0.2, 0.98"
    ):
        as_sequences(face_table(), {"face": ["AU12_r"]}, recording="clip", valid="confidence")
    with pytest.raises(ValueError, match="There is no column 'sucess', which valid= names"):
        as_sequences(face_table(), {"face": ["AU12_r"]}, recording="clip", valid="sucess")
    with pytest.raises(ValueError, match=r"time= is for long tables. Name the recording"):
        as_sequences({"face": [[1.0]]}, time="t")


def test_panels_of_sktime():
    cells = [np.random.default_rng(0).normal(size=(t, 3)) for t in (30, 25)]
    table = pd.concat(
        {f"r{i}": pd.DataFrame(c, columns=list("abc")) for i, c in enumerate(cells)},
        names=["instance", "time"],
    )
    for panel in (table, table.reset_index(), table.reset_index().drop(columns="time")):
        X, _ = quietly(panel, {"audio": list("abc")}, recording="instance")
        assert X["audio"].dtype.rate_hz is None
        np.testing.assert_array_equal(X["audio"].iloc[1].frames, cells[1].astype("float32"))
