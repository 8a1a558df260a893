"""Gated multimodal unit (GMU).

A gate for every feature of every step decides how much comes from which stream.
"""

import torch
from torch import Tensor, nn

from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks._masking import zero_padding

__all__ = ["GatedMultimodalRegressor", "GatedMultimodalUnit"]


class GatedMultimodalUnit(nn.Module):
    """Weigh the modalities of each step, feature by feature; see `GatedMultimodalRegressor`.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality, and of the output.

    Examples
    --------
    >>> import torch
    >>> unit = GatedMultimodalUnit(2, 8)
    >>> unit([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], torch.ones(1, 5, dtype=torch.bool)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, n_modalities: int, hidden_size: int):
        super().__init__()
        self.output_size = hidden_size
        self.value = nn.ModuleList(
            nn.Linear(hidden_size, hidden_size, bias=False) for _ in range(n_modalities)
        )
        n_gates = 1 if n_modalities == 2 else n_modalities
        self.gate = nn.Linear(n_modalities * hidden_size, n_gates * hidden_size, bias=False)

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, h), (B, T) -> (B, T, h); zero in the padding."""
        values = torch.stack([value(x).tanh() for value, x in zip(self.value, streams)], -2)  # (B, T, M, h)
        gates = self.gate(torch.cat(streams, -1)).sigmoid().unflatten(-1, (-1, self.output_size))
        if len(streams) == 2:
            gates = torch.cat([gates, 1 - gates], -2)  # (B, T, M, h)
        return zero_padding((gates * values).sum(-2), mask)


class GatedMultimodalRegressor(EncodedFusionRegressor):
    """Fuse streams by a gated multimodal unit between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. In every step a gate then decides, feature by
    feature, how much each stream contributes; a last bidirectional LSTM reads what results. With x_m (h,) one
    step of a stream and x = [x_1, ..., x_M]::

        M = 2:  z = sigmoid(W_z x),   f = z * tanh(W_1 x_1) + (1 - z) * tanh(W_2 x_2)
        else:   z_m = sigmoid(W_zm x),  f = sum over m of z_m * tanh(W_m x_m)

    where * is per feature: two streams share one gate and others have one each. Steps do not see each other
    in the unit, so that a row may have any length. The share of a stream can change from step to step and
    from feature to feature.

    The publication classifies films from one vector for each modality. The LSTMs are those of the whole
    family, so that scores differ by the fusion alone; switch them off with `intra_lstm` and `joint_lstm`.

    Parameters
    ----------
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    EarlyFusionRegressor : The same LSTMs on concatenated features.

    References
    ----------
    J. Arevalo, T. Solorio, M. Montes-y-Gomez, F. A. Gonzalez. Gated Multimodal Units for Information Fusion.
    2017. arXiv 1702.01992.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.GatedMultimodalRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags = FusionTags(published_in="arXiv 1702.01992")
    core = GatedMultimodalUnit
