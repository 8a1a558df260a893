import numpy as np

import avfusion as av
from avfusion.networks import Concatenation
from avfusion.sequences._targets import as_targets

QUICK = {"hidden_size": 8, "max_epochs": 2, "random_state": 0}


def test_builds_the_network_that_it_is_named_after(ragged):
    model = av.EarlyFusionRegressor(**QUICK).fit(*ragged)
    assert isinstance(model.net_.module_.network, Concatenation)
    assert model.net_.module_.network.output_size == 8
    assert model.modalities_ == {"audio": 3, "video": 2}


def test_uses_every_stream(ragged):
    X, y = ragged
    model = av.EarlyFusionRegressor(**QUICK).fit(X, y)
    plain = as_targets(model.predict(X)).values
    for name in ("audio", "video"):
        other = X.assign(**{name: X[name].array.with_frames(-X[name].array.pack().frames)})
        assert np.abs(as_targets(model.predict(other)).values - plain).max() > 1e-4
