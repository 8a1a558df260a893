"""Scoring callbacks of skorch on ragged batches, against metrics of scikit-learn of the predictions."""

import numpy as np
import pytest
from sklearn.metrics import make_scorer, mean_absolute_error, r2_score
from skorch.callbacks import BatchScoring, EpochScoring

import avfusion as av
from avfusion.estimators._scoring import check_scoring

QUICK = {"hidden_size": 4, "max_epochs": 3, "batch_size": 2, "random_state": 0, "window": None}


def rows(per_frame, n_targets=1):
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(n, 3)) for n in (5, 9, 7, 8, 6, 12, 4)]
    y = [3 + 10 * (cell[:, :n_targets] + cell[:, 2:]) for cell in cells]
    if not per_frame:
        y = np.array([cell.mean(axis=0) for cell in y])
    else:
        y[4][:3] = np.nan
        y[5][1, 0] = np.nan
    return av.as_sequences({"audio": cells}), y


def fitted(callbacks, per_frame=True, n_targets=1, **settings):
    X, y = rows(per_frame, n_targets)
    return av.EarlyFusionRegressor(callbacks=callbacks, **QUICK | settings).fit(
        X[:4], y[:4], X_val=X[4:], y_val=y[4:]
    )


def packed(values):
    return np.concatenate(list(values)) if values.dtype == object or values.ndim > 2 else np.asarray(values)


def of_predictions(metric, model, per_frame, n_targets, part=slice(4, None)):
    X, y = rows(per_frame, n_targets)
    truth = np.concatenate(y[part]) if per_frame else y[part]
    predicted = packed(model.predict(X[part]))
    there = ~np.isnan(truth).any(axis=1)
    return metric(truth[there], predicted.reshape(truth.shape)[there])


@pytest.mark.works_with("skorch", "`EpochScoring` by name, scorer or function, per frame and per clip")
@pytest.mark.parametrize("per_frame", [True, False])
@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize(
    ("scoring", "metric"),
    [
        ("r2", r2_score),
        ("neg_mean_absolute_error", lambda *args: -mean_absolute_error(*args)),
        ("ccc", av.metrics.ccc_score),
        (av.metrics.scorers["neg_mae"], lambda *args: -mean_absolute_error(*args)),
        (make_scorer(r2_score), r2_score),
        (r2_score, r2_score),
        (av.metrics.root_mean_squared_error, lambda y, p: np.sqrt(np.mean((y - p) ** 2))),
        (lambda net, X, y: mean_absolute_error(y, net.predict(X)), mean_absolute_error),
        (None, av.metrics.ccc_score),
    ],
    ids=["r2", "neg_mae", "ccc", "ours", "scorer", "sklearn's", "our metric", "callable", "none"],
)
def test_scores_of_all_labelled_steps_in_the_units_of_y(scoring, metric, use_caching, per_frame):
    callback = EpochScoring(scoring, name="mine", use_caching=use_caching)
    model = fitted([callback], per_frame)
    assert model.net_.history[-1, "mine"] == pytest.approx(
        of_predictions(metric, model, per_frame, 1), rel=1e-4
    )


def test_the_ccc_is_valid_ccc():
    history = fitted([EpochScoring("ccc")], n_targets=2).net_.history
    assert history[:, "ccc"] == pytest.approx(history[:, "valid_ccc"], abs=1e-5)


def test_scores_of_the_training_rows():
    callbacks = [
        EpochScoring("r2", name="r2", on_train=True, use_caching=False),
        EpochScoring("r2", name="with_dropout", on_train=True),
    ]
    model = fitted(callbacks)
    expected = of_predictions(r2_score, model, True, 1, slice(None, 4))
    assert model.net_.history[-1, "r2"] == pytest.approx(expected, rel=1e-4)
    assert model.net_.history[-1, "with_dropout"] != pytest.approx(expected, rel=1e-2)


@pytest.mark.works_with("skorch", "`BatchScoring` on ragged batches")
@pytest.mark.parametrize("per_frame", [True, False])
def test_batch_scoring_is_the_mean_over_batches(per_frame):
    seen = []

    def error(net, X, y):
        seen.append((len(next(iter(X["masks"].values()))), mean_absolute_error(y, net.predict(X))))
        return seen[-1][1]

    model = fitted([BatchScoring(error, name="mine")], per_frame, max_epochs=1)
    sizes, scores = zip(*seen)
    assert sizes == (2, 1)
    assert model.net_.history[-1, "mine"] == pytest.approx(np.average(scores, weights=sizes))
    assert model.net_.history[-1, "batches", :, "mine"] == pytest.approx(list(scores))


def test_batches_without_labels_are_left_out():
    X, y = rows(True)
    y[6][:] = np.nan
    model = av.EarlyFusionRegressor(callbacks=[BatchScoring("neg_mean_absolute_error", name="mine")], **QUICK)
    history = model.set_params(batch_size=1).fit(X[:4], y[:4], X_val=X[4:], y_val=y[4:]).net_.history
    assert history[-1, "valid_batch_count"] == 3
    assert np.isfinite(history[-1, "mine"])


@pytest.mark.parametrize(
    ("callback", "told"),
    [
        (EpochScoring("r22"), "EpochScoring: there is no score 'r22' .did you mean 'r2'"),
        (EpochScoring("accuracy"), "the score 'accuracy' fails on 2 continuous target"),
        (EpochScoring("neg_max_error"), "the score 'neg_max_error' fails on 2"),
        (EpochScoring("neg_log_loss"), "'neg_log_loss' fails"),
        (BatchScoring({"a": "r2"}), "BatchScoring takes one score: give a callback for each of 'a'"),
        (EpochScoring(lambda y, p: 1.0), r"called as scoring\(net, X, y\).*make_scorer"),
        (
            EpochScoring(type("Score", (), {"__call__": lambda self, net, X, y: 1.0})()),
            "has no name. Set name",
        ),
    ],
)
def test_scores_that_would_fail(callback, told):
    with pytest.raises(ValueError, match=told):
        fitted([callback], n_targets=2)


def test_scores_of_regression_are_accepted():
    for name in (
        "r2",
        "neg_root_mean_squared_error",
        "explained_variance",
        "neg_mean_squared_log_error",
        "pcc",
    ):
        check_scoring(EpochScoring(name), n_targets=3)
    check_scoring(EpochScoring("neg_max_error"), n_targets=1)
