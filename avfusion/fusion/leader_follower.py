"""Leader-follower attention (LFAN).

In each step the streams attend to each other; the leader's own features go on beside. `encoder="tcn"` reads
streams with temporal convolutions, as published.
"""

import math
from functools import partial
from numbers import Integral
from typing import ClassVar

import torch
from torch import Tensor, nn

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators import FusionRegressor, FusionTags
from avfusion.networks import StreamEncoder, StreamFusion
from avfusion.networks._encoders import SequenceLayer
from avfusion.networks._masking import zero_padding
from avfusion.networks._temporal_convolution import ConvolutionEncoder
from avfusion.sequences._messages import quoted

__all__ = ["LeaderFollower", "LeaderFollowerAttention", "LeaderFollowerRegressor"]


class LeaderFollowerAttention(nn.Module):
    """Let modalities attend to each other in each step, and put the leader beside what results.

    Parameters
    ----------
    widths : list of int
        Features of each modality.
    attention_size : int, default=32
        Features d of attention, of each modality.
    n_heads : int, default=1
        Heads that share d.
    projection : bool, default=False
        Whether there is W_o.
    leader : int, default=0
        Position of the leader.

    Raises
    ------
    ValueError
        If `n_heads` does not divide `attention_size`.

    Examples
    --------
    >>> import torch
    >>> attention = LeaderFollowerAttention([8, 4, 4], attention_size=4)
    >>> streams = [torch.randn(2, 6, width) for width in (8, 4, 4)]
    >>> attention(streams, torch.ones(2, 6, dtype=torch.bool)).shape
    torch.Size([2, 6, 20])
    """

    def __init__(
        self,
        widths: list[int],
        attention_size: int = 32,
        n_heads: int = 1,
        projection: bool = False,
        leader: int = 0,
    ):
        super().__init__()
        if attention_size % n_heads:
            raise ValueError(f"n_heads={n_heads} does not divide attention_size={attention_size}.")
        joint_size = len(widths) * attention_size
        self.n_heads, self.leader = n_heads, leader
        self.output_size = widths[leader] + joint_size
        self.qkv = nn.ModuleList(nn.Linear(width, 3 * attention_size) for width in widths)
        self.projection = nn.Linear(joint_size, joint_size) if projection else None
        self.norm = nn.LayerNorm(joint_size)

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, width), (B, T) -> (B, T, output_size); zero in the padding."""
        return zero_padding(torch.cat([streams[self.leader], self.fuse(streams)], -1), mask)

    def fuse(self, streams: list[Tensor]) -> Tensor:
        """Return f: M of (B, T, width) -> (B, T, M d)."""
        qkv = [linear(x).unflatten(-1, (self.n_heads, 3, -1)) for linear, x in zip(self.qkv, streams)]
        q, k, v = torch.stack(qkv, -2).unbind(-3)  # (B, T, heads, M, d / heads) each
        # a few numbers per step: plain products are faster than fused kernels, which are made for long rows
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)  # (B, T, heads, M, M)
        attended = (scores @ v + v).flatten(2)  # (B, T, M d)
        return self.norm(attended if self.projection is None else self.projection(attended))


class LeaderFollower(StreamFusion):
    """Encode the streams, let followers join the leader, encode what results.

    Parameters
    ----------
    widths : dict of str to int
        Number of features of each stream, by name; one or more.
    leader : str, optional
        Name of the leading stream; by default the first.
    hidden_size : int, default=32
        Features of the output; even if `joint_lstm`.
    leader_size, follower_size : int, optional
        Hidden features of the leader, and of each follower and in attention; by default `hidden_size`.
        Published: 128 and 32.
    n_heads : int, default=1
        Heads of attention.
    projection : bool, default=False
        Whether a linear map joins the heads.
    encoder : {"tcn", "lstm"}, default="tcn"
        What reads each stream.
    n_layers : int, default=4
        Of the `ConvolutionEncoder`.
    kernel_size : int, default=5
        Of the `ConvolutionEncoder`.
    causal : bool, default=False
        Of the `ConvolutionEncoder`.
    encoder_norm : {"layer", "batch"}, default="layer"
        Of the `ConvolutionEncoder`.
    joint_lstm : bool, default=True
        Read the fused sequence with a bidirectional LSTM, or else with a linear map.
    dropout : float, default=0.5
        In and after the encoders, and on the output.

    Raises
    ------
    ValueError
        If there is no stream, the leader is not among them, `encoder` is unknown, or a size is at odds.

    Examples
    --------
    >>> import torch
    >>> network = LeaderFollower({"audio": 3, "video": 5}, leader="video", hidden_size=8)
    >>> streams = {"audio": torch.randn(2, 6, 3), "video": torch.randn(2, 6, 5)}
    >>> masks = {name: torch.ones(2, 6, dtype=torch.bool) for name in streams}
    >>> network(streams, masks).shape
    torch.Size([2, 6, 8])
    """

    def __init__(
        self,
        widths: dict[str, int],
        leader: str | None = None,
        hidden_size: int = 32,
        leader_size: int | None = None,
        follower_size: int | None = None,
        n_heads: int = 1,
        projection: bool = False,
        encoder: str = "tcn",
        n_layers: int = 4,
        kernel_size: int = 5,
        causal: bool = False,
        encoder_norm: str = "layer",
        joint_lstm: bool = True,
        dropout: float = 0.5,
    ):
        if encoder not in ("tcn", "lstm"):
            raise ValueError(f"encoder={encoder!r} is unknown. Choose 'tcn' or 'lstm'.")
        if leader is not None and leader not in widths:
            raise ValueError(f"leader={leader!r} is none of the streams {quoted(widths)}.")
        position = 0 if leader is None else list(widths).index(leader)
        attention_size = follower_size or hidden_size
        sizes = [attention_size] * len(widths)
        sizes[position : position + 1] = [leader_size or hidden_size]
        read = partial(StreamEncoder, dropout=dropout)
        if encoder == "tcn":
            convolutions = {"n_layers": n_layers, "kernel_size": kernel_size, "causal": causal}
            read = partial(ConvolutionEncoder, **convolutions, norm=encoder_norm, dropout=dropout)
        super().__init__(
            {name: read(width, size) for (name, width), size in zip(widths.items(), sizes)},
            partial(LeaderFollowerAttention, sizes, attention_size, n_heads, projection, position),
            partial(SequenceLayer, recurrent=joint_lstm),
            hidden_size,
            dropout,
        )


class LeaderFollowerRegressor(FusionRegressor):
    """Fuse streams by leader-follower attention, in each step across modalities.

    Each of the M streams is read by a bidirectional LSTM, or, as published, by a temporal convolutional
    network. In every step by itself, the streams then attend to each other, and the leader is put beside what
    results. With x_m the hidden features of stream m in one step, and d those of attention::

        q_m, k_m, v_m = x_m W_m + b_m                           (3 d,)      d / n_heads each in every head
        s_mn = softmax over n of q_m . k_n / sqrt(d / n_heads)  (M, M)      in every head
        o_m  = sum over n of s_mn v_n + v_m                     (M, d)
        f    = LayerNorm([o_1, ..., o_M] W_o + b_o)             (M d,)      W_o with `projection` only
        y    = [x_leader, f]

    A last bidirectional LSTM reads y. It suits data in which one stream (often the face) carries most of what
    is to be predicted and the others help.

    The authors released three forms, which are all this one: one head and no W_o, where the names of q and k
    are exchanged (the paper's); the same, where q and v of a follower are linear maps of its k, which is a
    product of matrices; two heads and W_o, with a tanh after the regressor.

    Parameters
    ----------
    leader : str, optional
        The leading stream, a column of X; by default the first.
    leader_size : int, optional
        Hidden features of the leader; by default `hidden_size`. Published: 128.
    follower_size : int, optional
        Hidden features of each follower, and d; by default `hidden_size`. Published: 32.
    n_heads : int, default=1
        Heads of attention, which share d.
    projection : bool, default=False
        Whether a linear map joins the streams before the LayerNorm, as in the authors' later form, which has
        two heads.
    encoder : {"lstm", "tcn"}, default="lstm"
        What reads each stream: the bidirectional LSTM of the other methods, or temporal convolutions.
    n_layers : int, default=4
        Layers of the temporal convolutions; each has a reach twice that of the one before.
    kernel_size : int, default=5
        Weights of a convolution over time; odd unless `causal`.
    causal : bool, default=False
        Whether convolutions see no later steps, as published.
    encoder_norm : {"layer", "batch"}, default="layer"
        Normalisation after the convolutions: of each step over its features, or, as published, of each
        feature over the existing steps of a batch.
    joint_lstm : bool, default=True
        Whether a bidirectional LSTM reads the fused sequence, or, nearer to the publication, a linear map.
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    RecursiveJointAttentionRegressor : Attention over time, between LSTMs.
    EarlyFusionRegressor : LSTMs on concatenated features.

    Notes
    -----
    The published network has causal convolutions with weight normalisation (left out here) and batch
    normalisation, and regresses y step by step: ``encoder="tcn", leader_size=128, follower_size=32,
    causal=True, encoder_norm="batch", joint_lstm=False``. On the forty recordings of
    `make_audiovisual_regression` these settings have a CCC of .87, ``encoder="tcn"`` alone .89; behind
    features with context over 21 s, as in the package's benchmarks, .5 to .6 and .87, where LSTMs have .88.
    Dropout is that of the encoders' outputs, not of what the convolutions read: with .5 there, too, they had
    .69.

    References
    ----------
    S. Zhang, Y. Ding, Z. Wei, C. Guan. Continuous Emotion Recognition with Audio-visual Leader-follower
    Attentive Fusion. ICCV Workshops 2021. arXiv 2107.01175.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.LeaderFollowerRegressor(leader="video", max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags = FusionTags(published_in="arXiv 2107.01175")
    network = LeaderFollower
    leader: str | None = None
    leader_size: int | None = None
    follower_size: int | None = None
    n_heads: int = 1
    projection: bool = False
    encoder: str = "lstm"
    n_layers: int = 4
    kernel_size: int = 5
    causal: bool = False
    encoder_norm: str = "layer"
    joint_lstm: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "leader": [str, None],
        "leader_size": [Interval(Integral, 2, None, closed="left"), None],
        "follower_size": [Interval(Integral, 2, None, closed="left"), None],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "projection": ["boolean"],
        "encoder": [StrOptions({"tcn", "lstm"})],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 2, None, closed="left")],
        "causal": ["boolean"],
        "encoder_norm": [StrOptions({"layer", "batch"})],
        "joint_lstm": ["boolean"],
    }

    def _check_parameters(self):
        super()._check_parameters()
        attention_size = self.follower_size or self.hidden_size
        if attention_size % self.n_heads:
            raise ValueError(
                f"n_heads={self.n_heads} must divide the features of attention, {attention_size}: "
                "follower_size, or hidden_size where that is None."
            )
        if self.encoder == "tcn" and not self.causal and self.kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size={self.kernel_size} must be odd, as many weights before a step as after it, or "
                "causal=True."
            )
        for name in ("leader_size", "follower_size"):
            if self.encoder == "lstm" and (getattr(self, name) or 0) % 2:
                raise ValueError(
                    f"{name}={getattr(self, name)} must be even: half for each direction of the LSTM."
                )

    def _choose_modalities(self, X):
        names = super()._choose_modalities(X)
        if self.leader is not None and self.leader not in names:
            raise ValueError(
                f"leader={self.leader!r} is none of the streams {quoted(names)}. "
                "Choose one of them, or None for the first."
            )
        return names
