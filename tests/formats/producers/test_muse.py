"""Tables of the MuSe challenges, whose times are milliseconds."""

import numpy as np
import pandas as pd

from avfusion.formats._registry import read_parts

X = np.random.default_rng(0).normal(size=(40, 2))
GAP = np.r_[0:20, 60:80]


def test_features_and_labels_get_seconds(tmp_path):
    frames = {"timestamp": GAP * 500, "segment_id": np.repeat([1, 2], 20)}
    pd.DataFrame(frames | {"F0": X[:, 0], "loud": X[:, 1]}).to_csv(tmp_path / "1.csv", index=False)
    labels = {"timestamp": GAP * 500, "value": X[:, 0], "segment_id": np.repeat([1, 2], 20)}
    pd.DataFrame(labels).to_csv(tmp_path / "2.csv", index=False)
    for name in "12":
        (part,) = read_parts(tmp_path / f"{name}.csv")
        assert (part.recording, part.rate_hz, part.start_s) == (None, 2.0, 0.0)
        np.testing.assert_array_equal(part.values["timestamp"], GAP / 2)
    np.testing.assert_array_equal(part.values["value"], X[:, 0])


def test_a_recording_may_begin_later(tmp_path):
    table = {"timestamp": 15000 + 250 * np.arange(40), "segment_id": 3, "value": X[:, 0]}
    pd.DataFrame(table).to_csv(tmp_path / "1.csv", index=False)
    (part,) = read_parts(tmp_path / "1.csv")
    assert (part.rate_hz, part.start_s) == (4.0, 15.0)


def test_seconds_stay_seconds(tmp_path):
    table = pd.DataFrame({"timestamp": np.arange(40) / 2, "segment_id": 1, "value": X[:, 0]})
    table.to_csv(tmp_path / "1.csv", index=False)
    (part,) = read_parts(tmp_path / "1.csv")
    assert part.rate_hz is None
    np.testing.assert_array_equal(part.values["timestamp"], np.arange(40) / 2)
