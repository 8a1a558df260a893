"""Folds that are watched score as those that are not, and leave nothing behind."""

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics import check_scoring
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion.model_selection.search._cross_validation import fit_watched, parameters_of_parts, score_folds
from avfusion.model_selection.search._objective import resolve_scorer
from avfusion.sequences import as_targets

NETWORK = av.EarlyFusionRegressor(hidden_size=4, max_epochs=4, window=10, random_state=0)


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(
        6, audio_rate_hz=1, video_rate_hz=1, duration_s=(10, 20), random_state=0
    )


@pytest.mark.parametrize("epochs", [True, False])
def test_watched_folds_score_as_cross_val_score_does(data, epochs):
    model, seen = make_pipeline(av.OnFrames(StandardScaler()), NETWORK), []
    folds = list(KFold(2).split(data[0]))
    outcomes = list(
        score_folds(
            model,
            *data,
            folds,
            check_scoring(model),
            watch=lambda *reported: seen.append(reported),
            epochs=epochs,
        )
    )
    scores = [outcome.score for outcome in outcomes]
    np.testing.assert_array_equal(scores, cross_val_score(model, *data, cv=folds))
    shares = [0.25, 0.5, 0.75, 1.0] if epochs else [1.0]
    assert [(fold, share) for fold, share, _ in seen] == [
        (fold, share) for fold in (0, 1) for share in shares
    ]
    assert [value for _, share, value in seen if share == 1.0] == [scores[0], np.mean(scores)]


def test_watching_leaves_nothing_in_the_estimator(data):
    model = av.EarlyFusionRegressor(hidden_size=4, max_epochs=2, window=10, random_state=0)
    plain = clone(model).fit(*data)
    fit_watched(model, *data, *data, check_scoring(model), lambda share, score: None)
    assert model.callbacks is None
    assert dict(model.net_.callbacks_).keys() == dict(plain.net_.callbacks_).keys()
    assert model.net_.watch is None
    assert len(pickle.dumps(model)) == pytest.approx(len(pickle.dumps(plain)), rel=0.01)


def test_labels_are_read_once_for_all_epochs_and_folds(data, monkeypatch):
    X, y = data
    read = []

    def counting(labels, *args):
        read.append(len(labels))
        return as_targets(labels, *args)

    monkeypatch.setattr("avfusion.model_selection.search._cross_validation.as_targets", counting)
    folds = [(np.arange(2), np.arange(2, 4)), (np.arange(2, 4), np.arange(2))]
    model = av.EarlyFusionRegressor(hidden_size=4, max_epochs=3, window=10, random_state=0)
    scorer = resolve_scorer(model, None)
    assert scorer is av.metrics.scorers["ccc"]
    seen = []
    outcomes = list(score_folds(model, X, y, folds, scorer, watch=lambda *told: seen.append(told)))
    assert read == [len(y)]
    assert len(seen) == 6
    expected = [clone(model).fit(X.iloc[a], y.iloc[a]).score(X.iloc[b], y.iloc[b]) for a, b in folds]
    assert [outcome.score for outcome in outcomes] == expected


def test_what_watching_raises_ends_the_training(data):
    class Enough(Exception):
        pass

    def stop(share, score):
        raise Enough

    model = av.EarlyFusionRegressor(hidden_size=4, max_epochs=2, window=10, random_state=0)
    with pytest.raises(Enough):
        fit_watched(model, *data, *data, check_scoring(model), stop)
    assert model.callbacks is None


def test_parameters_of_fit_go_to_the_step_that_is_named_or_that_asks():
    head, last = make_pipeline(StandardScaler()), Ridge()
    given = {"ridge__sample_weight": 1, "standardscaler__sample_weight": 2}
    assert parameters_of_parts(head, "ridge", last, given) == (
        {"standardscaler__sample_weight": 2},
        {"sample_weight": 1},
    )
    with config_context(enable_metadata_routing=True):
        head = make_pipeline(StandardScaler().set_fit_request(sample_weight=False))
        last = Ridge().set_fit_request(sample_weight=True)
        assert parameters_of_parts(head, "ridge", last, {"sample_weight": 1}) == [{}, {"sample_weight": 1}]
