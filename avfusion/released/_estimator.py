"""The network that the authors of recursive joint attention released, as an estimator."""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators import FusionRegressor, FusionTags
from avfusion.networks import AttentionStack
from avfusion.released._feature_attention import FeatureJointAttention
from avfusion.released._load import load_into
from avfusion.released._skip_fusion import SkipFusion

__all__ = ["ReleasedJointAttentionRegressor"]


def released_network(
    widths: dict[str, int],
    hidden_size: int,
    n_recursions: int,
    window: int,
    dropout: float,
    dropout_site: str,
    encoder_dropout: float,
    intra_lstm: bool,
    joint_lstm: bool,
) -> SkipFusion:
    """Return the released network, for any number of streams."""
    step = partial(FeatureJointAttention, n_steps=window, dropout=dropout, dropout_site=dropout_site)
    core = partial(AttentionStack, step=step, n_recursions=n_recursions)
    return SkipFusion(widths, core, hidden_size, intra_lstm, joint_lstm, encoder_dropout)


class ReleasedJointAttentionRegressor(FusionRegressor):
    """Fuse streams as the authors' released code of recursive joint attention does, to the last digit.

    Each of the M streams is read by two layers of bidirectional LSTM with a learnt initial state, past which
    the input is led, with outputs of length one; the fused sequence is read by another such encoder, and each
    target has a head of its own. Between them attention relates features. With steps as rows, X_m (T, h) a
    stream and J = [X_1, ..., X_M], one recursion is::

        C_m = tanh((A_m X_m + a_m)^T (J W_q + b_q) / sqrt(M h))         (h, M h)
        H_m = ReLU(tanh((X_m W_vm + b_vm) C_m))                         (T, M h)
        X_m = X_m + dropout(ReLU(H_m W_um + b_um))                      (T, h)

    The learnt maps A_m (T, T) fix T to `window`: longer rows are cut and shorter ones padded, which adds
    nothing. Rows with clip labels stay whole, and attention works on `window` steps of them at a time.

    The defaults are the released settings; `RecursiveJointAttentionRegressor` is the method for small sets
    and rows of any length. Left out are the attention within video frames through which the released code
    makes 512 features of a 7 x 7 x 512 map, and its faults: it counts unlabelled frames as zeros, its
    learning rate rises tenfold at epoch 6, and it draws no random order of batches.

    Parameters
    ----------
    n_recursions : int, default=1
        Number of attention steps, each with weights of its own; the released code repeats nothing.
    dropout_site : {"correlation", "attended"}, default="correlation"
        Where attention has its dropout beside that on the updates: on C, as released, or on what has been
        attended, several times faster and in a tenth of the memory, since C then need not be kept.
    encoder_dropout : float, default=0.1
        Dropout within the encoders of the streams; `dropout` is that of everything else.
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    RecursiveJointAttentionRegressor : The method of the paper, for rows of any length.

    Notes
    -----
    `input_norm` may be "unit" beside what every estimator has: the features of each step divided by their
    Euclidean norm, as released. See `load_released` for weights of the released code.

    References
    ----------
    R. Gnana Praveen, E. Granger, P. Cardinal. Recursive Joint Attention for Audio-Visual Fusion in Regression
    Based Emotion Recognition. ICASSP 2023. arXiv 2304.07958.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.ReleasedJointAttentionRegressor(hidden_size=8, max_epochs=2, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags = FusionTags(any_length=False, published_in="arXiv 2304.07958")
    network = released_network
    n_recursions: int = 1
    dropout_site: str = "correlation"
    encoder_dropout: float = 0.1
    intra_lstm: bool = True
    joint_lstm: bool = True
    # shared parameters, as released
    hidden_size: int = 512
    dropout: float = 0.6
    input_norm: str | None = "unit"
    input_noise: float = 0.0
    loss: str = "ccc"
    optimizer: str = "adam"
    lr: float = 1e-4
    weight_decay: float = 0.0
    batch_size: int | str = 64
    max_epochs: int = 50
    schedule: str | None = None
    gradient_clip: float | None = None
    weight_average: float | None = None
    window: int | None = 16
    standardize_target: bool = False

    _parameter_constraints: ClassVar[dict] = {
        "n_recursions": [Interval(Integral, 0, None, closed="left")],
        "dropout_site": [StrOptions({"attended", "correlation"})],
        "encoder_dropout": [Interval(Real, 0, 1, closed="left")],
        "intra_lstm": ["boolean"],
        "joint_lstm": ["boolean"],
        "input_norm": [StrOptions({"standard", "layer", "unit"}), None],
    }

    def load_released(self, state_dict, targets=("valence", "arousal")):
        """Take over weights of the released code, fitted before or not.

        Weights fit an estimator with the defaults and the `n_recursions` of the checkpoint, for two streams
        in this order: the video's features (512 as released, after the attention within frames), then the
        audio's. Where `modalities` is not set, an estimator that is not fitted expects
        columns "video" and "audio". Predictions are then those of the weights: on the scale they were trained
        on, which for valence and arousal is -1..1.

        Parameters
        ----------
        state_dict : dict of str to Tensor or array
            By the names of the released code, listed by `avfusion.released.released_names`.
        targets : pair of str, default=("valence", "arousal")
            Names of the columns of predictions; of a fitted estimator, those of its y remain.

        Returns
        -------
        ReleasedJointAttentionRegressor
            The estimator itself, ready to predict, or to go on training with ``warm_start=True``.

        Raises
        ------
        TypeError
            If `state_dict` is no dict of names to numbers, such as the path of a file.
        ValueError
            If weights are missing, unexpected or misshapen (the first of each are named) or lie in a dict
            within the dict, or the estimator has not two streams, the video first, two targets per frame and
            the released form. It is unchanged then.

        Examples
        --------
        >>> import avfusion as av
        >>> from avfusion.released import released_state_dict
        >>> rates = {"audio_rate_hz": 1, "video_rate_hz": 1}
        >>> X, y = av.datasets.make_audiovisual_regression(4, **rates, random_state=0)
        >>> y = y.to_frame("valence").assign(arousal=y)
        >>> small = {"hidden_size": 8, "max_epochs": 1, "modalities": ["video", "audio"], "random_state": 0}
        >>> fitted = av.ReleasedJointAttentionRegressor(**small).fit(X, y)
        >>> weights = released_state_dict(fitted.net_.module_)
        >>> loaded = av.ReleasedJointAttentionRegressor(**small).load_released(weights)
        >>> loaded.predict(X).columns.tolist()
        ['valence', 'arousal']
        """
        self._check_parameters()
        load_into(self, state_dict, targets)
        return self

    def _check_parameters(self):
        super()._check_parameters()
        if self.window is None:
            raise ValueError(
                "window=None, but attention over features learns a map between the steps of a window, whose "
                "number must be fixed. Set window to it, such as 16 as released; rows may have any length."
            )
