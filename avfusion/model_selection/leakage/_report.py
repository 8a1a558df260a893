"""The report of a leak check, and the warning that each of its findings issues."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from avfusion.sequences._messages import printable_lines

__all__ = ["LeakageReport", "LeakageWarning"]


class LeakageWarning(UserWarning):
    """Information about the test rows leaks into training.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", LeakageWarning)  # in a script that must stop
    >>> warnings.simplefilter("default", LeakageWarning)
    """


@dataclass(frozen=True)
class LeakageReport:
    """Findings of `check_leakage`, what it looked at and what it did not.

    Parameters
    ----------
    findings : list of (str, str)
        Kind ("groups", "copies", "overlaps", "preprocessing", "labels") and what to do about it.
    shuffled_scores : ndarray of shape (n_permutations,)
        Scores with the labels of other groups, which should be near zero.
    looked_at : list of str
        Kinds of leak that were looked for.
    not_looked_at : list of str
        Kinds of leak, or parts of the data, that were not looked at, with the reason.

    Examples
    --------
    >>> LeakageReport([], looked_at=["groups"], not_looked_at=["shuffled labels (no model)"])
    No leak found: groups.
    Not looked at: shuffled labels (no model).
    """

    findings: list
    shuffled_scores: np.ndarray = field(default_factory=lambda: np.empty(0))
    looked_at: list = field(default_factory=list)
    not_looked_at: list = field(default_factory=list)

    def __repr__(self):
        lines = [f"{kind}: {message}" for kind, message in self.findings]
        if self.looked_at:
            lines.append(f"{'Looked at' if lines else 'No leak found'}: {', '.join(self.looked_at)}.")
        if self.not_looked_at:
            lines.append(f"Not looked at: {'; '.join(self.not_looked_at)}.")
        return printable_lines("\n".join(lines) or "Nothing was looked at.")


class Outcome(NamedTuple):
    """The part of one check in the report, in the terms of `LeakageReport`."""

    findings: list
    looked_at: list
    not_looked_at: list
