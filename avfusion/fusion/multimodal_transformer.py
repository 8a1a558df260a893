"""Multimodal transformer (MulT).

A transformer for every ordered pair of streams. Streams of a row may have lengths of their own. The number of
pairs grows with the square of the number of streams.
"""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion._sklearn_compat import Interval
from avfusion.estimators import FusionRegressor, FusionTags
from avfusion.estimators import _inputs as inputs
from avfusion.networks import StreamEncoder, TransformerLayer
from avfusion.networks._encoders import SequenceLayer
from avfusion.networks._layers import Dropout
from avfusion.networks._masking import existing_steps, zero_padding
from avfusion.networks._transformer import sinusoids
from avfusion.sequences._messages import quoted

__all__ = ["MultimodalTransformer", "MultimodalTransformerRegressor"]


class TransformerStack(nn.Module):
    """Layers of attention one after the other, to the same source or to the sequence itself, and LayerNorm.

    Parameters
    ----------
    size, n_heads, dropout
        As in `TransformerLayer`.
    n_layers : int
        Number of layers.

    Examples
    --------
    >>> import torch
    >>> stack = TransformerStack(8, n_layers=2, n_heads=2, dropout=0.0)
    >>> stack(torch.randn(1, 5, 8), torch.ones(1, 5, dtype=torch.bool)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, size: int, n_layers: int, n_heads: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList(TransformerLayer(size, n_heads, dropout) for _ in range(n_layers))
        self.norm = nn.LayerNorm(size)

    def forward(self, x: Tensor, mask: Tensor, source: Tensor | None = None) -> Tensor:
        """(B, T, h), bool (B, S), (B, S, h) -> (B, T, h); without a source S = T and x attends to itself."""
        for layer in self.layers:
            x = layer(x, x if source is None else source, mask)
        return self.norm(x)


class MultimodalTransformer(nn.Module):
    """Fuse streams that may not be in step by directed transformers; see `MultimodalTransformerRegressor`.

    Parameters
    ----------
    widths : dict of str to int
        Number of features of each stream, by name; one or more.
    clock : str, optional
        Name of the stream whose steps are those of the row; by default the longest of each row.
    hidden_size : int, default=32
        Features h of each stream inside, and of the output; even if there is an LSTM.
    n_layers : int, default=2
        Layers of every directed transformer.
    n_self_layers : int, default=1
        Layers of self-attention on each stream, after the others have been attended to.
    n_heads : int, default=4
        Heads of attention.
    intra_lstm : bool, default=True
        Encode each stream with a bidirectional LSTM, or else with a linear map.
    joint_lstm : bool, default=True
        Encode the fused sequence with a bidirectional LSTM, or else with a linear map.
    dropout : float, default=0.5
        In and after the encoders, and on the output.
    attention_dropout : float, default=0.1
        In the transformers.

    Raises
    ------
    ValueError
        If there is no stream, the clock is not among them, `n_heads` does not divide `hidden_size`, or that
        is odd and an LSTM is used.

    Examples
    --------
    >>> import torch
    >>> network = MultimodalTransformer({"audio": 3, "video": 5}, clock="video", hidden_size=8)
    >>> streams = {"audio": torch.randn(1, 12, 3), "video": torch.randn(1, 12, 5)}
    >>> masks = {"audio": torch.ones(1, 12, dtype=torch.bool), "video": torch.arange(12).unsqueeze(0) < 4}
    >>> network(streams, masks).abs().sum(-1).bool().sum()  # four steps, the others are padding
    tensor(4)
    """

    def __init__(
        self,
        widths: dict[str, int],
        clock: str | None = None,
        hidden_size: int = 32,
        n_layers: int = 2,
        n_self_layers: int = 1,
        n_heads: int = 4,
        intra_lstm: bool = True,
        joint_lstm: bool = True,
        dropout: float = 0.5,
        attention_dropout: float = 0.1,
    ):
        super().__init__()
        if not widths:
            raise ValueError("widths is empty. Give at least one stream.")
        if clock is not None and clock not in widths:
            raise ValueError(f"clock={clock!r} is none of the streams {quoted(widths)}.")
        self.names, self.clock, self.output_size = tuple(widths), clock, hidden_size
        n_streams, n_others = len(widths), max(len(widths) - 1, 1)
        self.encoders = nn.ModuleList(
            StreamEncoder(width, hidden_size, intra_lstm, dropout) for width in widths.values()
        )
        self.crossings = nn.ModuleList(  # those into stream 0, those into stream 1, ...
            TransformerStack(hidden_size, n_layers, n_heads, attention_dropout)
            for _ in range(n_streams * (n_streams - 1))
        )
        self.selves = nn.ModuleList(
            TransformerStack(n_others * hidden_size, n_self_layers, n_heads, attention_dropout)
            for _ in widths
        )
        self.joint = SequenceLayer(n_streams * n_others * hidden_size, hidden_size, joint_lstm)
        self.dropout = Dropout(dropout)

    def forward(self, streams: dict[str, Tensor], masks: dict[str, Tensor]) -> Tensor:
        """Fuse.

        Parameters
        ----------
        streams : dict of str to Tensor of shape (B, S, D_m)
            Normalised features; NaN where not observed, anything in the padding.
        masks : dict of str to bool Tensor of shape (B, S)
            True where the step exists; padding on the right, so that all streams have S steps.

        Returns
        -------
        Tensor of shape (B, S, hidden_size)
            Zero in the padding of the row.
        """
        own = [masks[name] for name in self.names]
        whole = existing_steps(dict(zip(self.names, own))) if self.clock is None else masks[self.clock]
        row = trim(whole, whole)  # (B, T)
        inputs = [trim(streams[name], mask) for name, mask in zip(self.names, own)]  # M of (B, T_m, D_m)
        own = [trim(mask, mask) for mask in own]  # M of (B, T_m)
        hidden = [
            zero_padding(encoder(x, mask) + positions(mask, row, self.output_size, x.dtype), mask)
            for encoder, x, mask in zip(self.encoders, inputs, own)
        ]  # M of (B, T_m, h)
        joined = self.cross(hidden, own)  # M of (B, T_m, (M - 1) h)
        fused = [stack(x, mask) for stack, x, mask in zip(self.selves, joined, own)]
        fused = torch.cat([at_steps(x, mask, row) for x, mask in zip(fused, own)], -1)
        fused = self.dropout(self.joint(zero_padding(fused, row), row))  # (B, T, h)
        return F.pad(fused, (0, 0, 0, whole.shape[1] - row.shape[1]))

    def cross(self, hidden: list[Tensor], masks: list[Tensor]) -> list[Tensor]:
        """Let every stream attend to each other one: M of (B, T_m, h) -> M of (B, T_m, (M - 1) h)."""
        if len(hidden) == 1:
            return hidden
        crossings = iter(self.crossings)
        return [
            torch.cat(
                [
                    next(crossings)(x, masks[n], hidden[n])  # (B, T_m, h)
                    for n in range(len(hidden))
                    if n != m
                ],
                -1,
            )
            for m, x in enumerate(hidden)
        ]


def trim(x: Tensor, mask: Tensor) -> Tensor:
    """Leave out the steps that no row of the batch has: (B, S, ...) -> (B, T, ...), T at least 1."""
    return x[:, : max(1, int(mask.sum(1).max()))]


def positions(mask: Tensor, row: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """Sines and cosines of the time of each step, in steps of the row.

    Parameters
    ----------
    mask : bool Tensor of shape (B, T_m)
        Steps of the stream.
    row : bool Tensor of shape (B, T)
        Steps of the row.
    size : int
        Number of features; the last one of an odd number is zero.
    dtype : torch.dtype

    Returns
    -------
    Tensor of shape (B, T_m, size)

    Examples
    --------
    >>> import torch
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> positions(mask, mask, 2, torch.float32)[0, :, 0]  # the sines of 0, 1, 2
    tensor([0.0000, 0.8415, 0.9093])
    """
    # in double precision, and the whole ratio first, so that streams in step have whole numbers
    step = torch.arange(mask.shape[1], device=mask.device, dtype=torch.float64)
    ratio = row.sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1).double()  # (B, 1)
    time = (step + 0.5) * ratio - 0.5  # (B, T_m)
    return sinusoids(time, size).to(dtype)


def at_steps(x: Tensor, mask: Tensor, row: Tensor) -> Tensor:
    """Take of a stream the step in which the middle of each step of the row lies.

    Parameters
    ----------
    x : Tensor of shape (B, T_m, h)
    mask : bool Tensor of shape (B, T_m)
        Steps of the stream.
    row : bool Tensor of shape (B, T)
        Steps of the row.

    Returns
    -------
    Tensor of shape (B, T, h)
        Anything in the padding.

    Examples
    --------
    >>> import torch
    >>> x = torch.arange(6.0).reshape(1, 6, 1)
    >>> at_steps(x, torch.ones(1, 6, dtype=torch.bool), torch.ones(1, 2, dtype=torch.bool)).flatten()
    tensor([1., 4.])
    """
    if mask is row or (mask.shape == row.shape and torch.equal(mask, row)):
        return x
    n_own, n_row = mask.sum(1, keepdim=True), row.sum(1, keepdim=True).clamp(min=1)  # (B, 1)
    step = torch.arange(row.shape[1], device=row.device)
    index = torch.div((2 * step + 1) * n_own, 2 * n_row, rounding_mode="floor")  # (B, T)
    index = index.clamp(max=x.shape[1] - 1).unsqueeze(-1).expand(-1, -1, x.shape[-1])
    return x.gather(1, index)


class MultimodalTransformerRegressor(FusionRegressor):
    """Fuse streams of any rates by transformers from every stream to each other one.

    Each of the M streams is read by a bidirectional LSTM. For every ordered pair, the steps of one stream
    then attend to those of the other. What each stream has gathered from the others is joined and attends to
    itself; a last bidirectional LSTM reads all of it. Since attention asks for no common steps, this is the
    estimator for streams that should not be brought onto one time base: sound at 100 Hz beside video at 25
    Hz, or words. Stream m of one row has T_m steps, the row T; with steps as rows::

        X_m   = encoder(input_m) + P_m                                  (T_m, h)
        layer(Z, S):
            U = Z + dropout(Attention(LayerNorm(Z), LayerNorm(S)))      queries of Z, keys and values of S
            Z = U + dropout(W_2 dropout(ReLU(W_1 LayerNorm(U))))        W_1: (4 h, h)
        Z_mn  = X_m, then Z_mn = layer(Z_mn, X_n) `n_layers` times      (T_m, h)    every ordered pair m, n
        Y_m   = [LayerNorm(Z_mn) for n other than m]                    (T_m, (M - 1) h)
        Y_m   = layer(Y_m, Y_m) `n_self_layers` times, LayerNorm        (T_m, (M - 1) h)
        F     = [Y_1, ..., Y_M] at the T steps of the row               (T, M (M - 1) h)

    Step t of stream m lies at (t + 1/2) T / T_m - 1/2 in steps of the row; P_m are sines and cosines of that
    time, so that steps of different streams at one time have one position, and a row may have any length. F
    takes of each stream the step in which the middle of the row's step lies. For one stream, Y_1 begins as
    X_1.

    **Streams that are not in step.** Streams of one row may have different numbers of steps T_m, but cover
    the same stretch of time, from the same beginning to the same end. A step's position is its time in that
    stretch, so streams in step with each other are treated as in every other estimator. The steps of a row
    are

    - for labels per frame, those of the streams that have a step for each label in every row in `fit` (there
      must be one; `in_step_` names them). Predictions are for their steps. Where a row is cut into windows,
      the other streams are cut at the same share of the row, partly covered steps included;
    - for labels per clip, those of each row's longest stream.

    An absent stream counts as one of unobserved steps as long as its row. In prediction every stream must
    have the rate that it had in `fit`, where rates are declared.

    Parameters
    ----------
    n_layers : int, default=2
        Layers of each of the M (M - 1) transformers between streams.
    n_self_layers : int, default=1
        Layers of self-attention on what each stream has gathered.
    n_heads : int, default=2
        Heads of attention; must divide `hidden_size`.
    attention_dropout : float, default=0.1
        Dropout in the transformers; `dropout` is that of everything else.
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    in_step_ : list of str
        The streams that have a step for each label; empty where labels are per clip.
    stream_rates_ : dict of str to float or None
        The rate in Hz that each stream declared in `fit`.
    {fitted_attributes}

    Warns
    -----
    UserWarning
        If there are more than 10 streams, whose pairs take long to train.

    See Also
    --------
    RecursiveJointAttentionRegressor : Attention between streams in step.
    Align : Brings streams onto one time base, for all other estimators.

    Notes
    -----
    The published network has linear maps (convolutions of one step) in place of the LSTMs:
    ``intra_lstm=False, joint_lstm=False``. It has four to six layers, and predicts from the last step
    of each stream rather than from their mean.

    References
    ----------
    Y.-H. H. Tsai, S. Bai, P. P. Liang, J. Z. Kolter, L.-P. Morency, R. Salakhutdinov. Multimodal Transformer
    for Unaligned Multimodal Language Sequences. ACL 2019. arXiv 1906.00295.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=10, random_state=0)
    >>> model = av.MultimodalTransformerRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.in_step_
    ['video']
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags = FusionTags(needs_alignment=False, published_in="arXiv 1906.00295")
    network = MultimodalTransformer
    _pairwise = True
    n_layers: int = 2
    n_self_layers: int = 1
    n_heads: int = 2
    attention_dropout: float = 0.1
    intra_lstm: bool = True
    joint_lstm: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_self_layers": [Interval(Integral, 0, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "attention_dropout": [Interval(Real, 0, 1, closed="left")],
        "intra_lstm": ["boolean"],
        "joint_lstm": ["boolean"],
    }

    def _check_parameters(self):
        super()._check_parameters()
        if self.hidden_size % self.n_heads:
            raise ValueError(
                f"n_heads={self.n_heads} must divide hidden_size={self.hidden_size}; change one of the two."
            )

    @property
    def in_step_(self):
        """The streams that have a step for each label; empty where labels are per clip."""
        return list(self.spec_.in_step)

    @property
    def stream_rates_(self):
        """The rate in Hz that each stream declared in `fit`."""
        return dict(self.spec_.rates_hz)

    def _streams_in_step(self, data, names):
        return inputs.streams_in_step(data, names) if data.targets.form.per_frame else ()

    def _lengths(self, data, spec):
        for name in spec.names:
            inputs.check_rate(data, [name], spec.rates_hz[name])
        inputs.check_durations(data, spec.names)
        if spec.per_frame:
            why = f"In fit {quoted(spec.in_step)} had a step for each label, and so they must here"
            lengths = inputs.aligned_lengths(data, spec, why)
        else:
            lengths = inputs.longest_lengths(data, spec.names)
        return lengths, inputs.lengths_by_stream(data, spec.names, lengths)

    def _network(self):
        return partial(super()._network(), clock=self.in_step_[0] if self.in_step_ else None)
