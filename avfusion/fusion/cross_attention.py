"""Cross-attention (CA).

Each stream takes from its own steps those that correlate with the other stream.
"""

import math
from functools import partial
from itertools import combinations

import torch
from torch import Tensor, nn

from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks import AttentionStack
from avfusion.networks._joint_attention import softmax_attention
from avfusion.networks._layers import Dropout
from avfusion.networks._masking import zero_padding

__all__ = ["CrossAttention", "CrossAttentionRegressor"]


class CrossAttention(nn.Module):
    """One step of cross-attention between all pairs of modalities; see `CrossAttentionRegressor`.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality.
    dropout : float, default=0.0
        On what has been attended.

    Examples
    --------
    >>> import torch
    >>> mask = torch.ones(1, 5, dtype=torch.bool)
    >>> audio, video = CrossAttention(2, 8)([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], mask)
    >>> audio.shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, n_modalities: int, hidden_size: int, dropout: float = 0.0):
        super().__init__()
        self.pairs = list(combinations(range(n_modalities), 2)) or [(0, 0)]
        self.scale = 1 / math.sqrt(hidden_size)
        self.correlate = nn.ParameterList(
            nn.init.xavier_uniform_(torch.empty(hidden_size, hidden_size)) for _ in self.pairs
        )  # W_ab
        self.gain = nn.Parameter(torch.zeros(()))  # g
        self.dropout = Dropout(dropout)

    def forward(self, streams: list[Tensor], mask: Tensor) -> list[Tensor]:
        """Update all modalities from the same incoming ones.

        Parameters
        ----------
        streams : list of M Tensors of shape (B, T, h)
            Zero in the padding.
        mask : bool Tensor of shape (B, T)

        Returns
        -------
        list of M Tensors of shape (B, T, h)
            Zero in the padding.
        """
        attended = [[] for _ in streams]  # per modality, one (B, T, h) for each other one
        for (a, b), weight in zip(self.pairs, self.correlate):
            xa, xb = streams[a], streams[b]
            attended[a].append(softmax_attention(xb @ weight.T, xa, xa, mask, self.scale))
            if a != b:
                attended[b].append(softmax_attention(xa @ weight, xb, xb, mask, self.scale))
        return [
            torch.tanh(x + self.gain * zero_padding(self.dropout(sum(found) / len(found)), mask))
            for x, found in zip(streams, attended)
        ]


def cross_attention(n_modalities: int, hidden_size: int, dropout: float) -> AttentionStack:
    """Return one step of cross-attention as a core."""
    return AttentionStack(n_modalities, hidden_size, partial(CrossAttention, dropout=dropout))


class CrossAttentionRegressor(EncodedFusionRegressor):
    """Fuse streams by cross-attention between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. In every pair of streams, each then gathers from
    its own steps what the other one points to; a last bidirectional LSTM reads the streams joined. For each
    pair of streams a < b of one row, with steps as rows, X_m (T, h) a stream::

        Z    = X_a W_ab X_b^T / sqrt(h)                         (T, T)      step of a x step of b
        A_ab = softmax(Z) over steps of a                       (T, T)      columns sum to one
        A_ba = softmax(Z^T) over steps of b                     (T, T)
        X_m  = tanh(X_m + g dropout(mean over n of A_mn^T X_m)) (T, h)      n: the other streams

    A relates steps, so that a row may have any length. The number g is learnt from zero. Attention has
    M (M - 1) h^2 / 2 weights besides, fewer than joint cross-attention, and no joint representation.

    The publication has two streams, no division by sqrt(h), g = 1 and no LSTMs after the features. With g = 1
    the attended term, roughly the mean of a recording, cannot be weighted down, and the network overfits
    small data sets (forty synthetic recordings: CCC .61, with g from zero .81, without attention .88). The
    mean over the other streams is the natural form for more. A single stream attends to itself. The LSTMs are
    those of the whole family, so that scores differ by the fusion alone; switch them off with `intra_lstm`
    and `joint_lstm`.

    Parameters
    ----------
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    JointCrossAttentionRegressor : Every stream attends by its correlation with all streams joined.
    RecursiveJointAttentionRegressor : The same, repeated.

    References
    ----------
    R. Gnana Praveen, E. Granger, P. Cardinal. Cross Attentional Audio-Visual Fusion for Dimensional Emotion
    Recognition. FG 2021. arXiv 2111.05222.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.CrossAttentionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags = FusionTags(published_in="arXiv 2111.05222")
    core = cross_attention
    _pairwise = True
