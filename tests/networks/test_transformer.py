"""The layer against torch's own, which is the same mathematics where its weights are the same."""

import numpy as np
import pytest
import torch
from torch import nn

from avfusion.networks._transformer import TransformerLayer, sinusoids


def torchs_layer(layer, size, n_heads):
    """Torch's pre-norm encoder layer with the weights of ours."""
    other = nn.TransformerEncoderLayer(size, n_heads, 4 * size, dropout=0, batch_first=True, norm_first=True)
    own = layer.state_dict()
    other.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat([own["query.weight"], own["key_value.weight"]]),
            "self_attn.in_proj_bias": torch.cat([own["query.bias"], own["key_value.bias"]]),
            "self_attn.out_proj.weight": own["update.weight"],
            "self_attn.out_proj.bias": own["update.bias"],
            "linear1.weight": own["inner.weight"],
            "linear1.bias": own["inner.bias"],
            "linear2.weight": own["outer.weight"],
            "linear2.bias": own["outer.bias"],
            "norm1.weight": own["norm.weight"],
            "norm1.bias": own["norm.bias"],
            "norm2.weight": own["inner_norm.weight"],
            "norm2.bias": own["inner_norm.bias"],
        }
    )
    return other


@pytest.mark.parametrize("n_heads", [1, 2])
def test_attention_to_itself_is_torchs_encoder_layer(n_heads):
    torch.manual_seed(0)
    layer = TransformerLayer(8, n_heads, dropout=0.0).double().train()
    x, mask = torch.randn(3, 6, 8, dtype=torch.double), torch.arange(6) < torch.tensor([[6], [4], [1]])
    expected = torchs_layer(layer, 8, n_heads).double().train()(x, src_key_padding_mask=~mask)
    np.testing.assert_allclose(layer(x, x, mask)[mask].detach(), expected[mask].detach(), atol=1e-12)


def test_the_padding_of_the_other_sequence_is_not_seen():
    torch.manual_seed(0)
    layer = TransformerLayer(8).eval()
    x, source, mask = torch.randn(2, 3, 8), torch.randn(2, 5, 8), torch.arange(5) < torch.tensor([[5], [2]])
    answer = layer(x, source, mask)
    source[1, 2:] = 100.0
    torch.testing.assert_close(layer(x, source, mask), answer, rtol=0, atol=0)
    torch.testing.assert_close(layer(x[1:], source[1:, :2], mask[1:, :2]), answer[1:])


def test_a_sequence_without_steps_gives_no_nan():
    layer = TransformerLayer(8)
    mask = torch.tensor([[True, True], [False, False]])
    assert layer(torch.randn(2, 3, 8), torch.zeros(2, 2, 8), mask).isfinite().all()


def test_heads_that_do_not_divide_the_features_are_refused():
    with pytest.raises(ValueError, match="n_heads=3 does not divide the number of features, 8"):
        TransformerLayer(8, n_heads=3)


def test_sinusoids_are_those_of_the_formula():
    time = np.array([0.0, 0.5, 300.0])
    rates = 10000.0 ** (-np.arange(3) / 3)
    angles = time[:, None] * rates
    expected = np.column_stack([np.sin(angles), np.cos(angles), np.zeros(3)])
    np.testing.assert_allclose(sinusoids(torch.tensor(time), 7), expected, atol=1e-12)
