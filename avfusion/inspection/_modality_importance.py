"""The worth of each modality to a fitted model: its score when a stream is that of another recording."""

from itertools import product
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from avfusion._parallel import all_results
from avfusion.estimators._inputs import choose_modalities
from avfusion.estimators._training import random_generator
from avfusion.inspection._corruption import with_streams_of_others, without_streams
from avfusion.inspection._panels import fitted_text, panel_axes, tidy
from avfusion.metrics._bootstrap import Resamples
from avfusion.metrics._regression import paired_targets
from avfusion.metrics._scores import one_score, resampled_by
from avfusion.sequences._groups import read_groups
from avfusion.sequences._messages import brief
from avfusion.sequences._recordings import is_table, read_recordings
from avfusion.sequences._rows import read_samples

__all__ = ["ModalityImportanceDisplay", "modality_importance"]

METHODS = ("permute", "absent")


def modality_importance(
    estimator,
    X,
    y,
    *,
    streams=None,
    scoring=None,
    groups=None,
    method="permute",
    n_repeats=5,
    level=0.95,
    n_resamples=2000,
    random_state=0,
    n_jobs=None,
) -> "ModalityImportanceDisplay":
    """Measure what the score of a fitted model loses when a stream is not that of its row.

    scikit-learn's `permutation_importance` for recordings of unequal length. A stream is replaced in X as it
    is given, so that a Pipeline preprocesses it as any other, whatever its rate.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        Fitted.
    X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
        Rows that the model was not trained on: on others, a stream that was overfitted looks important.
    y : per-frame or per-clip targets
        Their labels.
    streams : list of str or list of str, optional
        What is replaced at a time: a stream, or several that belong together, as in
        ``["audio", ["face", "pose"]]``. By default each stream by itself.
    scoring : str or callable, optional
        As in `avfusion.compare`, one score; by default the CCC.
    groups : str, sequence of str or array-like of shape (n_rows,), optional
        Column of X or values, such as speakers: streams come from another group, and the interval is over
        groups. By default every row is a group.
    method : {"permute", "absent"}, default="permute"
        "permute" puts the stream of another row in its place: of a longer one a random stretch, a shorter one
        repeated from a random step on, one of the same length as it is; length, rate and times of the row
        stay. "absent" takes the stream away where the row has another one, which needs a model that takes
        absent streams, and shows what it makes of the others.
    n_repeats : int, default=5
        Number of random draws. "absent" draws nothing: there is one.
    level : float, default=0.95
        Probability that the interval covers.
    n_resamples : int, default=2000
        Of the bootstrap.
    random_state : int, RandomState or None, default=0
        Seed of the draws, which are the same for all streams, and do not depend on which are asked for.
    n_jobs : int, optional
        Number of jobs that predict at the same time.

    Returns
    -------
    ModalityImportanceDisplay
        With ``importances``, their mean, standard deviation and interval, ``to_frame()`` and ``plot()``.

    Raises
    ------
    ValueError
        If X is a table without streams, a stream is unknown, there is no other group that has it, or no other
        stream in its rows, or `method`, `n_repeats`, `level` or `scoring` are not as above. Errors of the
        model are raised unchanged.

    See Also
    --------
    robustness_curve : Scores with streams that are absent or noisy in part.
    avfusion.compare : Models that were trained without a stream.

    Notes
    -----
    Streams that say the same are unimportant one by one, since the model reads it off the other: replace
    them together. Where all recordings follow one film, another person's stream is alike, too; what counts
    is then only what is the person's own.

    References
    ----------
    A. Fisher, C. Rudin, F. Dominici. All models are wrong, but many are useful: learning a variable's
    importance by studying an entire class of prediction models simultaneously. JMLR 20, 2019.

    Examples
    --------
    >>> import avfusion as av
    >>> from avfusion.inspection import modality_importance
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     12, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> model = av.FrameRegressor().fit(X[:8], y[:8])
    >>> result = modality_importance(model, X[8:], y[8:], n_repeats=3)
    >>> result.importances.shape
    (2, 3)
    >>> result.to_frame().columns.tolist()
    ['importance', 'std', 'low', 'high']
    """
    check_is_fitted(estimator)
    if is_table(X):
        raise ValueError(
            "X is a table of numbers, which has no streams. Use scikit-learn's permutation_importance, or "
            "fit the model on sequence columns, as avfusion.as_sequences makes them."
        )
    data = read_recordings(X, caller=type(estimator).__name__)
    X, y = read_samples(data.frame, y)
    sets = _stream_sets(data, streams)
    _check(method, n_repeats, level)
    score_name, score = one_score("ccc" if scoring is None else scoring, "modality_importance")
    seed = _seed(random_state)
    groups = read_groups(groups, X)
    repeats = range(n_repeats if method == "permute" else 1)
    bootstrap = {"groups": groups, "n_resamples": n_resamples, "random_state": seed}

    whole, resampled = _measured(estimator, X, y, score, bootstrap)
    of_rows = np.arange(len(X)) if groups is None else groups
    replaced = (
        _replaced(X, names, method, of_rows, [seed, k]) for names, k in product(sets.values(), repeats)
    )
    outcomes = all_results(
        ((_measured, (estimator, own, y, score, bootstrap), {}) for own in replaced), n_jobs
    )
    sign = -1 if score.higher_is_better is False else 1
    values = np.array([value for value, _ in outcomes]).reshape(len(sets), -1)
    lost = [
        sign * (resampled.scores - np.mean([own.scores for _, own in outcomes[k : k + len(repeats)]], axis=0))
        for k in range(0, len(outcomes), len(repeats))
    ]
    intervals = [Resamples(own, resampled.n_groups).interval(level) for own in lost]
    return ModalityImportanceDisplay(
        streams=list(sets),
        importances=sign * (whole - values),
        intervals=np.array(intervals),
        score=whole,
        score_name=score_name,
        method=method,
        level=level,
    )


