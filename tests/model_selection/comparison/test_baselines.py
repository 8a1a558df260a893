"""The usual estimators: they fit the recordings, whatever these are like."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import avfusion as av
from avfusion.model_selection import baselines


def fit_predict(estimators, X, y):
    """Fit all, networks for two epochs only."""
    for name, estimator in estimators.items():
        short = clone(estimator)
        epochs = [p for p in short.get_params() if p.endswith("max_epochs")]
        short.set_params(**dict.fromkeys(epochs, 2))
        yield name, np.asarray(short.fit(X, y).predict(X), dtype=object)


@pytest.mark.parametrize("target", ["frame", "clip"])
def test_all_take_absent_streams_unobserved_frames_and_missing_labels(target):
    X, y = av.datasets.make_audiovisual_regression(
        8,
        duration_s=(30, 40),
        audio_absent_share=0.2,
        target=target,
        recordings_per_subject=2,
        random_state=0,
    )
    frames = X["video"].array.frames.copy()
    frames[::7] = np.nan
    X["video"] = X["video"].array.with_frames(frames)
    y = y.where(np.arange(8) != 3)
    estimators = baselines(X, y, groups="subject")
    assert len(estimators) == 6
    for name, predicted in fit_predict(estimators, X, y):
        assert len(predicted) == 8, name


def test_one_modality_needs_no_fusion():
    X, y = av.datasets.make_audiovisual_regression(4, duration_s=(30, 40), random_state=0)
    estimators = baselines(X.drop(columns="video"), y)
    assert list(estimators) == ["ridge", "only-audio"]


def test_streams_in_step_need_no_rate():
    rng = np.random.default_rng(0)
    X = av.as_sequences({"audio": [rng.normal(size=(n, 2)) for n in (20, 30, 25)]})
    y = pd.Series(av.SequenceArray.from_sequences([rng.normal(size=n) for n in (20, 30, 25)]))
    for name, predicted in fit_predict(baselines(X, y), X, y):
        assert [len(row) for row in predicted] == [20, 30, 25], name


def test_streams_out_of_step_need_rates():
    X = av.as_sequences({"audio": [np.zeros((50, 2))], "video": [np.zeros((10, 2))]}, rate_hz={"audio": 5})
    y = pd.Series(av.SequenceArray.from_sequences([np.zeros(10)]))
    with pytest.raises(ValueError, match=r"the rate of 'video', labels is unknown. Give rates"):
        baselines(X, y)


def test_slow_labels_leave_no_window_shorter_than_a_step():
    X, y = av.datasets.make_audiovisual_regression(4, duration_s=(60, 80), label_rate_hz=0.1, random_state=0)
    context = baselines(X, y)["only-audio"][1]
    assert context.widths_s == (21, 61)


def test_two_groups_leave_one_for_training_which_cannot_be_split_again():
    X, y = av.datasets.make_audiovisual_regression(6, recordings_per_subject=3, random_state=0)
    assert baselines(X, y, groups="subject")["ridge"][-1].groups is None
    X["subject"] = [0, 0, 1, 1, 2, 2]
    assert baselines(X, y, groups="subject")["ridge"][-1].groups == "subject"


def test_same_seed_same_networks():
    X, y = av.datasets.make_audiovisual_regression(4, duration_s=(30, 40), random_state=0)
    networks = baselines(X, y, random_state=3)
    assert {model[-1].random_state for name, model in networks.items() if name != "ridge"} == {3}


def test_plain_tables_and_lists_are_taken():
    rng = np.random.default_rng(0)
    estimators = baselines(rng.normal(size=(20, 3)), rng.normal(size=20))
    assert list(estimators) == ["ridge", "only-features"]
    cells = [rng.normal(size=(n, 2)) for n in (20, 30)]
    assert "late-fusion" in baselines({"a": cells, "b": cells}, [cell[:, 0] for cell in cells])


def test_rows_and_labels_must_be_as_many():
    X, y = av.datasets.make_audiovisual_regression(4, duration_s=(30, 40), random_state=0)
    with pytest.raises(ValueError, match="X has 4 rows, y has 3"):
        baselines(X, y[:3])
