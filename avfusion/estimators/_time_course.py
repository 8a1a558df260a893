"""One curve over time for all recordings."""

from numbers import Integral

from avfusion.estimators._situation_regressor import SituationRegressor
from avfusion.estimators._step_means import smooth_course


class TimeCourseRegressor(SituationRegressor):
    """Predict from the position in the recording alone: one smooth curve for all recordings.

    Labels often begin at a neutral value, drift, and end high: a model may have learned the clock. The curve
    is a cubic spline, fitted by least squares to the labels of all training rows.

    Parameters
    ----------
    relative : bool, default=False
        Whether the position is the share of the recording that has passed, in place of the time since it
        began (of rows that declare a start: the time on that clock).
    n_knots : int, default=8
        Knots of the spline, at quantiles of the positions: the more, the less smooth.

    Attributes
    ----------
    mean_ : ndarray of shape (n_targets,)
        Mean of all labels, which clips of one label each get.
    target_form_ : TargetForm
        The form in which y was given, and in which predictions are given back.
    modalities_ : dict of str to int
        Names and widths of the streams.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names.

    See Also
    --------
    StimulusMeanRegressor : With ``per_step=True`` a curve for each stimulus.

    Examples
    --------
    >>> import numpy as np
    >>> import avfusion as av
    >>> labels = [np.arange(20.0), np.arange(20.0) + 1]
    >>> model = av.TimeCourseRegressor().fit({"audio": [np.zeros((20, 1))] * 2}, labels)
    >>> model.predict({"audio": [np.zeros((3, 1))]})[0].round(2)
    array([0.5, 1.5, 2.5])
    """

    def __init__(self, *, relative=False, n_knots=8):
        self.relative = relative
        self.n_knots = n_knots

    def _learn(self, X, columns, sums, steps, labels, weights):
        if not isinstance(self.n_knots, Integral) or isinstance(self.n_knots, bool) or self.n_knots < 2:
            raise ValueError(f"n_knots must be a whole number of at least 2, not {self.n_knots!r}.")
        self.course_ = smooth_course(labels, weights, self._position(steps), self.n_knots)

    def _predicted(self, X, steps):
        return self.course_.at(self._position(steps))

    def _position(self, steps):
        return steps.share if self.relative else steps.step
