"""Low-rank multimodal fusion (Liu et al., ACL 2018, arXiv 1806.00064).

For the modalities m = 1 .. M of one step, x_m (h,) each, and ranks r = 1 .. R:

    f = b + sum over r of w_r * product over m of ([1; x_m] U_mr)       (h,)

where * and the product are per feature: tensor fusion whose weights are a sum of R products of factors, so
that the outer product is never formed. Steps do not see each other.
"""

import math

import torch
from torch import Tensor, nn

from avfusion.networks._masking import zero_padding

__all__ = ["LowRankFusion"]


class LowRankFusion(nn.Module):
    """Fuse by a factorised product of modalities; see the module's equations.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality, and of the output.
    rank : int, default=4
        R.

    Examples
    --------
    >>> import torch
    >>> core = LowRankFusion(2, 8)
    >>> core([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], torch.ones(1, 5, dtype=torch.bool)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, n_modalities: int, hidden_size: int, rank: int = 4):
        super().__init__()
        self.output_size = hidden_size
        # the bias is the row of the one; ones keep every modality alone in the product at the start
        self.factors = nn.ModuleList(nn.Linear(hidden_size, rank * hidden_size) for _ in range(n_modalities))
        for factor in self.factors:
            nn.init.normal_(factor.weight, std=1 / math.sqrt(hidden_size))
            nn.init.ones_(factor.bias)
        self.weight = nn.Parameter(torch.full((rank,), 1 / math.sqrt(rank)))
        self.bias = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, h), (B, T) -> (B, T, h); zero in the padding."""
        product = self.factors[0](streams[0])  # (B, T, R h)
        for factor, x in zip(self.factors[1:], streams[1:]):
            product = product * factor(x)
        product = product.unflatten(-1, (len(self.weight), -1))  # (B, T, R, h)
        return zero_padding(torch.einsum("btrh,r->bth", product, self.weight) + self.bias, mask)
