import numpy as np
import pytest
import torch

import avfusion as av
from avfusion.networks import Concatenation, FrameHead, FusionModel, InputNorm, SeparateHeads
from avfusion.released._weights import load_released, released_names, released_state_dict
from tests.networks.golden import Golden
from tests.released.test_skip_fusion import WIDTHS, network_of, released_model


def small_model(n_recursions=2):
    norms = {name: InputNorm(width, "unit") for name, width in WIDTHS.items()}
    return FusionModel(norms, network_of(n_recursions=n_recursions), SeparateHeads(8, 2, 2))


def test_every_weight_has_its_published_name_and_shape():
    golden = Golden("rjca_release", "seq2")
    weights = released_state_dict(released_model(2))
    assert set(weights) == set(golden.names)
    assert {n: w.shape for n, w in weights.items()} == {n: w.shape for n, w in golden.weights.items()}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_round_trip(prefix, make_batch, randomise):
    model, other = randomise(small_model()).eval(), randomise(small_model(), seed=1).eval()
    extra = {"video_attn.attn.affine_h.weight": torch.zeros(1, 49)}
    weights = {prefix + name: weight for name, weight in (released_state_dict(model) | extra).items()}
    load_released(other, weights)
    torch.testing.assert_close(released_state_dict(other), released_state_dict(model), rtol=0, atol=0)
    streams, masks = make_batch(WIDTHS, [6, 3], damaged=False)  # absence vectors are not in the weights
    torch.testing.assert_close(other(streams, masks), model(streams, masks), rtol=0, atol=0)


def test_what_does_not_fit_is_listed_and_changes_nothing():
    model = small_model()
    weights = released_state_dict(small_model(n_recursions=3))
    del weights["Joint.linear.bias"]
    weights["vregressor.0.weight"] = torch.zeros(3, 8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="The weights do not fit the network") as error:
        load_released(model, weights)
    for told in (
        "Missing: 'Joint.linear.bias'.",
        "Unexpected: 'coattn.dcn_layers.2.dense_coattn.query_linear.weight', 'coattn",
        "Of another shape: 'vregressor.0.weight (3, 8) for (2, 8)'",
        "Set n_recursions, window, hidden_size",
    ):
        assert told in str(error.value)
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)


def test_arrays_are_taken_as_tensors_are():
    model, other = small_model(), small_model()
    weights = {name: weight.numpy() for name, weight in released_state_dict(model).items()}
    load_released(other, weights)
    torch.testing.assert_close(released_state_dict(other), released_state_dict(model), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda weights: "best.pt", TypeError, r"state_dict is a str.*torch\.load\(path"),
        (lambda weights: None, TypeError, "state_dict is a NoneType, but a dict of names to tensors"),
        (lambda weights: small_model(), TypeError, r"FusionModel, but a dict.*network\.state_dict\(\)"),
        (
            lambda weights: {"epoch": 3, "state_dict": weights},
            ValueError,
            r"holds other dicts, under 'state_dict', instead.*checkpoint\['state_dict'\]",
        ),
        (
            lambda weights: weights | {"Joint.linear.bias": "x"},
            TypeError,
            "a str under 'Joint.linear.bias'; it must hold tensors or arrays",
        ),
        (lambda weights: weights | {7: torch.zeros(1)}, TypeError, "a Tensor under 7; .*by their names"),
    ],
)
def test_what_is_no_dict_of_weights(change, kind, message):
    model = small_model()
    with pytest.raises(kind, match=message):
        load_released(model, change(released_state_dict(model)))
    estimator = av.ReleasedJointAttentionRegressor()
    with pytest.raises(kind, match=message):
        estimator.load_released(change(released_state_dict(model)))
    assert not hasattr(estimator, "net_")


def test_another_network_is_refused():
    model = FusionModel({"audio": InputNorm(3)}, Concatenation({"audio": 3}, 8), FrameHead(8, 2))
    with pytest.raises(ValueError, match="two streams, two targets per frame, skip encoders"):
        released_names(model)


def test_an_estimator_with_published_weights_on_published_features():
    model, golden = av.ReleasedJointAttentionRegressor(), Golden("rjca_release", "seq1")
    model.load_released({name: weight.float() for name, weight in golden.weights.items()})
    streams = {name: golden.input(name, (3, 16, 512)).detach().numpy() for name in ("audio", "video")}
    found = model.predict(av.as_sequences(streams))
    for name, key in (("valence", "out.v"), ("arousal", "out.a")):
        cells = np.stack([np.asarray(cell).ravel() for cell in found[name]])
        np.testing.assert_allclose(cells, golden.numbers[key], rtol=0, atol=1e-6)
