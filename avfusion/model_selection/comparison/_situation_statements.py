"""In words: whether models predict better than the situation alone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion.sequences._messages import quoted


@dataclass(frozen=True)
class Judged:
    """Scores of baselines and models.

    Parameters
    ----------
    score : str
        Name of the column that counts.
    higher_is_better : bool
    ranks : dict of str to int
        How much a baseline knows.
    table : DataFrame
        As `Situation.table`.

    Examples
    --------
    >>> table = pd.DataFrame({"kind": ["situation", "model"], "mae": [1.0, 2.0]}, index=["one constant", "svm"])
    >>> Judged("mae", False, {"one constant": 0}, table).better("svm", "one constant")
    False
    """

    score: str
    higher_is_better: bool
    ranks: dict
    table: pd.DataFrame

    def of(self, kind):
        """Return the scores of one kind, best first; without NaN."""
        own = self.table.loc[self.table["kind"] == kind, self.score].dropna()
        return own.sort_values(ascending=not self.higher_is_better, kind="stable")

    def better(self, one, other):
        """Return whether one predictor scores better than another."""
        one, other = self.table[self.score][one], self.table[self.score][other]
        return bool(one > other if self.higher_is_better else one < other)


def statement(judged, grouped):
    """Say whether any model passes what the situation predicts.

    Parameters
    ----------
    judged : Judged
    grouped : bool
        Whether intervals are over groups.

    Returns
    -------
    list of str
        One or two sentences; none where nothing could be scored.

    Examples
    --------
    >>> table = pd.DataFrame({"kind": ["situation", "model"], "mae": [1.0, 2.0]}, index=["one constant", "svm"])
    >>> statement(Judged("mae", False, {"one constant": 0}, table), True)
    ['No model predicts better than one constant (mae 1.000): the best, svm, has 2.000.']
    """
    situations, models = judged.of("situation"), judged.of("model")
    if not len(situations) or not len(models):
        return []
    order = sorted(situations.index, key=lambda name: judged.ranks[name])  # stable: the best of a rank first
    best = models.index[0]
    passed_by_none = next((name for name in order if not judged.better(best, name)), None)
    score = judged.score
    if passed_by_none is not None:
        return [
            f"No model predicts better than {passed_by_none} ({score} {situations[passed_by_none]:.3f}): the "
            f"best, {best}, has {models[best]:.3f}."
        ]
    line = judged.table.loc[best]
    against = f"{score} {models[best]:.3f} against {situations.iloc[0]:.3f}"
    low, high = line["difference_low"], line["difference_high"]
    base = situations.index[0]
    if np.isnan(low):
        lines = [f"{best} predicts better than {base} ({against}); how sure that is cannot be said."]
    else:
        shown = f"{against}, difference {line['difference']:.3f} [{low:.3f}, {high:.3f}]"
        over = f"over {'groups' if grouped else 'rows'}"
        verb = "is not shown to predict better" if low <= 0 <= high else "predicts better"
        lines = [f"{best} {verb} than {base} ({shown} {over})."]
    behind = [name for name in models.index if not judged.better(name, base)]
    if behind:
        lines.append(f"No better than {base}: {quoted(behind)}.")
    return lines
