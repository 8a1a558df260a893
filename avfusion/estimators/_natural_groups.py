"""Groups of rows that nobody named: a column of people or of stimuli."""

import numpy as np
import pandas as pd

from avfusion.estimators._levels import PEOPLE, STIMULI, column_called, metadata_columns
from avfusion.estimators._weights import moments

__all__ = ["natural_groups"]

FEWEST = 3  # groups, of which one can be held out


def natural_groups(data):
    """Return the groups that a column of people or stimuli makes; of several that which labels follow most.

    Rows of one person, or of one video, have much in common beside what is to be learned. Held-out rows are
    to show what is reached without it.

    Parameters
    ----------
    data : Recordings
        With labels.

    Returns
    -------
    ndarray of shape (n_rows,) or None
        None where there is no such column with three values or more, some of them in several rows. Rows
        without labels have no say.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> from avfusion.sequences._recordings import read_recordings
    >>> X = as_sequences({"audio": [[1.0, 2.0]] * 6}).assign(subject=list("aabbcc"))
    >>> natural_groups(read_recordings(X, range(6), caller="fit")).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    columns = metadata_columns(data.frame)
    found = [column_called(columns, names) for names in (PEOPLE, STIMULI)]
    if found == [None, None]:
        return None
    means = row_means(data.targets.counted)
    labelled = ~np.isnan(means).all(axis=1)
    levels = [pd.factorize(data.frame[name])[0] for name in found if name is not None]
    levels = [own for own in levels if _repeats(own[labelled])]
    if not levels:
        return None
    return max(levels, key=lambda own: _explained(means, own))


def _repeats(levels):
    return bool((levels >= 0).all()) and FEWEST <= len(np.unique(levels)) < len(levels)


def row_means(targets):
    """Return the mean label of each row and target, standardised over rows; NaN without any.

    Parameters
    ----------
    targets : Targets

    Returns
    -------
    ndarray of shape (n_rows, K)
    """
    rows = targets.row_of_value
    labelled = ~np.isnan(targets.values)
    counts = np.zeros((targets.n_rows, targets.values.shape[1]))
    sums = counts.copy()
    np.add.at(counts, rows, labelled)
    np.add.at(sums, rows, np.nan_to_num(targets.values))
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    centre, deviation = moments(np.where((counts > 0).any(axis=0), means, 0.0))
    deviation = np.where(deviation > 0, deviation, 1.0)
    return means / deviation - centre / deviation


def _explained(means, levels):
    """Return the share of the variance between rows that lies between levels, less what chance gives."""
    known = ~np.isnan(means).any(axis=1)
    means, levels = means[known], np.unique(levels[known], return_inverse=True)[1]
    n, n_levels = len(means), levels.max(initial=0) + 1
    if n <= n_levels:
        return -np.inf
    sums = np.zeros((n_levels, means.shape[1]))
    np.add.at(sums, levels, means)
    within = ((means - (sums / np.bincount(levels)[:, None])[levels]) ** 2).sum() / (n - n_levels)
    total = ((means - means.mean(axis=0)) ** 2).sum() / max(n - 1, 1)
    return 1 - within / total if total > 0 else 0.0
