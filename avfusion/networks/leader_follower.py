r"""Leader-follower attention (Zhang, Ding, Wei, Guan, 2021, arXiv 2107.01175).

For the modalities m = 1 .. M of one step, x_m the hidden features of each, d those of attention:

    q_m, k_m, v_m = x_m W_m + b_m                           (3 d,)      d / n_heads each in every head
    s_mn = softmax over n of q_m . k_n / sqrt(d / n_heads)  (M, M)      in every head
    o_m  = sum over n of s_mn v_n + v_m                     (M, d)
    f    = LayerNorm([o_1, ..., o_M] W_o + b_o)             (M d,)
    y    = [x_leader, f]

Attention is across modalities, in each step by itself; time is the affair of the encoders, which are temporal
convolutional networks. The authors released three forms, which are all this module:

- one head and no W_o, where the names of q and k are exchanged (the paper's);
- the same, where q and v of a follower are linear maps of its k, which is a product of matrices;
- two heads and W_o, with a tanh after the regressor.
"""

import math

import torch
from torch import Tensor, nn

from avfusion.networks._encoders import SequenceLayer, StreamEncoder
from avfusion.networks._layers import Dropout
from avfusion.networks._masking import existing_steps, zero_padding
from avfusion.networks._temporal_convolution import ConvolutionEncoder

__all__ = ["LeaderFollower", "LeaderFollowerAttention"]


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
            raise ValueError(f"n_heads={n_heads} does not divide the attention size {attention_size}")
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


class LeaderFollower(nn.Module):
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
    norm : {"layer", "batch"}, default="layer"
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
        norm: str = "layer",
        joint_lstm: bool = True,
        dropout: float = 0.5,
    ):
        super().__init__()
        if not widths:
            raise ValueError("at least one stream is needed; widths is empty")
        if encoder not in ("tcn", "lstm"):
            raise ValueError(f"encoder {encoder!r} is unknown; choose 'tcn' or 'lstm'")
        self.names, self.output_size = tuple(widths), hidden_size
        leader = self.names[0] if leader is None else leader
        if leader not in self.names:
            raise ValueError(f"the leader {leader!r} is none of the streams {', '.join(map(repr, widths))}")
        follower_size = follower_size or hidden_size
        sizes = [leader_size or hidden_size if name == leader else follower_size for name in widths]
        convolutions = {"n_layers": n_layers, "kernel_size": kernel_size, "causal": causal, "norm": norm}
        self.encoders = nn.ModuleList(
            ConvolutionEncoder(width, size, **convolutions, dropout=dropout)
            if encoder == "tcn"
            else StreamEncoder(width, size, dropout=dropout)
            for width, size in zip(widths.values(), sizes)
        )
        self.core = LeaderFollowerAttention(
            sizes, follower_size, n_heads, projection, leader=self.names.index(leader)
        )
        self.joint = SequenceLayer(self.core.output_size, hidden_size, joint_lstm)
        self.dropout = Dropout(dropout)

    def forward(self, streams: dict[str, Tensor], masks: dict[str, Tensor]) -> Tensor:
        """Fuse.

        Parameters
        ----------
        streams : dict of str to Tensor of shape (B, T, D_m)
            Normalised features; NaN where not observed, anything in the padding.
        masks : dict of str to bool Tensor of shape (B, T)
            True where the step exists; padding on the right.

        Returns
        -------
        Tensor of shape (B, T, hidden_size)
            Zero in the padding.
        """
        mask = existing_steps({name: masks[name] for name in self.names})  # (B, T)
        hidden = [
            encoder(streams[name], masks[name], mask) for name, encoder in zip(self.names, self.encoders)
        ]  # M of (B, T, leader_size or follower_size)
        return self.dropout(self.joint(self.core(hidden, mask), mask))  # (B, T, h)
