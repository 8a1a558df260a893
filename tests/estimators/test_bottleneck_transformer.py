import pytest

import avfusion as av
from avfusion.networks import BottleneckTransformer

QUICK = {"hidden_size": 6, "max_epochs": 1, "random_state": 0}


def test_builds_the_network_of_its_parameters(ragged):
    model = av.BottleneckTransformerRegressor(
        n_layers=3, fusion_layer=1, n_bottlenecks=5, n_heads=3, dropout=0.1, **QUICK
    ).fit(*ragged)
    core = model.net_.module_.network.core
    assert isinstance(core, BottleneckTransformer)
    assert core.fusion_layer == 1
    assert core.bottlenecks.shape == (5, 6)
    assert [len(layers) for layers in core.layers] == [2, 2, 2]
    assert {(layer.n_heads, layer.dropout.p) for layers in core.layers for layer in layers} == {(3, 0.1)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_heads": 4}, "n_heads=4 does not divide hidden_size=6; change one"),
        ({"fusion_layer": 3}, "fusion_layer=3 is beyond n_layers=2; lower it"),
        ({"n_bottlenecks": 0}, "The 'n_bottlenecks' parameter of BottleneckTransformerRegressor must be"),
    ],
)
def test_what_cannot_work_is_refused_before_training(ragged, change, message):
    model = av.BottleneckTransformerRegressor(**QUICK, **change)
    with pytest.raises(ValueError, match=message):
        model.fit(*ragged)
    assert not hasattr(model, "net_")
