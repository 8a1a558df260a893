"""The mean of the labels of a stimulus, or of a person: what a model has to beat."""

from typing import ClassVar

import numpy as np

from avfusion.estimators._level_means import level_means
from avfusion.estimators._levels import PEOPLE, STIMULI, codes_of, levels_of, read_by
from avfusion.estimators._situation_regressor import SituationRegressor
from avfusion.estimators._step_means import step_means


class _LevelRegressor(SituationRegressor):
    """Predict the mean of the level that a row has."""

    _names: ClassVar[tuple] = ()

    def _columns(self, X):
        shrinkage = self.shrinkage
        if isinstance(shrinkage, bool) or not np.isreal(shrinkage) or not 0 <= shrinkage < np.inf:
            raise ValueError(f"shrinkage must be a number of at least 0, not {shrinkage!r}.")
        return read_by(self.by, X, self._names)

    def _fitted_columns(self, X):
        return read_by(self.by_, X)

    def _learn(self, X, columns, sums, steps, labels, weights):
        codes = np.full(len(steps.lengths), -1)
        levels = {}
        if columns:
            codes, levels = codes_of(levels_of(X, columns))
        self.by_, self.levels_ = columns, list(levels)
        self.means_ = level_means(sums, codes, len(levels), self.shrinkage)
        self._curves = None
        if getattr(self, "per_step", False):
            self._curves = step_means(labels, weights, codes[steps.row], steps.step)

    def _predicted(self, X, steps):
        known = {level: number for number, level in enumerate(self.levels_)}
        codes = np.full(len(steps.lengths), -1)
        if self.by_:
            codes, _ = codes_of(levels_of(X, self.by_), known)
        means = np.concatenate([self.means_, self.mean_[None]])  # the last one for what is not known
        values = means[codes[steps.row]]
        if self._curves is None:
            return values
        curves = self._curves.of(codes[steps.row], steps.step)
        return np.where(np.isnan(curves), values, curves)


class StimulusMeanRegressor(_LevelRegressor):
    """Predict the mean of the training labels of the same stimulus: one constant per video.

    Where many people see the same videos, most of what can be predicted may be the video. A model of faces,
    voices or physiology that does not pass this baseline has not shown that it reads anything of the person.

    Parameters
    ----------
    by : "auto", None, column or list of columns, default="auto"
        Columns of X, of metadata, whose value says which stimulus it is; of several, each combination of
        values is one. "auto" is the first column that is called stimulus, video, clip, story, film, movie,
        item or the like, in any case and with or without "id", and holds no sequences. Without one, and
        with None, all rows get the mean of all labels.
    per_step : bool, default=False
        Whether to predict the mean curve of the stimulus over time, in place of a constant (labels per frame
        only). Steps are aligned by time where rate and start are declared, else by their number; where no
        training row of the stimulus has a label, it is the constant.
    shrinkage : float, default=0
        Draws the mean of a stimulus of n recordings to that of all, as if this many more recordings had it.

    Attributes
    ----------
    by_ : list
        The columns.
    levels_ : list
        The stimuli, as they came.
    means_ : ndarray of shape (n_levels, n_targets)
        Their means.
    mean_ : ndarray of shape (n_targets,)
        Mean of all labels.
    target_form_ : TargetForm
        The form in which y was given, and in which predictions are given back.
    modalities_ : dict of str to int
        Names and widths of the streams.
    n_features_in_ : int
        Number of columns of X; of a table of numbers, those of them that are no levels.
    feature_names_in_ : ndarray of str
        Names of these columns, where X has names.

    See Also
    --------
    PersonMeanRegressor : The mean of a person.
    TimeCourseRegressor : A curve over time that is the same for all.
    avfusion.compare : Has all of them beneath its table.

    Examples
    --------
    >>> import pandas as pd
    >>> import avfusion as av
    >>> X = pd.DataFrame({"video": ["joy", "joy", "fear"], "pulse": [70.0, 72.0, 90.0]})
    >>> model = av.StimulusMeanRegressor("video").fit(X, [6.0, 8.0, 2.0])
    >>> model.predict(pd.DataFrame({"video": ["fear", "joy", "new"], "pulse": [80.0, 80.0, 80.0]})).round(2)
    array([2.  , 7.  , 5.33])
    """

    _names = STIMULI

    def __init__(self, by="auto", *, per_step=False, shrinkage=0.0):
        self.by = by
        self.per_step = per_step
        self.shrinkage = shrinkage


class PersonMeanRegressor(_LevelRegressor):
    """Predict the mean of the training labels of the same person.

    Where a split has recordings of one person on both sides, or labelled seconds of somebody who is tested,
    part of what a model predicts may be who it is. Persons that are new get the mean of all labels.

    Parameters
    ----------
    by : "auto", None, column or list of columns, default="auto"
        Columns of X, of metadata, whose value says who it is; "auto" is the first that is called subject,
        speaker, participant, person, patient or the like. Without one, and with None, all rows get the mean
        of all labels.
    shrinkage : float, default=1
        Draws the mean of a person of n recordings to that of all, as if this many more recordings had it.

    Attributes
    ----------
    by_, levels_, means_, mean_, target_form_, modalities_, n_features_in_, feature_names_in_
        As of `StimulusMeanRegressor`.

    See Also
    --------
    StimulusMeanRegressor : The mean of a stimulus.

    Examples
    --------
    >>> import pandas as pd
    >>> import avfusion as av
    >>> X = pd.DataFrame({"subject": ["ann", "ann", "bob"], "pulse": [70.0, 72.0, 90.0]})
    >>> av.PersonMeanRegressor().fit(X, [6.0, 6.0, 0.0]).predict(X).round(2)
    array([5.33, 5.33, 2.  ])
    """

    _names = PEOPLE

    def __init__(self, by="auto", *, shrinkage=1.0):
        self.by = by
        self.shrinkage = shrinkage
