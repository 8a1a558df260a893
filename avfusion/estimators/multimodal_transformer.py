"""The multimodal transformer, for streams that are not in step."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import ClassVar

from avfusion._sklearn_compat import Interval
from avfusion.estimators import _inputs as inputs
from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import MultimodalTransformer
from avfusion.sequences._reading import listed


@dataclass(kw_only=True, eq=False, repr=False)
class MultimodalTransformerRegressor(EncodedFusionRegressor):
    r"""Fuse streams of any rates by transformers from every stream to each other one.

    Each of the M streams is read by a bidirectional LSTM. For every ordered pair, the steps of one stream
    then attend to those of the other, in layers of

    .. math::

        U = Z_{mn} + \mathrm{Attention}(\mathrm{LN}(Z_{mn}), \mathrm{LN}(X_n)), \quad
        Z_{mn} \leftarrow U + \mathrm{MLP}(\mathrm{LN}(U))

    that begin with :math:`Z_{mn} = X_m` (T_m, h); queries are of stream m, keys and values of stream n
    (T_n, h). What each stream has gathered from the others is joined and attends to itself; a last
    bidirectional LSTM reads all of it. Since attention asks for no common steps, this is the estimator for
    streams that should not be brought onto one time base: sound at 100 Hz beside video at 25 Hz, or words.

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
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    in_step_ : list of str
        The streams that have a step for each label; empty where labels are per clip.
    stream_rates_ : dict of str to float or None
        The rate in Hz that each stream declared in `fit`.
    {fitted_attributes}

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

    fusion_tags: ClassVar[FusionTags] = FusionTags(needs_alignment=False, published_in="arXiv 1906.00295")

    n_layers: int = 2
    n_self_layers: int = 1
    n_heads: int = 2
    attention_dropout: float = 0.1

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_self_layers": [Interval(Integral, 0, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "attention_dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def _check_parameters(self):
        super()._check_parameters()
        if self.hidden_size % self.n_heads:
            raise ValueError(
                f"n_heads={self.n_heads} must divide hidden_size={self.hidden_size}; change one of the two."
            )

    def _lengths(self, X, names, targets, per_frame, reset):
        if reset:
            self.in_step_ = inputs.streams_in_step(X, names, targets) if per_frame else []
            self.stream_rates_ = {name: X[name].array.rate_hz for name in names}
        for name in names:
            inputs.check_rate(X, [name], self.stream_rates_[name])
        inputs.check_durations(X, names)
        if per_frame:
            why = f"In fit {listed(self.in_step_)} had a step for each label, and so they must here"
            lengths = self._aligned_lengths(X, self.in_step_, targets, per_frame, reset, why)
        else:
            lengths = inputs.longest_lengths(X, names)
        return lengths, inputs.lengths_by_stream(X, names, lengths)

    def _streams_in_step(self, names):
        return self.in_step_

    def _network(self):
        return partial(
            MultimodalTransformer,
            clock=self.in_step_[0] if self.in_step_ else None,
            hidden_size=self.hidden_size,
            n_layers=self.n_layers,
            n_self_layers=self.n_self_layers,
            n_heads=self.n_heads,
            intra_lstm=self.intra_lstm,
            joint_lstm=self.joint_lstm,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
        )
