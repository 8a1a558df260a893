"""In words: whether models predict better than the situation alone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion.sequences._messages import quoted

_CLOSE = 1e-3  # scores that differ by less count as equal: of the larger error, or of a correlation


@dataclass(frozen=True)
class Judged:
    """Scores of baselines and models.

    Parameters
    ----------
    score : str
        Name of the column that counts.
    higher_is_better, is_error : bool
        Of the score.
    ranks : dict of str to int
        How much a baseline knows.
    table : DataFrame
        As `Situation.table`.

    Examples
    --------
    >>> table = pd.DataFrame({"kind": ["situation", "model"], "mae": [1, 2]}, index=["constant", "svm"])
    >>> Judged("mae", False, True, {"constant": 0}, table).better("svm", "constant")
    False
    """

    score: str
    higher_is_better: bool
    is_error: bool
    ranks: dict
    table: pd.DataFrame

    def of(self, kind):
        """Return the scores of one kind, best first; without NaN."""
        own = self.table.loc[self.table["kind"] == kind, self.score].dropna()
        return own.sort_values(ascending=not self.higher_is_better, kind="stable")

    def better(self, one, other):
        """Return whether one predictor scores better than another, by more than a hair."""
        one, other = self.table[self.score][one], self.table[self.score][other]
        gain = one - other if self.higher_is_better else other - one
        return bool(gain > _CLOSE * (max(abs(one), abs(other)) if self.is_error else 1.0))


def statement(judged, grouped):
    """Return in words whether any model passes what the situation predicts.

    Parameters
    ----------
    judged : Judged
    grouped : bool
        Whether intervals are over groups.

    Returns
    -------
    list of str
        One to three sentences; none where nothing could be scored.

    Examples
    --------
    >>> table = pd.DataFrame({"kind": ["situation", "model"], "mae": [1, 2]}, index=["constant", "svm"])
    >>> statement(Judged("mae", False, True, {"constant": 0}, table), True)
    ['No model predicts better than constant (mae 1.000): the best, svm, has 2.000.']
    """
    situations, models = judged.of("situation"), judged.of("model")
    if not len(situations) or not len(models):
        return []
    order = sorted(situations.index, key=lambda name: judged.ranks[name])  # stable: the best of a rank first
    best, score = models.index[0], judged.score
    not_passed = next((name for name in order if not judged.better(best, name)), None)
    if not_passed is not None:
        return [
            f"No model predicts better than {not_passed} ({score} {situations[not_passed]:.3f}): the best, "
            f"{best}, has {models[best]:.3f}."
        ]
    base = situations.index[0]
    lines = _of_the_best(judged, best, base, f"over {'groups' if grouped else 'rows'}")
    behind = [name for name in models.index if not judged.better(name, base)]
    return [*lines, f"No better than {base}: {quoted(behind)}."] if behind else lines


def _of_the_best(judged, best, base, over):
    """Return how sure it is that the best model passes the best baseline, and what it knows beyond it."""
    own, other = judged.table.loc[best], judged.table.loc[base]
    against = f"{judged.score} {own[judged.score]:.3f} against {other[judged.score]:.3f}"
    low, high = own["difference_low"], own["difference_high"]
    if np.isnan(low):
        return [f"{best} predicts better than {base} ({against}); how sure that is cannot be said."]
    shown = not low <= 0 <= high
    verb = "predicts better" if shown else "is not shown to predict better"
    lines = [
        f"{best} {verb} than {base} ({against}, difference {own['difference']:.3f} [{low:.3f}, {high:.3f}] "
        f"{over})."
    ]
    low, high = own["partial_ccc_low"], own["partial_ccc_high"]
    if shown and low <= 0:
        lines.append(
            f"It is not shown to know more than {base}: the CCC of what is left of labels and predictions is "
            f"{own['partial_ccc']:.3f} [{low:.3f}, {high:.3f}]."
        )
    return lines
