"""The multimodal bottleneck transformer."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import ClassVar

from avfusion._sklearn_compat import Interval
from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import BottleneckTransformer


@dataclass(kw_only=True, eq=False, repr=False)
class BottleneckTransformerRegressor(EncodedFusionRegressor):
    r"""Fuse streams by a transformer with shared bottleneck tokens, between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM, then by transformer layers of its own. From
    `fusion_layer` on these also see N tokens b, which are averaged over streams after each layer and are the
    only way between streams; a last bidirectional LSTM reads the streams joined. With steps as rows,
    :math:`X_m` (T, h) a stream and :math:`S_m` its layer,

    .. math::

        [b_m, X_m] \leftarrow S_m([b, X_m]), \quad b \leftarrow \frac{1}{M} \sum_m b_m

    Positions are sinusoids, so that a row may have any length. The fewer tokens, the less one
    stream can pass on to another.

    The publication has no LSTMs but 12 layers (fusion from the ninth) on patches of images and spectrograms,
    pretrained, learnt positions and a classification token for each modality; here every step has an output.
    The LSTMs are those of the whole family; switch them off with `intra_lstm` and `joint_lstm`.

    Parameters
    ----------
    n_layers : int, default=2
        Transformer layers of each stream.
    fusion_layer : int, default=0
        The first layer, counted from 0, that has bottleneck tokens; with `n_layers` none has.
    n_bottlenecks : int, default=4
        Tokens, as published.
    n_heads : int, default=2
        Heads of attention; must divide `hidden_size`.
    {encoder_parameters}
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    CrossAttentionRegressor : Every stream attends to every other without a bottleneck.

    References
    ----------
    A. Nagrani, S. Yang, A. Arnab, A. Jansen, C. Schmid, C. Sun. Attention Bottlenecks for Multimodal Fusion.
    NeurIPS 2021. arXiv 2107.00135.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.BottleneckTransformerRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 2107.00135")

    n_layers: int = 2
    fusion_layer: int = 0
    n_bottlenecks: int = 4
    n_heads: int = 2

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "fusion_layer": [Interval(Integral, 0, None, closed="left")],
        "n_bottlenecks": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
    }

    def _check_parameters(self):
        super()._check_parameters()
        if self.hidden_size % self.n_heads:
            raise ValueError(
                f"n_heads={self.n_heads} does not divide hidden_size={self.hidden_size}; change one."
            )
        if self.fusion_layer > self.n_layers:
            raise ValueError(
                f"fusion_layer={self.fusion_layer} is beyond n_layers={self.n_layers}; lower it."
            )

    def _core(self):
        return partial(
            BottleneckTransformer,
            n_layers=self.n_layers,
            fusion_layer=self.fusion_layer,
            n_bottlenecks=self.n_bottlenecks,
            n_heads=self.n_heads,
            dropout=self.dropout,
        )