def _measured(estimator, X, y, score, bootstrap):
    """Return the score of the predictions for X, and that of every resample of groups."""
    predicted = estimator.predict(X)
    resampled = resampled_by(
        {"score": score}, paired_targets(y, predicted), lambda: (y, predicted), **bootstrap
    )
    return float(score(y, predicted)), resampled["score"]


def _replaced(X, names, method, groups, seed):
    if method == "absent":
        return without_streams(X, names)
    return with_streams_of_others(X, names, groups, np.random.default_rng(seed))


def _stream_sets(data, streams):
    """Return the columns that are replaced at a time, by the name of each set."""
    streams = list(data.columns) if streams is None else streams
    if isinstance(streams, str) or not np.iterable(streams) or not len(streams):
        raise ValueError(
            f"streams={brief(streams)} must be a list of streams, or of lists of streams, as in "
            "['audio', ['face', 'pose']]."
        )
    chosen = [choose_modalities(data, names) for names in streams]
    sets = {" + ".join(names): names for names in chosen}
    if len(sets) < len(chosen):
        raise ValueError(
            f"streams={brief(streams)} names a stream, or a set of streams, twice. Name it once."
        )
    return sets


def _check(method, n_repeats, level):
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be 'permute' or 'absent'.")
    if not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats={n_repeats!r} must be an integer of at least 1.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}.")


def _seed(random_state):
    check_random_state(random_state)
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(random_generator(random_state).randint(2**31 - 1))


class ModalityImportanceDisplay:
    """Importance of each stream to a fitted model; `modality_importance` returns it.

    Parameters
    ----------
    streams : list of str
        Names of the streams, or of sets of them.
    importances : ndarray of shape (n_streams, n_repeats)
        The score less that with the stream replaced; for errors, by how much they grow. Near 0 where a
        stream is of no use, below it by chance.
    intervals : ndarray of shape (n_streams, 2)
        Bootstrap interval of the mean over repeats, over groups; NaN with fewer than two groups.
    score : float
        With all streams as they are.
    score_name : str
        Label of the axis.
    method : {"permute", "absent"}
        How a stream was replaced.
    level : float
        Of the intervals.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from avfusion.inspection import ModalityImportanceDisplay
    >>> display = ModalityImportanceDisplay(
    ...     streams=["audio", "video"],
    ...     importances=np.array([[0.3, 0.5], [0.1, 0.1]]),
    ...     intervals=np.array([[0.2, 0.6], [0.0, 0.2]]),
    ...     score=0.7,
    ...     score_name="ccc",
    ...     method="permute",
    ...     level=0.95,
    ... )
    >>> display.to_frame()
            importance  std  low  high
    stream
    audio          0.4  0.1  0.2   0.6
    video          0.1  0.0  0.0   0.2
    """

    def __init__(self, *, streams, importances, intervals, score, score_name, method, level):
        self.streams = streams
        self.importances = importances
        self.intervals = intervals
        self.score = score
        self.score_name = score_name
        self.method = method
        self.level = level

    @property
    def importances_mean(self):
        """Mean over repeats, (n_streams,)."""
        return self.importances.mean(axis=1)

    @property
    def importances_std(self):
        """Standard deviation over repeats, (n_streams,)."""
        return self.importances.std(axis=1)

    def to_frame(self):
        """Return a table of the streams.

        Returns
        -------
        DataFrame
            Indexed by stream: "importance" (mean over repeats), "std" (over repeats), and the ends of the
            interval over groups, "low" and "high".
        """
        columns = {"importance": self.importances_mean, "std": self.importances_std}
        columns |= {"low": self.intervals[:, 0], "high": self.intervals[:, 1]}
        return pd.DataFrame(columns, index=pd.Index(self.streams, name="stream"))

    def plot(self, ax=None):
        """Draw the importance of each stream with its interval, and the repeats as faint points.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        ModalityImportanceDisplay
            The display itself.
        """
        table = self.to_frame()
        (self.ax_,) = panel_axes(ax, 1, n_columns=1, panel_size=(6.4, 1.0 + 0.42 * len(table)))
        positions = np.arange(len(table))
        repeats = np.broadcast_to(positions[:, None] + 0.2, self.importances.shape)
        self.ax_.plot(self.importances.ravel(), repeats.ravel(), "o", color="0.72", markersize=4, zorder=1)
        self.ax_.hlines(positions, table["low"], table["high"], color="black", linewidth=1.6, zorder=2)
        self.ax_.plot(table["importance"], positions, "D", color="black", markersize=6, zorder=3)
        self.ax_.axvline(0, color="0.5", linewidth=0.8, linestyle=":", zorder=0)
        self.ax_.set_yticks(positions, [fitted_text(name, 32, n_lines=2) for name in table.index])
        self.ax_.set_ylim(len(table) - 0.5, -0.5)
        how = "absent" if self.method == "absent" else "that of another row"
        self.ax_.set_xlabel(f"loss of {self.score_name} ({self.score:.2f}) where the stream is {how}")
        level = f"{self.level:.0%}".replace("%", " %")
        self.ax_.set_title(
            f"diamond: mean, line: {level} interval, points: repeats", fontsize="small", loc="right"
        )
        tidy(self.ax_)
        self.figure_ = self.ax_.figure
        return self
