"""Candidates of many kinds, combined as held-out predictions advise."""

import time
from collections.abc import Mapping
from numbers import Integral
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from avfusion._sklearn_compat import _BaseComposition, as_one_task
from avfusion._tracking import warn_if_not_logged
from avfusion.estimators import _inputs as inputs
from avfusion.estimators._base import FusionTags, SequenceRegressorMixin
from avfusion.estimators._inner_folds import inner_folds
from avfusion.estimators._late_fusion_members import check_answerable, predict_present
from avfusion.estimators._natural_groups import natural_groups
from avfusion.estimators._routing import fit_router, routed_to_fit, weight_parameter
from avfusion.estimators._training import random_generator
from avfusion.fusion._auto._candidates import Candidate
from avfusion.fusion._auto._combination import combine
from avfusion.fusion._auto._held_out import constant, held_out_of, stacked
from avfusion.fusion._auto._kept_fits import KeptFits
from avfusion.fusion._auto._parameters import (
    check_budget,
    checked_scoring,
    estimator_of,
    is_default,
    read_candidates,
    with_estimator,
)
from avfusion.fusion._auto._report import report
from avfusion.fusion._auto._runs import fit_chosen, try_candidates
from avfusion.sequences._data_spec import RegressorFittedToData
from avfusion.sequences._finite import check_predicted
from avfusion.sequences._groups import read_groups
from avfusion.sequences._label_markers import markers_told_once
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._target_form import Predictions

__all__ = ["AutoFusionRegressor"]


