"""Check whether information about the test rows leaks into training."""

import numbers
import warnings
from itertools import chain

import numpy as np
import pandas as pd
from scipy import sparse

from avfusion.model_selection.comparison._folds import split_rows
from avfusion.model_selection.leakage._duplicates import check_recordings, check_rows
from avfusion.model_selection.leakage._groups import check_groups
from avfusion.model_selection.leakage._label_permutation import check_labels
from avfusion.model_selection.leakage._overlaps import check_overlaps
from avfusion.model_selection.leakage._parted import PartedRows
from avfusion.model_selection.leakage._preprocessing import check_preprocessing
from avfusion.model_selection.leakage._report import LeakageReport, LeakageWarning, Outcome
from avfusion.sequences import as_sequences, sequence_columns
from avfusion.sequences._groups import combined, names_of_columns, read_group_columns
from avfusion.sequences._recordings import is_table
from avfusion.sequences._rows import read_samples
from avfusion.sequences._targets import as_targets

__all__ = ["check_leakage"]


def check_leakage(model, X, y, groups=None, cv=None, *, n_permutations=5, random_state=0) -> LeakageReport:
    """Look for leaks that would make cross-validated scores too good, and warn of each one found.

    - Groups (speakers, recordings) that are trained on and tested in the same fold.
    - Recordings, or rows of a table, that are tested and trained on under two names.
    - Recordings that share a stretch of time, anywhere in each, even if it was encoded or extracted twice or
      is a noisy copy. The ranks of changes from step to step are compared at every shift.
    - Features that were standardised, scaled to a range or by quartiles, or decorrelated over all rows, test
      rows included. Scaling each recording, each group or each value of another column of X on its own is
      fine: it uses no labels and no other rows.
    - A score above chance after labels were permuted between groups, unless the labels of different groups
      are similar to begin with.

    The report lists which of these were looked at, and which were not and why. Copies and exactly equal
    stretches are looked for in all rows. Noisy ones are looked for in all pairs of rows up to about 900 rows
    of 500 steps, or 230 of 7500, if there is one column (half as many pairs in each of two), which takes
    seconds. Of more rows, neighbours and a random sample of the others are compared, always the same, and the
    report says how many pairs were not.

    Parameters
    ----------
    model : estimator or Pipeline
        Cloned, and fitted `n_permutations` times in each fold; a search gets the groups of its training
        rows, as in `compare`. None skips the shuffled labels.
    X : as in `compare`
        The samples.
    y : as in `compare`
        The labels. Groups without any are left out of the permutation.
    groups : str, sequence of str or array-like of shape (n_rows,), optional
        Column of X or values that folds must not split; by default every row is a group.
    cv : int, scikit-learn splitter, iterable or None
        As in `compare`.
    n_permutations : int, default=5
        How often labels are permuted between groups; 0 skips it. One score cannot be tested against chance;
        two or three show strong leaks only.
    random_state : int, default=0
        Seed of the permutations.

    Returns
    -------
    LeakageReport
        The findings, what was looked at, and the scores with permuted labels.

    Raises
    ------
    ValueError
        If lengths differ, `groups` or `cv` do not fit the rows, or `n_permutations` is 1 or negative.

    Warns
    -----
    LeakageWarning
        For each finding.

    Examples
    --------
    >>> import avfusion as av
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import check_leakage
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     8, recordings_per_subject=2, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> check_leakage(av.FrameRegressor(Ridge()), X, y, groups="subject", cv=4)
    No leak found: groups, copies, overlaps in time, preprocessing, shuffled labels.
    """
    if not isinstance(n_permutations, numbers.Integral) or n_permutations < 0 or n_permutations == 1:
        raise ValueError(
            "n_permutations must be 0, which skips the shuffled labels, or an integer of at least 2, not "
            f"{n_permutations!r}: the standard deviation of the scores shows what is above chance."
        )
    X, y = read_samples(X, y)
    targets = as_targets(y)
    columns = read_group_columns(groups, X)
    given = None if columns is None else combined(columns)
    with warnings.catch_warnings():  # of splitters that ignore groups, since that is checked here
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        folds = split_rows(cv, X, y, columns)
    outcomes = [check_groups(columns, folds)]
    outcomes += _check_samples(X, PartedRows(folds, targets.n_rows), given, names_of_columns(groups, X))
    scores, labels = check_labels(model, X, y, targets, given, folds, n_permutations, random_state)
    findings, looked_at, not_looked_at = ([*chain(*parts)] for parts in zip(*outcomes, labels))
    for _, message in findings:
        warnings.warn(message, LeakageWarning, stacklevel=2)
    return LeakageReport(findings, scores, looked_at, not_looked_at)


def _check_samples(X, parted, groups, group_names):
    """Look for copies, overlaps and preprocessing in columns of sequences or in a table of numbers."""
    if not (is_table(X) if isinstance(X, pd.DataFrame) else sparse.issparse(X) or _is_table(X)):
        X = as_sequences(X)  # cells may also be lists and arrays
    if isinstance(X, pd.DataFrame) and sequence_columns(X):
        outcome, copies = check_recordings(X, parted)
        return [outcome, check_overlaps(X, parted, copies), check_preprocessing(_columns(X), X, groups)]
    table = _numbers(X, group_names or [])
    time = Outcome([], [], ["overlaps in time (a table has no time)"])
    if table is None:
        return [Outcome([], [], ["copies and preprocessing (no table of numbers)"]), time]
    copies = check_rows(table, parted, X.index if isinstance(X, pd.DataFrame) else None)
    return [copies, time, check_preprocessing([("X", (table, np.arange(len(table))))], X, groups)]


def _is_table(X):
    try:
        return np.ndim(X) == 2
    except ValueError:  # arrays of different lengths, one for each row
        return False


def _numbers(X, group_names):
    """Return the floats of a table, or its integers if it has no floats, (n_rows, n_features)."""
    if not isinstance(X, pd.DataFrame):
        X = None if sparse.issparse(X) else pd.DataFrame(X).infer_objects()
    if X is None:
        return None
    features = X.drop(columns=group_names)
    floats = features.select_dtypes("float")
    chosen = floats if floats.shape[1] else features.select_dtypes("number")
    return chosen.to_numpy(dtype=float, na_value=np.nan) if chosen.shape[1] else None


def _columns(X):
    """Yield the name of each column of sequences, its steps, and the row of each step."""
    for name in sequence_columns(X):
        array = X[name].array
        yield f"column {name!r}", (array.pack().frames, np.repeat(np.arange(len(X)), array.lengths.clip(0)))
