"""Recursive joint attention (RJCA).

Correlates each stream with all streams joined, `n_recursions` times, between LSTMs; with more than two
streams it is known as RJCMA (arXiv 2403.13659). `ReleasedJointAttentionRegressor` is the network that the
authors released, which attends over features and works on windows of one length.
"""

from dataclasses import fields
from functools import partial
from numbers import Integral
from typing import ClassVar

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks import AttentionStack, JointAttention

__all__ = ["RecursiveJointAttentionRegressor"]

PUBLISHED = {
    "hidden_size": 512,
    "n_recursions": 2,
    "attention": "tanh",
    "dropout": 0.6,
    "input_norm": None,
    "input_noise": 0.0,
    "loss": "ccc",
    "optimizer": "adam",
    "lr": 1e-4,
    "weight_decay": 0.0,
    "batch_size": 64,
    "max_epochs": 50,
    "schedule": None,
    "gradient_clip": None,
    "weight_average": None,
    "window": 16,
    "standardize_target": False,
}


def recursive_joint_attention(
    n_modalities: int, hidden_size: int, n_recursions: int, attention: str, dropout: float
) -> AttentionStack:
    """Return steps of joint attention, each with weights of its own, as a core."""
    step = partial(JointAttention, attention=attention, dropout=dropout)
    return AttentionStack(n_modalities, hidden_size, step, n_recursions)


class RecursiveJointAttentionRegressor(EncodedFusionRegressor):
    """Fuse streams by recursive joint attention between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. Every stream then attends by its correlation with
    all streams joined, once for each recursion; a last bidirectional LSTM reads what results. With steps as
    rows, X_m (T, h) a stream, n the number of steps of the row and ``attention="tanh"``, one recursion is::

        J   = [X_1, ..., X_M]                                   (T, M h)    joint representation
        C_m = tanh(X_m W_jm J^T / sqrt(M h))                    (T, T)      joint correlation, source x target
        H_m = ReLU((C_m / n)^T X_m W_cm)                        (T, h)
        X_m = X_m + dropout(H_m W_hm)                           (T, h)

    where C relates steps, so that a row may have any length. W_hm begin at zero, so that training begins with
    the LSTMs alone. The paper's text and its authors' released code are two methods: the code correlates
    features and works on windows of one length; see `ReleasedJointAttentionRegressor`.

    Parameters
    ----------
    n_recursions : int, default=1
        Number of attention steps, each with weights of its own; 0 leaves the LSTMs only.
    attention : {"softmax", "tanh"}, default="softmax"
        "tanh" as published; "softmax" weighs the steps of a stream by a softmax instead.
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    ReleasedJointAttentionRegressor : The network of the authors' code.
    EarlyFusionRegressor : The same LSTMs on concatenated features.
    LateFusionRegressor : The mean of models of one stream each.

    Notes
    -----
    Attention costs something where far steps hold no information (forty synthetic recordings: CCC .84,
    without .88), and gains on a film (studyforrest arousal: .58, without .52). See `published` for the
    settings of the paper.

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

    fusion_tags = FusionTags(published_in="arXiv 2304.07958")
    core = recursive_joint_attention
    n_recursions: int = 1
    attention: str = "softmax"

    _parameter_constraints: ClassVar[dict] = {
        "n_recursions": [Interval(Integral, 0, None, closed="left")],
        "attention": [StrOptions({"softmax", "tanh"})],
    }

    @classmethod
    def published(cls, **changes):
        """Return an estimator with the settings of the paper, all of them written out as its parameters.

        These are 512 hidden features, two recursions with the tanh, inputs as they are, windows of 16 steps,
        Adam at a constant 1e-4 in batches of 64 for 50 epochs, dropout of 0.6, and 1 - CCC for the loss
        (averaged over targets, where the released code sums; Adam takes no notice of the factor), on targets
        as they are; no noise on the inputs, no clipping of gradients, no averaged weights. Our defaults, made
        for small sets, are 32 features, windows of 300, AdamW at up to 3e-3 with decay, clipping and
        averaging, and a squared error beside the CCC.

        What the text leaves open (optimiser, batches, dropout, window) is taken from the code. C is divided
        by the number of steps and has its weights on features, so that rows may have any length.

        Parameters
        ----------
        **changes : dict
            Other parameters, or other values.

        Returns
        -------
        RecursiveJointAttentionRegressor
            Not fitted.

        Raises
        ------
        TypeError
            If there is no such parameter.

        See Also
        --------
        ReleasedJointAttentionRegressor : The settings of the released code are its defaults.

        Examples
        --------
        >>> from avfusion import RecursiveJointAttentionRegressor
        >>> model = RecursiveJointAttentionRegressor.published(max_epochs=10)
        >>> model.n_recursions, model.hidden_size, model.window
        (2, 512, 16)
        """
        unknown = sorted(set(changes) - {field.name for field in fields(cls)})
        if unknown:
            raise TypeError(f"{cls.__name__} has no parameter {', '.join(unknown)}.")
        return cls(**PUBLISHED | changes)
