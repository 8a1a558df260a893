"""The estimators that are compared where none are named: baselines, and the fusion methods."""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion.sequences import sequence_columns
from avfusion.sequences._targets import as_targets

_WIDTHS_S = (1, 5, 21, 61)


def default_estimators(X, y, groups=None, seed=0):
    """Choose estimators for these recordings.

    All see the same features: means (and spreads, where several frames fall into a step) at the rate of the
    labels, and their moving means over 5, 21 and 61 s. For labels per clip, streams come to the lowest rate
    among them, and ridge regression sees functionals.

    Parameters
    ----------
    X : pandas.DataFrame
        With sequence columns.
    y : pandas.DataFrame or pandas.Series
        Labels per frame or per clip.
    groups : str, optional
        Column of X whose values must not be on both sides of an inner split.
    seed : int
        Seed of the networks.

    Returns
    -------
    dict of str to estimator
        ``ridge`` (its predictions rescaled to the spread of the labels, as `RescaledRegressor` does),
        ``only-<modality>`` for each, and, if there are several modalities, ``early-fusion``,
        ``late-fusion`` and ``joint-attention``.

    Raises
    ------
    ValueError
        If streams and labels are not in step, and a rate that could bring them there is unknown.

    Examples
    --------
    >>> X, y = av.datasets.make_audiovisual_regression(4, random_state=0)
    >>> list(default_estimators(X, y))
    ['ridge', 'only-audio', 'only-video', 'early-fusion', 'late-fusion', 'joint-attention']
    """
    modalities = sequence_columns(X)
    per_frame = as_targets(y).form.per_frame
    steps = _time_steps(X, y, per_frame)
    frames = [*steps, av.OnFrames(StandardScaler())]
    inner = groups if groups is not None and X[groups].nunique() > 2 else None  # 2 in training, at least
    if per_frame:
        ridge = av.FrameRegressor(_linear(Ridge(alpha=1000)))
        ridge = make_pipeline(*frames, av.RescaledRegressor(ridge, groups=inner))
    else:
        model = av.FrameRegressor(RidgeCV(alphas=np.logspace(-1, 5, 13)))
        ridge = av.RescaledRegressor(make_pipeline(av.Functionals(), *_linear(model)), groups=inner)
    networks = {f"only-{name}": av.UnimodalRegressor(name, random_state=seed) for name in modalities}
    if len(modalities) > 1:
        networks |= {
            "early-fusion": av.EarlyFusionRegressor(random_state=seed),
            "late-fusion": av.LateFusionRegressor(random_state=seed),
            "joint-attention": av.RecursiveJointAttentionRegressor(random_state=seed),
        }
    return {"ridge": ridge} | {name: make_pipeline(*frames, network) for name, network in networks.items()}


def _linear(regressor):
    """Fill what was not observed, scale, and regress."""
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), regressor)


def _time_steps(X, y, per_frame):
    """Bring all streams to the rate of the labels, and add context where seconds mean something."""
    rates = {name: X[name].array.rate_hz for name in sequence_columns(X)}
    targets = as_targets(y)
    label_rate = min(filter(None, rates.values()), default=None)
    if per_frame:
        label_rate = next((dtype.rate_hz for dtype in targets.form.dtypes if hasattr(dtype, "rate_hz")), None)
    unknown = [name for name, rate in rates.items() if rate is None]
    unknown += ["labels"] if per_frame and label_rate is None else []
    if unknown:
        if _in_step(X, targets):
            return []
        named = " ".join(f"--rate {name}=HZ" for name in unknown)
        raise ValueError(
            "Streams and labels do not have the same number of steps, and it is not known how many a second "
            f"has: add {named}, or name estimators that bring them together."
        )
    several = any(rate > label_rate for rate in rates.values())
    widths_s = tuple(width for width in _WIDTHS_S if width * label_rate >= 1)
    align = av.Align(rate_hz=label_rate, aggregate=("mean", "std") if several else ("mean",))
    return [align, av.AddContext(widths_s=widths_s)]


def _in_step(X, targets):
    """Tell whether all that is present of a row has one number of steps."""
    lengths = [X[name].array.lengths for name in sequence_columns(X)]
    lengths = np.stack(lengths if targets.lengths is None else [*lengths, targets.lengths]).astype(float)
    lengths[lengths < 0] = np.nan
    present = lengths[:, ~np.isnan(lengths).all(axis=0)]
    return bool((np.nanmin(present, axis=0) == np.nanmax(present, axis=0)).all())
