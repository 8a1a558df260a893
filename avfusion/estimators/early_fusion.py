"""One network on the concatenated features of all streams."""

from dataclasses import dataclass
from functools import partial

from avfusion.estimators._network_regressor import FusionRegressor
from avfusion.networks import Concatenation


@dataclass(kw_only=True, eq=False, repr=False)
class EarlyFusionRegressor(FusionRegressor):
    """Concatenate the features of all streams, then encode them with bidirectional LSTMs.

    The classical baseline: two LSTM layers of the widths that recursive joint attention has, so that what
    differs is how streams meet, not what reads them.

    Parameters
    ----------
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    RecursiveJointAttentionRegressor : Attention between the streams.
    UnimodalRegressor : The same network on one stream.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.EarlyFusionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.modalities_
    {'audio': ..., 'video': ...}
    """

    def _network(self):
        return partial(Concatenation, hidden_size=self.hidden_size, dropout=self.dropout)
