"""What fusion is for: it helps where only both streams together tell, and does not pretend to elsewhere."""

import pytest
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.datasets import make_audiovisual_regression

pytestmark = pytest.mark.slow


def correlations(**shares):
    """Out-of-sample CCC and correlation of attention, late fusion and single streams."""
    X, y = make_audiovisual_regression(random_state=1, **shares)
    train, test = X["subject"] < 6, X["subject"] >= 6
    models = {
        "audio": av.UnimodalRegressor("audio", random_state=0),
        "video": av.UnimodalRegressor("video", random_state=0),
        "late": av.LateFusionRegressor(random_state=0),
        "attention": av.RecursiveJointAttentionRegressor(random_state=0),
    }
    scores = {}
    for name, model in models.items():
        model = make_pipeline(av.Align(rate_hz=1.0, aggregate=("mean", "std")), model)
        predicted = model.fit(X[train], y[train]).predict(X[test])
        scores[name] = av.metrics.ccc_score(y[test], predicted), av.metrics.pcc_score(y[test], predicted)
    return scores


def test_attention_finds_what_only_both_streams_tell():
    scores = correlations(audio_share=0.2, video_share=0.2, joint_share=0.5)
    for other in ("audio", "video", "late"):
        assert scores["attention"][0] > scores[other][0] + 0.2
        assert scores["attention"][1] > scores[other][1] + 0.2


def test_attention_gains_nothing_where_streams_add_up():
    scores = correlations(audio_share=0.4, video_share=0.4, joint_share=0.0)
    assert scores["attention"][1] < scores["late"][1] + 0.08
    assert scores["attention"][1] > max(scores["audio"][1], scores["video"][1]) + 0.1
