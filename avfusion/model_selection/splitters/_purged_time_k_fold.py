"""Folds of long recordings in time, without training rows that touch or nearly touch the test rows."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from avfusion.sequences._groups import combined, read_group_columns
from avfusion.sequences._messages import brief, quoted, row_name
from avfusion.sequences._row_spans import row_spans
from avfusion.sequences._time_values import seconds

__all__ = ["PurgedTimeKFold"]

_SLACK_S = 1e-6


class PurgedTimeKFold(BaseCrossValidator):
    """K folds of recordings in time: each tests one block and leaves out rows nearer to it than a gap.

    It asks how well a model does in another part of recordings that it knows. Each recording's rows, in the
    order of time, are cut into blocks of as many rows; fold k tests block k of all recordings. Neighbouring
    rows are alike, and windows may overlap: rows of the same recording that overlap a test row, or are nearer
    than `gap_s`, are in neither part. Every row is tested once.

    A row is the smallest thing that can be split: cut long recordings first, with `avfusion.cut`, whose rows
    say when they begin.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    gap_s : float, default=0.0
        Seconds at least between a test row and a training row of the same recording: for how long labels and
        features stay alike.
    groups : str or sequence of str, optional
        Columns of X that name the recording, whose rows have one clock. By default the ``groups`` that
        `split` is given; without any, all rows are of one recording.
    time : str or (str, str), optional
        Column of X with the begin of each row, or columns of begin and end, in seconds or Timedelta. By
        default the streams say it; with a begin alone they say how long a row lasts, or it is an instant.
    forward : bool, default=False
        Whether only earlier blocks train, as in `TimeSeriesSplit`. There is one block more then, and the
        first is never tested.

    See Also
    --------
    CrossedGroupKFold : Tests rows of new persons with new videos.
    avfusion.cut : Cuts recordings into rows.

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.model_selection import PurgedTimeKFold
    >>> from avfusion.sequences import as_sequences
    >>> X = as_sequences({"audio": [np.zeros(2)] * 6}, rate_hz=1, start_s=[0, 2, 4, 6, 8, 10])
    >>> for train, test in PurgedTimeKFold(3, gap_s=1.0).split(X):
    ...     print(train, test)
    [3 4 5] [0 1]
    [0 5] [2 3]
    [0 1 2] [4 5]
    """

    __metadata_request__split: ClassVar[dict] = {"groups": True}

    def __init__(self, n_splits=5, *, gap_s=0.0, groups=None, time=None, forward=False):
        self.n_splits = n_splits
        self.gap_s = gap_s
        self.groups = groups
        self.time = time
        self.forward = forward

    def split(self, X, y=None, groups=None):
        """Yield training and test rows.

        Parameters
        ----------
        X : DataFrame
            With sequence columns that say when they begin, or the columns that `time` names.
        y : object, optional
            Not used.
        groups : array-like of shape (n_rows,), optional
            The recording of each row, if the splitter names no column of X.

        Yields
        ------
        train, test : ndarray of int
            Row positions, ascending.

        Raises
        ------
        ValueError
            If nothing says when a row begins, recordings have too few rows, the gap leaves no training rows,
            or a parameter is not as above.
        """
        self._check()
        codes, names = self._recordings(X, groups)
        begins, ends = self._spans(X, codes, names)
        block_of_row = self._blocks(codes, begins, ends)
        for block in range(int(self.forward), self.n_splits + int(self.forward)):
            test = block_of_row == block
            train = block_of_row < block if self.forward else ~test
            train &= ~self._near(test, codes, begins, ends)
            if not train.any():
                raise ValueError(self._no_row(block + (not self.forward), names is not None))
            yield np.flatnonzero(train), np.flatnonzero(test)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Not used.

        Returns
        -------
        int
            As given.
        """
        return self.n_splits

    def _check(self):
        if not _is(self.n_splits, Integral) or self.n_splits < 2 - bool(self.forward):
            least = 2 - bool(self.forward)
            raise ValueError(f"n_splits={brief(self.n_splits)} must be an integer of at least {least}.")
        if not _is(self.gap_s, Real) or not 0 <= self.gap_s < np.inf:
            raise ValueError(f"gap_s={brief(self.gap_s)} must be a number of seconds, 0 or more.")

    def _no_row(self, fold, named):
        """Write that no row is left to train on in a fold, and what can be done."""
        names = "" if named else ", or name the recordings if there are several: groups='recording'"
        if self.gap_s:
            return (
                f"gap_s={self.gap_s:g} leaves no row to train on in fold {fold}. Take a smaller gap{names}."
            )
        return (
            f"No row is left to train on in fold {fold}: all begin at one time, or overlap the test rows. "
            f"Cut recordings into shorter rows, av.cut(X, table){names}."
        )

    def _recordings(self, X, groups):
        """Return the number of each row's recording, and the names of recordings."""
        given = groups if self.groups is None else self.groups
        given = tuple(given) if self.groups is not None and not isinstance(given, str) else given
        if given is None:
            n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
            return np.zeros(n_rows, dtype=int), None
        return pd.factorize(combined(read_group_columns(given, X)))

    def _spans(self, X, codes, names):
        """Return when rows begin and end, in seconds on the clock of their recording."""
        begins, ends, durations = row_spans(X)
        if self.time is not None:
            columns = [self.time] if isinstance(self.time, str) else list(self.time)
            if not 1 <= len(columns) <= 2:
                raise ValueError(
                    f"time={brief(self.time)} must be the column of X with the begin of each row, or two: "
                    "('start', 'end')."
                )
            begins, *end = (_times(X, name) for name in columns)
            ends = end[0] if end else begins + np.nan_to_num(durations)
            if (ends < begins).any():
                row = row_name(int(np.argmax(ends < begins)), X.index)
                raise ValueError(
                    f"The row ends before it begins: {row}, {quoted(columns)}. Correct its times."
                )
        single = np.bincount(codes)[codes] == 1
        begins = np.where(single & np.isnan(begins), 0.0, begins)
        ends = np.where(single & np.isnan(ends), durations, ends)
        self._check_can_be_cut(codes, names)
        unknown = np.isnan(begins) | (np.isnan(ends) & ~single)
        if unknown.any():
            row = row_name(int(unknown.argmax()), X.index if isinstance(X, pd.DataFrame) else None)
            raise ValueError(
                f"Nothing says when {row} begins. Name a column of begins in seconds, time='start', or "
                "declare it: av.cut(X, table) does when it makes rows, as does as_sequences(X, start_s=...)."
            )
        return begins, np.nan_to_num(ends)

    def _check_can_be_cut(self, codes, names):
        """Raise where recordings have too few rows for so many blocks."""
        n_blocks, longest = self.n_splits + bool(self.forward), int(np.bincount(codes).max())
        short = longest == 1 or (self.forward and longest < n_blocks) or len(codes) < n_blocks
        if short:
            which = "X has" if names is None else f"{len(names)} recording(s) have"
            raise ValueError(
                f"{which} at most {longest} row(s) each, which cannot be split into {n_blocks} blocks of "
                "time. Cut recordings into rows first, av.cut(X, table) with a line for each stretch, or "
                "lower n_splits."
            )

    def _blocks(self, codes, begins, ends):
        """Return the number of the block of each row."""
        n_blocks, blocks = self.n_splits + bool(self.forward), np.empty(len(codes), dtype=int)
        turn = 0
        for rows in pd.Series(codes).groupby(codes).indices.values():
            order = rows[np.lexsort((ends[rows], begins[rows]))]
            own = np.arange(len(rows)) * n_blocks // len(rows)
            if len(rows) < n_blocks and not self.forward:  # they take turns, so that folds are of a size
                own, turn = (turn + np.arange(len(rows))) % n_blocks, turn + len(rows)
            blocks[order] = own
        return blocks

    def _near(self, test, codes, begins, ends):
        """Return the rows that overlap a test row of their recording, or are nearer to it than the gap.

        Test rows of a recording follow each other, so that all of them together are one stretch of time.
        """
        n_recordings = codes.max() + 1
        first, last_begin, last = np.full((3, n_recordings), [[np.inf], [-np.inf], [-np.inf]])
        np.minimum.at(first, codes[test], begins[test])
        np.maximum.at(last_begin, codes[test], begins[test])
        np.maximum.at(last, codes[test], ends[test])
        first, last_begin, last = first[codes], last_begin[codes], last[codes]
        # instants at one time touch without sharing any, hence the second conditions
        before = (ends <= first - self.gap_s + _SLACK_S) & (begins < first)
        after = (begins >= last + self.gap_s - _SLACK_S) & (begins > last_begin)
        return ~(before | after)


def _is(value, kind):
    """Return whether a value is a number of some kind, and no truth value."""
    return isinstance(value, kind) and not isinstance(value, (bool, np.bool_))


def _times(X, name):
    if not isinstance(X, pd.DataFrame) or name not in X.columns:
        known = quoted(X.columns) if isinstance(X, pd.DataFrame) else "none, as X is no DataFrame"
        raise ValueError(f"time={name!r} is no column of X. Its columns are {known}.")
    if pd.api.types.is_bool_dtype(X[name].dtype):
        raise ValueError(f"Column {name!r} holds truth values, no times. Give seconds, or a Timedelta.")
    values = seconds(X[name], name)
    if not np.isfinite(values).all():
        row = row_name(int(np.isfinite(values).argmin()), X.index)
        raise ValueError(f"Column {name!r} has no time for {row}. Fill it in, or drop the row.")
    return values
