import numpy as np
import pytest
import torch

import avfusion as av
from avfusion.fusion import LowRankFusion, TensorFusion
from tests.networks.reference_fusion import low_rank_fusion


@pytest.mark.parametrize("n_modalities", [1, 2, 3, 4])
def test_equals_the_equations_step_by_step(n_modalities, randomise):
    core = randomise(LowRankFusion(n_modalities, 4)).double().eval()
    weights = {name: value.numpy() for name, value in core.state_dict().items()}
    mask = torch.arange(6) < torch.tensor([[6], [1], [4], [0]])
    streams = [torch.randn(4, 6, 4, dtype=torch.float64) * mask[..., None] for _ in range(n_modalities)]
    out = core(streams, mask).detach().numpy()
    assert (out[~mask.numpy()] == 0).all()
    for row, step in mask.nonzero().tolist():
        expected = low_rank_fusion([x[row, step].numpy() for x in streams], weights)
        np.testing.assert_allclose(out[row, step], expected, atol=1e-10)


def test_at_full_rank_it_can_be_any_linear_map_of_the_tensor_product(randomise):
    h, k = 3, 2
    tensor = randomise(TensorFusion(2, h, reduced_size=k)).double().eval()
    low_rank = LowRankFusion(2, h, rank=(k + 1) ** 2).double().eval()
    one = torch.zeros(1, h, dtype=torch.float64)  # [1; z] as a map of x: a row of zeros with bias 1
    maps = [torch.cat([one, reduce.weight]) for reduce in tensor.reduce]
    biases = [torch.cat([torch.ones(1, dtype=torch.float64), reduce.bias]) for reduce in tensor.reduce]
    with torch.no_grad():
        low_rank.weight.fill_(1.0)
        low_rank.bias.copy_(tensor.combine.bias)
        for r, (i, j) in enumerate((i, j) for i in range(k + 1) for j in range(k + 1)):
            rows, weight = slice(r * h, (r + 1) * h), tensor.combine.weight[:, r]
            low_rank.factors[0].weight[rows], low_rank.factors[0].bias[rows] = maps[0][i], biases[0][i]
            low_rank.factors[1].weight[rows] = weight[:, None] * maps[1][j]
            low_rank.factors[1].bias[rows] = weight * biases[1][j]
    mask = torch.arange(5) < torch.tensor([[5], [2]])
    streams = [torch.randn(2, 5, h, dtype=torch.float64) * mask[..., None] for _ in range(2)]
    torch.testing.assert_close(low_rank(streams, mask), tensor(streams, mask))


QUICK = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}


def test_builds_the_network_of_its_parameters(ragged):
    core = av.LowRankFusionRegressor(rank=3, **QUICK).fit(*ragged).net_.module_.network.core
    assert isinstance(core, LowRankFusion)
    assert core.weight.shape == (3,)
    assert [factor.out_features for factor in core.factors] == [12, 12]


def test_rank_must_be_positive(ragged):
    with pytest.raises(ValueError, match="The 'rank' parameter of LowRankFusionRegressor must be"):
        av.LowRankFusionRegressor(rank=0, **QUICK).fit(*ragged)