class AutoFusionRegressor(RegressorFittedToData, SequenceRegressorMixin, _BaseComposition):
    r"""Try estimators of many kinds, and combine them as held-out predictions advise.

    The answer for data of which nothing is known yet. Candidates are, from cheap to expensive: the mean
    label; ridge regression, a kernel and trees, on functionals of clips or on frames with context, on all
    streams and on each; from 50 clips or 50 minutes of labels on, a network for each stream, their mean (late
    fusion), early fusion and recursive joint attention, which are stopped after two folds if they bring
    nothing there. Streams are brought to the rate of the labels. Each candidate predicts rows that it was not
    fitted on, groups held out as wholes. From these predictions is learnt

    - for each candidate a straight line, which undoes overfitting;
    - weights of their mean, not negative and of sum one. Several rules are judged without the fold in turn,
      from the boldest to the most careful: weights of smallest squared error, for all targets together or
      shrunk towards that for each, halfway from there to equal ones and to the best candidate alone, equal
      ones, the best candidate alone. Those within one standard error of the best rule are averaged. A stack
      that is free to choose loses to a plain mean where people are few; this one has to show that it does
      not;
    - a line that suits the score: mean and standard deviation of the labels for the CCC, predictions that are
      drawn towards the mean for errors.

    What has a weight is fitted once more, on all rows. A row is predicted by the candidates of whose streams
    it has one.

    Parameters
    ----------
    candidates : dict of str to estimator or (estimator, streams), optional
        What is tried in place of the default: estimators or Pipelines by name, with the sequence columns that
        they see, a name or a list; by default all. The entry ``"default": "default"`` adds the default ones.
    scoring : {"auto", "ccc", "pcc", "mae", "rmse"}, default="auto"
        What the combination is for. "auto": "ccc" for labels per frame, "mae" for labels per clip.
    cv : int or scikit-learn splitter, default=5
        Folds of rows that are held out. An int gives that many folds, at most one for each group.
    groups : str, optional
        Column of X whose values must not be on both sides of a fold, for instance "subject". ``groups`` given
        to `fit` take precedence. By default a column of people or stimuli where X has one, as the networks
        find it; of several that which labels follow most.
    budget_s : float, optional
        Seconds that a fit may take. Candidates are tried from cheap to expensive; those that do not fit in
        are left out, as `report_` says. The first is always tried, however long it takes. What is left out
        depends on the machine.
    n_jobs : int, optional
        How many folds are fitted at the same time.
    resume : str or Path, optional
        Folder where finished fits of folds are kept, so that a fit that was killed goes on.
    random_state : int, RandomState or None, default=None
        Seed of the default candidates. Given ones bring their own.
    verbose : bool, default=False
        Whether to show progress.

    Attributes
    ----------
    report_ : DataFrame
        A line for each candidate: its streams; its score on held-out rows, after a line of its own that suits
        it, with the ends of the 95 % interval over groups; its weight, the mean over targets; seconds of its
        fits in folds; why it was left out. The last line is the combination, whose weights were learnt
        without the fold that is scored.
    chosen_ : dict of str to float
        Weights of the candidates that have one, largest first.
    weights_ : ndarray of shape (n_candidates, n_targets)
        Of all candidates of `report_`, in their order.
    fusion_gain_ : FusionGain or None
        By how much the combination is better than the best candidate of one stream: ``gain``, with a paired
        interval over groups, ``low`` and ``high``; ``worth_it``. As text, a sentence. None with one stream.
    rules_ : DataFrame
        Loss of each rule, its standard error against the best rule, and whether it is used.
    estimators_ : list of (str, estimator, list of str)
        The fitted candidates and their streams.
    scoring_ : str
        What the combination is for.
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
    LateFusionRegressor : Combines estimators of your choice.
    baselines : The usual estimators, to compare them one by one.

    Notes
    -----
    A fit takes about as long as its candidates do in `cv` folds and once more. skops loads a model that kept
    boosting only where its type is named as trusted, since damaged trees can end the process.

    References
    ----------
    L. Breiman. Stacked regressions. Machine Learning 24(1), 1996. M. LeBlanc, R. Tibshirani. Combining
    estimates in regression and classification. Journal of the American Statistical Association 91, 1996.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(24, target="clip", random_state=0)
    >>> model = av.AutoFusionRegressor(groups="subject", budget_s=1, random_state=0).fit(X, y)
    >>> model.report_.index[:3].tolist()
    ['constant', 'ridge', 'ridge-audio']
    >>> round(sum(model.chosen_.values()), 6)
    1.0
    >>> model.predict(X[:2]).shape
    (2,)

    Candidates of your own:

    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> ridge = make_pipeline(av.Functionals(), Ridge())
    >>> neighbours = make_pipeline(av.Functionals(), KNeighborsRegressor())
    >>> candidates = {"ridge": ridge, "neighbours": (neighbours, "audio")}
    >>> model = av.AutoFusionRegressor(candidates, cv=3).fit(X, y)
    >>> model.report_["streams"].tolist()
    ['', 'audio, video', 'audio', '']
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(needs_alignment=False)
    __metadata_request__fit: ClassVar[dict] = {"sample_weight": None}  # among `params`: folds are not exact

    def __init__(
        self,
        candidates=None,
        *,
        scoring="auto",
        cv=5,
        groups=None,
        budget_s=None,
        n_jobs=None,
        resume=None,
        random_state=None,
        verbose=False,
    ):
        self.candidates = candidates
        self.scoring = scoring
        self.cv = cv
        self.groups = groups
        self.budget_s = budget_s
        self.n_jobs = n_jobs
        self.resume = resume
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _pairs(self):  # what _BaseComposition reads and sets nested parameters by
        given = self.candidates if isinstance(self.candidates, Mapping) else {}
        return [(name, estimator_of(value)) for name, value in given.items() if not is_default(value)]

    @_pairs.setter
    def _pairs(self, pairs):
        new = dict(pairs)
        self.candidates = {
            name: value if name not in new else with_estimator(value, new[name])
            for name, value in self.candidates.items()
        }

    def get_params(self, deep=True):
        """Return the parameters, with those of the candidates as ``name__parameter``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the candidates' own parameters.

        Returns
        -------
        dict
            Names and values.
        """
        return self._get_params("_pairs", deep=deep)

    def set_params(self, **params) -> Self:
        """Set parameters, also those of the candidates as ``name__parameter``.

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        AutoFusionRegressor
            The estimator itself.
        """
        if "candidates" in params:  # before parameters of its members
            self.candidates = params.pop("candidates")
        return self._set_params("_pairs", **params)

    def get_metadata_routing(self):
        """Return which metadata ``fit`` takes and passes on: scikit-learn's metadata routing.

        Returns
        -------
        MetadataRouter
            What scikit-learn's tools read.
        """
        return fit_router(self, self._given_estimators)

    @property
    def _given_estimators(self):
        return self._pairs

    @property
    def report_(self):
        """The candidates, a line for each, and the combination."""
        check_is_fitted(self, "estimators_")
        return pd.DataFrame.from_dict(self._report, orient="tight")  # skops takes no tables

    @property
    def rules_(self):
        """The rules that weights were made by, a line for each."""
        check_is_fitted(self, "estimators_")
        return pd.DataFrame.from_dict(self._rules, orient="tight")

    @as_one_task
    def fit(self, X, y, groups=None, **params) -> Self:
        """Try all candidates on held-out rows, learn how to combine them, and fit those that count.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip.
        y : per-frame or per-clip targets
            As for every estimator here; NaN is unlabelled.
        groups : str or array-like of shape (n_rows,), optional
            Groups that the folds must respect, or the column of X that holds them.
        **params : dict
            ``sample_weight``, how much each row (numbers, or their column of X) or each label (in a form of
            y) counts, for the candidates and in what is learnt from them. With metadata routing on, more
            metadata, of which each of `candidates` gets what it asks for, groups among it.

        Returns
        -------
        AutoFusionRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            If there are fewer than two rows or groups, rates that would bring streams to the labels are
            unknown, no stream of a row is present though labels are per frame, a parameter is invalid, other
            `params` though metadata routing is off, or whatever a given candidate objects to.
        """
        begun = time.perf_counter()
        warn_if_not_logged(self)
        sample_weight = params.pop("sample_weight", None)
        own = {"groups": groups, "sample_weight": sample_weight, "caller": type(self).__name__}
        data = read_recordings(X, y, **own)
        scoring = checked_scoring(self.scoring, data.targets.form)
        check_budget(self.budget_s)
        if sample_weight is not None:
            weight_parameter(self, type(self).__name__)
        routed = routed_to_fit(self, data.frame, params, data.groups)
        inputs.check_labelled(data.targets.values, data.targets.form.target_names)
        data.check_finite(data.columns)
        folds, groups = self._folds(data)
        candidates = read_candidates(self.candidates, data, random_generator(self.random_state))
        check_answerable(data, [(c.name, None, c.streams) for c in candidates], data.targets.form)
        with markers_told_once(data.targets.counted):
            tried = try_candidates(
                data,
                candidates,
                folds,
                routed,
                budget_s=self.budget_s,
                n_jobs=self.n_jobs,
                kept=None if self.resume is None else KeptFits(self.resume, data),
                verbose=self.verbose,
                begun=begun,
            )
            done = [one for one in tried if one.done]
            held_out = held_out_of(data, done, folds, groups)
            combination, nested, rules = combine(held_out, scoring)
            fitted = fit_chosen(data, done, combination.weights, routed, self.n_jobs)
        # nothing is set before everything is fitted
        self.estimators_, self._combination, self.scoring_ = fitted, combination, scoring
        self._order = [(one.candidate.name, one.candidate.mean_of) for one in done]
        table, self.fusion_gain_ = report(tried, held_out, combination, nested, scoring)
        self._report, self._rules = (part.to_dict("tight") for part in (table, rules))
        chosen = table["weight"].drop("combination").sort_values(ascending=False)
        self.chosen_ = {name: float(weight) for name, weight in chosen.items() if weight > 0}
        self.weights_ = combination.weights
        self.spec_ = data.spec(target_mean=constant(data.targets.counted, np.arange(len(data))))
        return self

    def _folds(self, data):
        """Return the folds, and the group of each row, or None."""
        given = self.groups if data.groups is None else data.groups
        if given is not None:
            return inner_folds(data.frame, given, self.cv), read_groups(given, data.frame)
        found = natural_groups(data)
        return inner_folds(data.frame, found if isinstance(self.cv, Integral) else None, self.cv), found

    def predict(self, X) -> Predictions:
        """Predict, by the candidates that have a stream of the row.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict.

        Returns
        -------
        DataFrame, Series or ndarray
            In the form of y.

        Raises
        ------
        ValueError
            If no stream of a row is present and predictions are per frame.
        """
        check_is_fitted(self, "estimators_")
        data = read_recordings(X, spec=self.spec_, caller=type(self).__name__)
        form, mean = self.spec_.target_form, self.spec_.target_mean
        check_answerable(data, self.estimators_, form)
        predictions = {member[0]: predict_present(data, *member) for member in self.estimators_}
        order = [Candidate(name, None, [], mean_of) for name, mean_of in self._order]
        predicted, lengths = stacked(predictions, order, mean, data, form)
        values = self._combination(predicted)
        if form.per_frame:
            check_predicted(values, form, lengths, data.index)
            return form.wrap(values, lengths, data.index, data.clock(data.columns, lengths))
        clips = np.tile(mean, (len(data), 1))
        clips[lengths > 0] = values
        check_predicted(clips, form, index=data.index)
        return form.wrap(clips, index=data.index)
