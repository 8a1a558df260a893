import numpy as np
import pytest
from sklearn.base import clone

import avfusion as av
from avfusion.networks import EncodedFusion
from avfusion.sequences._targets import as_targets

QUICK = {"hidden_size": 8, "max_epochs": 2, "random_state": 0}


def values_of(y):
    return as_targets(y).values


def test_builds_the_network_that_it_is_named_after(ragged):
    model = av.RecursiveJointAttentionRegressor(n_recursions=3, **QUICK).fit(*ragged)
    network = model.net_.module_.network
    assert isinstance(network, EncodedFusion)
    assert len(network.core.steps) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"n_recursions": 0},
        {"n_recursions": 2},
        {"attention": "tanh"},
        {"intra_lstm": False},
        {"joint_lstm": False},
    ],
)
def test_its_parameters_reach_the_network(ragged, change):
    X, y = ragged
    models = [av.RecursiveJointAttentionRegressor(**QUICK, **c).fit(X, y) for c in ({}, change)]
    plain, changed = (values_of(model.predict(X)) for model in models)
    assert np.abs(plain - changed).max() > 1e-5


@pytest.mark.parametrize("change", [{"n_recursions": -1}, {"attention": "linear"}, {"joint_lstm": "yes"}])
def test_parameters_out_of_range(ragged, change):
    (name,) = change
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of RecursiveJointAttentionRegressor must be"
    ):
        av.RecursiveJointAttentionRegressor(**change).fit(*ragged)


@pytest.mark.parametrize("names", [["audio"], ["audio", "video"], ["audio", "video", "text"]])
def test_one_to_many_streams(ragged, names):
    X, y = ragged
    X = X.assign(text=X["video"].array.with_frames(X["video"].array.pack().frames[:, :1] ** 2))
    model = av.RecursiveJointAttentionRegressor(modalities=names, **QUICK).fit(X, y)
    assert list(model.modalities_) == names
    assert np.isfinite(values_of(model.predict(X))).all()


class TestPublished:
    def test_is_explicit_and_can_be_cloned_and_changed(self, ragged):
        model = av.RecursiveJointAttentionRegressor.published(hidden_size=8, max_epochs=1)
        assert (model.hidden_size, model.lr, model.batch_size, model.dropout) == (8, 1e-4, 64, 0.6)
        assert (model.n_recursions, model.attention, model.input_norm) == (2, "tanh", None)
        assert "input_norm=None" in repr(model)
        assert clone(model).get_params() == model.get_params()
        assert np.isfinite(values_of(model.set_params(lr=1e-3).fit(*ragged).predict(ragged[0]))).all()

    def test_trains_as_the_released_network_does(self):
        paper = av.RecursiveJointAttentionRegressor.published().get_params()
        release = av.ReleasedJointAttentionRegressor().get_params()
        differing = {name for name in release.keys() & paper.keys() if release[name] != paper[name]}
        assert differing == {"n_recursions", "input_norm"}

    def test_errors(self):
        with pytest.raises(TypeError, match="RecursiveJointAttentionRegressor has no parameter windows"):
            av.RecursiveJointAttentionRegressor.published(windows=3)
