import numpy as np
import pytest

import avfusion as av
from avfusion.sequences._targets import as_targets

QUICK = {"hidden_size": 8, "max_epochs": 2, "random_state": 0}


def values_of(y):
    return as_targets(y).values


def test_is_early_fusion_of_one_stream(ragged):
    X, y = ragged
    alone = av.UnimodalRegressor("audio", **QUICK).fit(X, y)
    early = av.EarlyFusionRegressor(modalities=["audio"], **QUICK).fit(X, y)
    np.testing.assert_array_equal(values_of(alone.predict(X)), values_of(early.predict(X)))
    assert alone.modalities_ == {"audio": 3}


def test_only_stream_needs_no_name(ragged):
    X, y = ragged
    X = X.drop(columns="video")[X["audio"].notna()]
    assert av.UnimodalRegressor(**QUICK).fit(X, y[X.index]).modalities_ == {"audio": 3}


def test_other_streams_do_not_matter(ragged):
    X, y = ragged
    model = av.UnimodalRegressor("audio", **QUICK).fit(X, y)
    other = X.assign(video=X["video"].array.with_frames(np.zeros((len(X["video"].array.pack().frames), 7))))
    np.testing.assert_array_equal(values_of(model.predict(other)), values_of(model.predict(X)))


def test_absent_stream_is_answered_by_what_was_learnt_for_absence(ragged):
    X, y = ragged
    predictions = av.UnimodalRegressor("audio", **QUICK).fit(X, y).predict(X)
    assert len(predictions["b"]) == 4
    assert np.isfinite(np.asarray(predictions["b"])).all()


@pytest.mark.parametrize("modality", ["audio", "video"])
def test_is_given_by_position(modality):
    assert av.UnimodalRegressor(modality).modality == modality
