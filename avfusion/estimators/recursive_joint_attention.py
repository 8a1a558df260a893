"""Recursive joint attention with LSTMs."""

from dataclasses import dataclass, fields
from functools import partial
from numbers import Integral, Real
from typing import ClassVar

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.estimators.released import PUBLISHED, load_into
from avfusion.networks import AttentionStack, FeatureJointAttention, JointAttention, SkipFusion


@dataclass(kw_only=True, eq=False, repr=False)
class RecursiveJointAttentionRegressor(EncodedFusionRegressor):
    r"""Fuse streams by recursive joint attention between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. Every stream then attends by its correlation with
    all streams joined, once for each recursion; a last bidirectional LSTM reads what results. The paper's
    text and its authors' released code are two methods. With steps as rows, :math:`X_m` a stream of h
    features, :math:`J = [X_1, ..., X_M]`, and T the number of steps of the row, one recursion is

    .. math::

        C_m = \tanh(X_m W_{jm} J^T / \sqrt{M h}), \quad
        H_m = \mathrm{ReLU}((C_m / T)^T X_m W_{cm}), \quad
        X_m \leftarrow X_m + H_m W_{hm}

    with `attention_axis` "time", where C (T, T) relates steps and a row may have any length, and

    .. math::

        C_m = \tanh((A_m X_m + a_m)^T (J W_q + b_q) / \sqrt{M h}), \quad
        H_m = \mathrm{ReLU}(\tanh((X_m W_{vm} + b_{vm}) C_m)), \quad
        X_m \leftarrow X_m + \mathrm{ReLU}(H_m W_{um} + b_{um})

    with "feature", as the released code has it, where C (h, M h) relates features and the learnt maps
    :math:`A_m` (T, T) fix T to `window`: longer rows are cut and shorter ones padded, which adds nothing.

    Parameters
    ----------
    n_recursions : int, default=1
        Number of attention steps, each with weights of its own; 0 leaves the LSTMs only.
    attention_axis : {"time", "feature"}, default="time"
        What attention relates. "feature" needs a `window`, also for clip labels: rows of them stay whole, and
        attention works on `window` steps of them at a time.
    attention : {"softmax", "tanh"}, default="softmax"
        "tanh" as published; "softmax" weighs the steps of a stream by a softmax instead. Attention on the
        feature axis always has the tanh, whatever stands here.
    dropout_site : {"attended", "correlation"}, default="attended"
        Where attention on the feature axis has its dropout beside that on the updates: on C, as released, or
        on what has been attended, several times faster and in a tenth of the memory, since C then need not be
        kept. Not used on the time axis.
    encoder : {"residual", "skip"}, default="residual"
        What reads the streams and the fused sequence. "residual": a linear map and an LSTM around which it is
        carried on, then LayerNorm, and one head for all targets. "skip", as released: two layers of LSTM with
        a learnt initial state, past which the input is led, outputs of length one, a head for each target.
    encoder_dropout : float, default=0.1
        Dropout within the "skip" encoders of the streams; the "residual" ones have `dropout`.
    {encoder_parameters}
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    EarlyFusionRegressor : The same LSTMs on concatenated features.
    LateFusionRegressor : The mean of models of one stream each.

    Notes
    -----
    On the time axis :math:`W_{hm}` begins at zero, so that training begins with the LSTMs alone. Attention
    still costs something where far steps tell nothing (forty synthetic recordings: CCC .84, without .88),
    and gains on a film (studyforrest arousal: .58, without .52).

    `input_norm` may also be "unit", as released: the features of each step divided by their Euclidean norm.
    See `published` for the published settings and what sets them apart, `load_released` for weights of the
    released code.

    References
    ----------
    R. Gnana Praveen, E. Granger, P. Cardinal. Recursive Joint Attention for Audio-Visual Fusion in Regression
    Based Emotion Recognition. ICASSP 2023. arXiv 2304.07958.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.RecursiveJointAttentionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 2304.07958")

    n_recursions: int = 1
    attention_axis: str = "time"
    attention: str = "softmax"
    dropout_site: str = "attended"
    encoder: str = "residual"
    encoder_dropout: float = 0.1

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "n_recursions": [Interval(Integral, 0, None, closed="left")],
        "attention_axis": [StrOptions({"time", "feature"})],
        "attention": [StrOptions({"softmax", "tanh"})],
        "dropout_site": [StrOptions({"attended", "correlation"})],
        "encoder": [StrOptions({"residual", "skip"})],
        "encoder_dropout": [Interval(Real, 0, 1, closed="left")],
        "input_norm": [StrOptions({"standard", "layer", "unit"}), None],
    }

    @classmethod
    def published(cls, version, **changes):
        """Return an estimator with published settings, all of them written out as its parameters.

        Both versions have 512 hidden features, windows of 16 steps, Adam at a constant 1e-4 in batches of 64
        for 50 epochs, dropout of 0.6, and 1 - CCC for their loss (averaged over targets, where the code sums;
        Adam takes no notice of the factor), on targets as they are; no noise on the inputs, no clipping of
        gradients, no averaged weights. Our defaults, made for small sets, are 32 features, windows of 300,
        AdamW at up to 3e-3 with decay, clipping and averaging, and a squared error beside the CCC.

        ==================  ===========================  ====================================================
        parameter           "paper"                      "release"
        ==================  ===========================  ====================================================
        `attention_axis`    "time": only so do the       "feature": T x T maps, a second tanh on H, a ReLU on
                            products of the text fit     the update, one projection of J for all streams
        `n_recursions`      2                            1: the released code repeats nothing
        `encoder`           "residual", one layer: the   "skip", two layers; a head for each target
                            text says no more than LSTM
        `input_norm`        None                         "unit"
        `dropout_site`      not used                     "correlation", on C; "attended" is much faster
        ==================  ===========================  ====================================================

        In "paper" what the text leaves open (optimiser, batches, dropout, window) is taken from the code, and
        C is divided by the number of steps and has its weights on features, so that rows may have any length.
        Neither has the attention within video frames through which the released code makes 512 features of a
        7 x 7 x 512 map, nor its faults: it counts unlabelled frames as zeros, its learning rate rises tenfold
        at epoch 6, and it draws no random order of batches.

        Parameters
        ----------
        version : {"release", "paper"}
            "release" is the network of the authors' code, to the last digit; "paper" what the text says.
        **changes : dict
            Other parameters, or other values.

        Returns
        -------
        RecursiveJointAttentionRegressor
            Not fitted.

        Raises
        ------
        ValueError
            If there is no such version.
        TypeError
            If there is no such parameter.

        Examples
        --------
        >>> from avfusion import RecursiveJointAttentionRegressor
        >>> model = RecursiveJointAttentionRegressor.published("release", dropout_site="attended")
        >>> model.attention_axis, model.hidden_size, model.window
        ('feature', 512, 16)
        """
        if version not in PUBLISHED:
            known = ", ".join(repr(name) for name in PUBLISHED)
            raise ValueError(f"version must be one of {known}; got {version!r}.")
        unknown = sorted(set(changes) - {field.name for field in fields(cls)})
        if unknown:
            raise TypeError(f"{cls.__name__} has no parameter {', '.join(unknown)}.")
        return cls(**{**PUBLISHED[version], **changes})

    def load_released(self, state_dict, targets=("valence", "arousal")):
        """Take over weights of the released code, fitted before or not.

        Weights fit an estimator made by ``published("release")`` with the `n_recursions` of the checkpoint,
        for two streams in this order: the video's features (512 as released, after the attention within
        frames), then the audio's. Where `modalities` is not set, an estimator that is not fitted expects
        columns "video" and "audio". Predictions are then those of the weights: on the scale they were trained
        on, which for valence and arousal is -1..1.

        Parameters
        ----------
        state_dict : dict of str to Tensor or array
            By the names of the released code, listed in `avfusion.networks.released_weights`.
        targets : pair of str, default=("valence", "arousal")
            Names of the columns of predictions; of a fitted estimator, those of its y remain.

        Returns
        -------
        RecursiveJointAttentionRegressor
            The estimator itself, ready to predict, or to go on training with ``warm_start=True``.

        Raises
        ------
        TypeError
            If `state_dict` is no dict of names to numbers, such as the path of a file.
        ValueError
            If weights are missing, unexpected or misshapen (all are listed) or lie in a dict within the dict,
            or the estimator has not two streams, the video first, two targets per frame and the released
            form. It is unchanged then.

        Examples
        --------
        >>> import avfusion as av
        >>> from avfusion.networks import released_state_dict
        >>> rates = {"audio_rate_hz": 1, "video_rate_hz": 1}
        >>> X, y = av.datasets.make_audiovisual_regression(4, **rates, random_state=0)
        >>> y = y.to_frame("valence").assign(arousal=y)
        >>> small = {"hidden_size": 8, "max_epochs": 1, "modalities": ["video", "audio"], "random_state": 0}
        >>> fitted = av.RecursiveJointAttentionRegressor.published("release", **small).fit(X, y)
        >>> weights = released_state_dict(fitted.net_.module_)
        >>> loaded = av.RecursiveJointAttentionRegressor.published("release", **small).load_released(weights)
        >>> loaded.predict(X).columns.tolist()
        ['valence', 'arousal']
        """
        self._check_parameters()
        load_into(self, state_dict, targets)
        return self

    def _check_parameters(self):
        super()._check_parameters()
        if self.attention_axis == "feature" and self.window is None:
            raise ValueError(
                "attention_axis='feature' learns maps from each step of a window to each other one, so the "
                "length of a window must be fixed: set window to a number of steps, for instance 16 as "
                "released; rows may have any length. Or choose attention_axis='time', which needs no window."
            )

    def _network(self):
        if self.encoder == "residual":
            return super()._network()
        return partial(
            SkipFusion,
            core=self._core(),
            hidden_size=self.hidden_size,
            intra_lstm=self.intra_lstm,
            joint_lstm=self.joint_lstm,
            dropout=self.encoder_dropout,
        )

    def _core(self):
        if self.attention_axis == "time":
            step = partial(JointAttention, attention=self.attention, dropout=self.dropout)
        else:
            step = partial(
                FeatureJointAttention,
                n_steps=self.window,
                dropout=self.dropout,
                dropout_site=self.dropout_site,
            )
        return partial(AttentionStack, step=step, n_recursions=self.n_recursions)
