"""Steps that bring streams to the rate of the labels, and regressors of what comes of it."""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avfusion.preprocessing import AddContext, Align
from avfusion.sequences import sequence_columns

__all__ = ["in_step", "label_rate", "linear", "time_steps"]


def linear(regressor):
    """Fill what was not observed, scale, and regress.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> linear(Ridge()).fit([[0.0], [np.nan], [2.0]], [0.0, 1.0, 2.0]).predict([[1.0]]).round(6)
    array([1.])
    """
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), regressor)


def time_steps(X, targets, context_s):
    """Bring all streams to the rate of the labels, and add context where seconds mean something.

    Parameters
    ----------
    X : DataFrame with sequence columns
    targets : Targets
        The labels. Where they are per clip, streams come to the lowest rate among them.
    context_s : sequence of float
        Widths of moving means in seconds; those below one step are left out.

    Returns
    -------
    list of transformer
        Empty where rates are unknown and all is in step already.

    Raises
    ------
    ValueError
        If rates are unknown and something is not in step.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(4, random_state=0)
    >>> time_steps(X, av.sequences.as_targets(y), (1, 5))
    [Align(aggregate=('mean', 'std'), rate_hz=1.0), AddContext(widths_s=(1, 5))]
    """
    per_frame = targets.form.per_frame
    rates = {name: X[name].array.rate_hz for name in sequence_columns(X)}
    rate_hz = label_rate(targets) if per_frame else min(filter(None, rates.values()), default=None)
    unknown = [repr(name) for name, rate in rates.items() if rate is None]
    unknown += ["labels"] if per_frame and rate_hz is None else []
    if unknown:
        if in_step(X, targets):
            return []
        raise ValueError(
            "Streams and labels do not have the same numbers of steps, and the rate of "
            f"{', '.join(unknown)} is unknown. Give rates, by as_sequences(..., rate_hz=...) or, on the "
            "command line, --rate NAME=HZ, or name estimators that bring them together."
        )
    several = any(rate > rate_hz for rate in rates.values())
    widths_s = tuple(width for width in context_s if width * rate_hz >= 1)
    align = Align(rate_hz=rate_hz, aggregate=("mean", "std") if several else ("mean",))
    return [align, AddContext(widths_s=widths_s)]


def label_rate(targets):
    """Return the rate of labels per frame; None where it is unknown.

    Examples
    --------
    >>> import avfusion as av
    >>> label_rate(av.sequences.as_targets(av.datasets.make_audiovisual_regression(2)[1]))
    1.0
    """
    return next((dtype.rate_hz for dtype in targets.form.dtypes if hasattr(dtype, "rate_hz")), None)


def in_step(X, targets):
    """Return whether all that is present of a row has one number of steps.

    Examples
    --------
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [[1.0, 2.0]], "video": [[1.0, 2.0]]})
    >>> in_step(X, av.sequences.as_targets([np.zeros(2)])), in_step(X, av.sequences.as_targets([np.zeros(3)]))
    (True, False)
    """
    lengths = [X[name].array.lengths for name in sequence_columns(X)]
    lengths = np.stack(lengths if targets.lengths is None else [*lengths, targets.lengths]).astype(float)
    lengths[lengths < 0] = np.nan
    present = lengths[:, ~np.isnan(lengths).all(axis=0)]
    return bool((np.nanmin(present, axis=0) == np.nanmax(present, axis=0)).all())
