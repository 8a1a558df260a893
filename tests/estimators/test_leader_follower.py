import numpy as np
import pytest
from sklearn.base import clone

import avfusion as av

MODEL = av.LeaderFollowerRegressor(encoder="tcn", max_epochs=1, hidden_size=8, n_layers=1, random_state=0)


@pytest.fixture(scope="module")
def recordings():
    return av.datasets.make_audiovisual_regression(4, label_rate_hz=5, audio_rate_hz=5, random_state=0)


@pytest.mark.parametrize(("leader", "expected"), [(None, 0), ("audio", 0), ("video", 1)])
def test_the_leader_is_a_column(recordings, leader, expected):
    X, y = recordings
    model = clone(MODEL).set_params(leader=leader, leader_size=12, follower_size=4).fit(X, y)
    core = model.net_.module_.network.core
    assert list(model.modalities_) == ["audio", "video"]
    assert core.leader == expected
    assert core.output_size == 12 + 2 * 4


def test_the_published_settings(recordings):
    X, y = recordings
    published = {"leader_size": 128, "follower_size": 32, "causal": True, "encoder_norm": "batch"}
    model = clone(MODEL).set_params(**published, joint_lstm=False).fit(X, y)
    together = model.predict(X)
    np.testing.assert_allclose(together.iloc[1], model.predict(X.iloc[[1]]).iloc[0], atol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"leader": "touch"}, "leader='touch' is none of the streams, which are 'audio', 'video'; choose"),
        ({"n_heads": 3}, "n_heads=3 must divide the features of attention, 8"),
        ({"kernel_size": 4}, "kernel_size=4 must be odd"),
        ({"encoder": "lstm", "leader_size": 5}, "leader_size=5 must be even"),
    ],
)
def test_bad_parameters(recordings, parameters, message):
    with pytest.raises(ValueError, match=message):
        clone(MODEL).set_params(**parameters).fit(*recordings)
