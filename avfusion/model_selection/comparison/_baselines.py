"""The usual estimators to compare with, as they suit the data: a linear baseline and fusion methods."""

import numpy as np
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avfusion.estimators import FrameRegressor, LateFusionRegressor, RescaledRegressor, UnimodalRegressor
from avfusion.fusion import EarlyFusionRegressor, RecursiveJointAttentionRegressor
from avfusion.fusion._auto._time_steps import linear, time_steps
from avfusion.preprocessing import Functionals, OnFrames
from avfusion.sequences import sequence_columns
from avfusion.sequences._recordings import read_recordings


def baselines(X, y, *, groups=None, context_s=(1, 5, 21, 61), random_state=None) -> dict:
    """Return the usual estimators to compare with, by name, as they suit these data.

    All see the same features: means (and standard deviations, where several frames fall into a step) at the
    rate of the labels, and their moving means over the widths of `context_s`. For labels per clip, streams
    come to the lowest rate among them, and ridge regression sees functionals. Absent streams and frames that
    were not observed are taken by all of them.

    Parameters
    ----------
    X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
        The samples.
    y : DataFrame, Series, list or array
        Labels per frame or per clip.
    groups : str or sequence of str, optional
        Column of X whose values (columns: whose combinations of values) must not be on both sides of the
        split by which ridge regression is rescaled.
    context_s : sequence of float, default=(1, 5, 21, 61)
        Widths of the moving means in seconds; those below one step are left out.
    random_state : int or None, default=None
        Seed of the networks; `avfusion.compare` gives one to those that have none.

    Returns
    -------
    dict of str to estimator
        "ridge" (its predictions rescaled to mean and standard deviation of the labels, as `RescaledRegressor`
        does), "only-<modality>" for each modality, and, if there are several, "early-fusion", "late-fusion"
        and "joint-attention".

    Raises
    ------
    ValueError
        If X and y have different numbers of rows, or streams and labels do not have the same numbers of steps
        and a rate that could bring them together is unknown.

    See Also
    --------
    compare : Compares them.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(4, random_state=0)
    >>> list(av.baselines(X, y))
    ['ridge', 'only-audio', 'only-video', 'early-fusion', 'late-fusion', 'joint-attention']
    """
    data = read_recordings(X, y, groups=groups, caller="baselines", allow_nan=True)
    X, targets, group_of_row = data.frame, data.targets, data.groups
    modalities = sequence_columns(X)
    frames = [*time_steps(X, targets, context_s), OnFrames(StandardScaler())]
    # of 2 groups a fold trains on one, which cannot be split again
    inner = groups if group_of_row is not None and len(set(group_of_row)) > 2 else None
    if targets.form.per_frame:
        ridge = FrameRegressor(linear(Ridge(alpha=1000)))
        ridge = make_pipeline(*frames, RescaledRegressor(ridge, groups=inner))
    else:
        model = FrameRegressor(RidgeCV(alphas=np.logspace(-1, 5, 13)))
        ridge = RescaledRegressor(make_pipeline(Functionals(), *linear(model)), groups=inner)
    networks = {f"only-{name}": UnimodalRegressor(name) for name in modalities}
    if len(modalities) > 1:
        networks["early-fusion"] = EarlyFusionRegressor()
        networks["late-fusion"] = LateFusionRegressor()
        networks["joint-attention"] = RecursiveJointAttentionRegressor()
    return {"ridge": ridge} | {
        name: make_pipeline(*frames, network.set_params(random_state=random_state))
        for name, network in networks.items()
    }
