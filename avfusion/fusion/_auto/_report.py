"""The report of `AutoFusionRegressor`: scores of candidates with intervals, and the gain by fusing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion.fusion._auto._combination import last_line
from avfusion.fusion._auto._held_out import CONSTANT
from avfusion.metrics import ccc_score, mean_absolute_error, pcc_score, root_mean_squared_error
from avfusion.metrics._bootstrap import resampled_scores

__all__ = ["COMBINATION", "SCORES", "FusionGain", "fusion_gain", "report", "score_of"]

COMBINATION = "combination"

SCORES = {
    "ccc": ccc_score,
    "pcc": pcc_score,
    "mae": mean_absolute_error,
    "rmse": root_mean_squared_error,
}
LOWER_IS_BETTER = ("mae", "rmse")
N_RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class FusionGain:
    """By how much the combination is better than the best single stream, on held-out rows.

    Parameters
    ----------
    best_single : str
        The candidate of one stream with the best score.
    scoring : str
    gain : float
        Score of the combination less that of `best_single`; the other way round for errors, so that more is
        better.
    low, high : float
        95 % interval of the gain, over groups; NaN with fewer than two.

    Examples
    --------
    >>> print(FusionGain("trees-audio", "mae", 0.02, 0.01, 0.03))
    Fusing is worth it: mae better by 0.020 (95 % interval 0.010 to 0.030) than trees-audio, the best single
    stream.
    """

    best_single: str
    scoring: str
    gain: float
    low: float
    high: float

    @property
    def worth_it(self):
        """True where the whole interval is above zero."""
        return bool(self.low > 0)

    def __str__(self):
        if np.isnan(self.low):
            verdict = "Whether fusing is worth it cannot be told of one group"
        elif self.worth_it:
            verdict = "Fusing is worth it"
        elif self.high < 0:
            verdict = "Fusing makes it worse"
        else:
            verdict = "Whether fusing is worth it is not shown"
        side = "better" if self.gain >= 0 else "worse"
        interval = "" if np.isnan(self.low) else f" (95 % interval {self.low:.3f} to {self.high:.3f})"
        return (
            f"{verdict}: {self.scoring} {side} by {abs(self.gain):.3f}{interval} than {self.best_single}, "
            "the best single stream."
        )


def score_of(held_out, predictions, scoring):
    """Return the score of predictions (n_values, K), and that of resamples of the groups.

    Where there is no prediction, the label does not count.

    Parameters
    ----------
    held_out : HeldOut
    predictions : ndarray of shape (n_values, K)
    scoring : str

    Returns
    -------
    score : float
        NaN if a target has no label left.
    resamples : Resamples or None
    """
    labels = np.where(np.isnan(predictions), np.nan, held_out.labels)
    if np.isnan(labels).all(axis=0).any():
        return np.nan, None
    counted = ~np.isnan(labels).all(axis=1)
    weights = None if held_out.weights is None else np.nan_to_num(held_out.weights[counted])
    pair, metric = (labels[counted], np.nan_to_num(predictions[counted])), SCORES[scoring]
    options = {"groups": held_out.groups[counted], "n_resamples": N_RESAMPLES, "random_state": 0}
    try:
        resamples = resampled_scores(*pair, metric, sample_weight=weights, **options)
    except ValueError:  # labels whose squares are beyond floats
        resamples = None
    return metric(*pair, sample_weight=weights), resamples


def report(tried, held_out, combination, nested, scoring):
    """Return the table of candidates and whether fusing is worth it.

    Parameters
    ----------
    tried : list of Tried
        All of them.
    held_out : HeldOut
        Of the constant and of those that are done.
    combination : Combination
    nested : ndarray of shape (n_values, K)
        Predictions of the combination, learnt without their fold.
    scoring : str

    Returns
    -------
    DataFrame, FusionGain or None
    """
    done = [CONSTANT, *(one.candidate.name for one in tried if one.done)]
    n_targets = held_out.labels.shape[1]
    lines = [(np.ones(n_targets), np.zeros(n_targets))]  # the constant is one as it is
    lines += [last_line(held_out, own, scoring) for own in held_out.predicted[1:]]
    lined = {
        name: own * scale + offset for name, own, (scale, offset) in zip(done, held_out.predicted, lines)
    }
    weights = dict(zip(done, combination.weights.mean(axis=1)))
    rows = {CONSTANT: ("", weights[CONSTANT], 0.0, "")}
    for one in tried:
        name, streams = one.candidate.name, ", ".join(map(str, one.candidate.streams))
        rows[name] = (streams, weights.get(name, 0.0), one.fit_s, one.note)
    rows[COMBINATION] = ("", 1.0, sum(one.fit_s for one in tried), "")
    scores = {
        name: _with_interval(held_out, own, scoring) for name, own in (lined | {COMBINATION: nested}).items()
    }
    table = pd.DataFrame.from_dict(
        {name: [streams, *scores.get(name, (np.nan,) * 3), *rest] for name, (streams, *rest) in rows.items()},
        orient="index",
        columns=["streams", scoring, "low", "high", "weight", "fit_s", "note"],
    )
    candidates = [one.candidate for one in tried]
    return table.rename_axis("candidate"), fusion_gain(candidates, held_out, lined, nested, scoring)


def _with_interval(held_out, predictions, scoring):
    """Return a score and the ends of its interval."""
    score, resamples = score_of(held_out, predictions, scoring)
    return score, *((np.nan, np.nan) if resamples is None else resamples.interval(LEVEL))


def fusion_gain(candidates, held_out, lined, combined, scoring):
    """Compare the combination with the best candidate of one stream.

    Parameters
    ----------
    candidates : list of Candidate
    held_out : HeldOut
    lined : dict of str to ndarray of shape (n_values, K)
        Held-out predictions, each on the scale that the score wants.
    combined : ndarray of shape (n_values, K)
        Predictions of the combination, learnt without their fold.
    scoring : str

    Returns
    -------
    FusionGain or None
        None where there is one stream only.
    """
    streams = {stream for one in candidates for stream in one.streams}
    names = [one.name for one in candidates if len(one.streams) == 1 and one.name in lined]
    if len(streams) < 2 or not names:
        return None
    sign = -1 if scoring in LOWER_IS_BETTER else 1
    scores = {name: score_of(held_out, _everywhere(lined, name), scoring) for name in names}
    best = max(names, key=lambda name: np.nan_to_num(sign * scores[name][0], nan=-np.inf))
    own, resamples = scores[best]
    score, of_all = score_of(held_out, combined, scoring)
    low, high = np.nan, np.nan
    if resamples is not None and of_all is not None:
        low, high = sorted(sign * end for end in (of_all - resamples).interval(LEVEL))
    return FusionGain(best, scoring, float(sign * (score - own)), low, high)


def _everywhere(lined, name):
    """Return predictions with the constant where a candidate has none: all are scored on the same rows."""
    return np.where(np.isnan(lined[name]), lined[CONSTANT], lined[name])
