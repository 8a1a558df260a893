"""Early fusion.

The features side by side, then two LSTMs. It sees everything at once, and overfits where one stream has many
more features than the other.
"""

from avfusion.estimators import FusionRegressor
from avfusion.networks import Concatenation

__all__ = ["EarlyFusionRegressor"]


class EarlyFusionRegressor(FusionRegressor):
    """Concatenate the features of all streams, then encode them with bidirectional LSTMs.

    The classical baseline: two LSTM layers of the widths that recursive joint attention has, so that what
    differs is how streams meet, not what reads them.

    Parameters
    ----------
    {fusion_parameters}

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

    network = Concatenation
