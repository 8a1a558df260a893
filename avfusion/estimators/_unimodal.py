"""One network on one stream."""

from dataclasses import field
from functools import partial
from typing import ClassVar

from avfusion.estimators._base import FusionTags
from avfusion.estimators._inputs import choose_modalities
from avfusion.estimators._network_regressor import NetworkRegressor
from avfusion.networks import Concatenation
from avfusion.sequences._messages import quoted


class UnimodalRegressor(NetworkRegressor):
    """Encode one stream with bidirectional LSTMs: what a single modality can do.

    A row whose stream is absent is predicted by what the network learnt for absence, as long as another
    stream of the row determines the number of its steps.

    Parameters
    ----------
    modality : str, optional
        The sequence column to use. Needed where X has several.
    {shared_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    EarlyFusionRegressor : The same network on all streams.
    LateFusionRegressor : The mean of unimodal predictions.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.UnimodalRegressor("audio", max_epochs=3, random_state=0).fit(X, y)
    >>> list(model.modalities_)
    ['audio']
    """

    modality: str | None = field(default=None, kw_only=False)

    fusion_tags: ClassVar[FusionTags] = FusionTags(needs_alignment=False)
    _parameter_constraints: ClassVar[dict] = {"modality": [str, None]}

    def _choose_modalities(self, data):
        present = list(data.columns)
        if self.modality is None and len(present) > 1:
            raise ValueError(f"X has {len(present)} modalities: set modality to one of {quoted(present)}.")
        return choose_modalities(data, self.modality)

    def _network(self):
        return partial(Concatenation, hidden_size=self.hidden_size, dropout=self.dropout)
