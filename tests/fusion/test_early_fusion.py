import numpy as np
import pytest
import torch

import avfusion as av
from avfusion.networks import Concatenation
from avfusion.sequences._targets import as_targets
from tests.networks.reference import concatenation, numpy_weights


@pytest.mark.parametrize("widths", [{"audio": 3, "video": 5}, {"audio": 4}, {"audio": 30, "video": 9}])
def test_equals_the_equations_row_by_row(widths, make_batch, randomise):
    network = randomise(Concatenation(widths, 4).double()).eval()
    streams, masks = make_batch(widths, [7, 1, 12], dtype=torch.float64)
    out = network(streams, masks).detach()
    for row, length in enumerate([7, 1, 12]):
        expected = concatenation([x[row, :length].numpy() for x in streams.values()], numpy_weights(network))
        np.testing.assert_allclose(out[row, :length], expected, atol=1e-10)
        assert (out[row, length:] == 0).all()


def test_errors():
    with pytest.raises(ValueError, match="at least one stream"):
        Concatenation({})
    with pytest.raises(ValueError, match="output_size=5 must be even"):
        Concatenation({"a": 2}, hidden_size=5)


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
