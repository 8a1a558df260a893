"""The evaluation of the ABAW challenge, against plain NumPy and audmetric."""

import audmetric
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_validate

import avfusion as av
from avfusion.metrics import abaw_scorer, abaw_scores
from avfusion.metrics._scores import resolve_scoring


def ccc(x, y):
    """Return 2 s_xy / (s_x^2 + s_y^2 + (mean x - mean y)^2)."""
    return 2 * np.cov(x, y, bias=True)[0, 1] / (np.var(x) + np.var(y) + (np.mean(x) - np.mean(y)) ** 2)


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    true = [rng.uniform(-1, 1, (n, 2)) for n in (40, 7, 90)]
    predicted = [t / 2 + rng.normal(0, 0.3, t.shape) + 0.1 for t in true]
    true[0][5:9] = true[2][0] = -5
    return true, predicted


def test_all_valid_frames_together(frames):
    true, predicted = frames
    names = ("valence", "arousal")
    y, p = (
        av.as_sequences({name: [v[:, k] for v in rows] for k, name in enumerate(names)}, dtype="float64")
        for rows in frames
    )
    scores = abaw_scores(y, p)
    t, q = np.concatenate(true), np.concatenate(predicted)
    valid = (t != -5).all(axis=1)
    for k, name in enumerate(names):
        assert scores[f"ccc_{name}"] == pytest.approx(ccc(t[valid, k], q[valid, k]), abs=1e-12)
        theirs = audmetric.concordance_cc(t[valid, k], q[valid, k])
        assert scores[f"ccc_{name}"] == pytest.approx(theirs, abs=1e-12)
    assert scores["ccc"] == pytest.approx((scores["ccc_valence"] + scores["ccc_arousal"]) / 2)
    by_video = np.mean([ccc(a[:, 0], b[:, 0]) for a, b in zip(true[1:2], predicted[1:2])])
    assert scores["ccc_valence"] != pytest.approx(by_video, abs=1e-3)


@pytest.fixture
def recordings():
    X, y = av.datasets.make_audiovisual_regression(8, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    return X, y.to_frame("valence").assign(arousal=y.array)


def test_one_scorer_for_cross_validation_and_searches(recordings):
    X, y = recordings
    model = av.FrameRegressor(Ridge())
    results = cross_validate(model, X, y, cv=2, scoring=abaw_scorer)
    predicted = model.fit(X.iloc[4:], y.iloc[4:]).predict(X.iloc[:4])
    assert results["test_ccc_arousal"][0] == av.metrics.ccc_score(y["arousal"][:4], predicted["arousal"])
    search = GridSearchCV(model, {"regressor__alpha": [1e9, 1.0]}, cv=2, scoring=abaw_scorer, refit="ccc")
    assert search.fit(X, y).best_params_ == {"regressor__alpha": 1.0}


def test_compare_takes_it_by_name_and_as_it_is(recordings):
    X, y = recordings
    ridge = {"ridge": av.FrameRegressor(Ridge())}
    table = av.compare(ridge, X, y, groups="subject", cv=2, scoring="abaw", verbose=False).table
    pooled = av.compare(
        ridge, X, y, groups="subject", cv=2, scoring={"mine": abaw_scorer}, verbose=False
    ).table
    assert table["abaw"].iloc[0] == pooled["mine"].iloc[0]
    assert resolve_scoring("abaw")["abaw"].metric is av.metrics.ccc_score
