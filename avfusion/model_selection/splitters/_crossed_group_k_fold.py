"""Folds whose test rows share neither of two or more kinds of groups with training rows."""

from itertools import product
from numbers import Integral
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator, GroupKFold
from sklearn.utils import check_random_state

from avfusion.sequences._groups import read_group_columns
from avfusion.sequences._messages import brief, quoted

__all__ = ["CrossedGroupKFold"]


class CrossedGroupKFold(BaseCrossValidator):
    """K folds of each kind of groups, crossed: test rows are of new persons *and* new videos.

    `GroupKFold` by subject tests on videos that other subjects were trained on, so that a model which knows
    the video by its sound scores well. Here a fold tests the rows of some subjects with some videos and
    trains on the rows that share neither; those that share one are in neither part. Every row is tested
    exactly once.

    Kinds that are nested add nothing, and are left out: if each session belongs to one subject, rows that
    share no subject share no session. Combinations without any row make no fold.

    Parameters
    ----------
    groups : sequence of str, optional
        Columns of X, such as ``("subject", "video")``; two or more. By default the ``groups`` that `split`
        is given: a table with a column for each kind.
    n_splits : int or sequence of int, default=4
        Into how many parts the values of each column go, for all or one by one. There are at most as many
        folds as the product. With 4 and 4, 16 folds train on 56 % of the rows, and cost what 10 folds by one
        column cost; with 3 and 3, 9 folds on 44 %.
    shuffle : bool, default=False
        Whether values go into parts at random; otherwise by their number of rows, for equal parts.
    random_state : int, RandomState instance or None, default=None
        Seed, with `shuffle`.

    See Also
    --------
    PurgedTimeKFold : Tests a later or earlier part of recordings that are known.
    avfusion.model_selection.compare : Uses this splitter for ``groups`` of several columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from avfusion.model_selection import CrossedGroupKFold
    >>> X = pd.DataFrame({"subject": ["a", "a", "b", "b"], "video": [1, 2, 1, 2]})
    >>> cv = CrossedGroupKFold(("subject", "video"), n_splits=2)
    >>> for train, test in cv.split(X):
    ...     print(train, test)
    [0] [3]
    [1] [2]
    [2] [1]
    [3] [0]
    >>> cv.n_left_out(X)
    array([2, 2, 2, 2])
    """

    takes_group_columns = True  # where others take one group for each row
    __metadata_request__split: ClassVar[dict] = {"groups": True}

    def __init__(self, groups=None, n_splits=4, *, shuffle=False, random_state=None):
        self.groups = groups
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X, y=None, groups=None):
        """Yield training and test rows.

        Parameters
        ----------
        X : DataFrame, or anything with rows
            Holds the columns, if the splitter names some.
        y : object, optional
            Not used.
        groups : array-like of shape (n_rows, n_columns), optional
            A column for each kind of groups, if the splitter names no columns of X.

        Yields
        ------
        train, test : ndarray of int
            Row positions, ascending.

        Raises
        ------
        ValueError
            If there are fewer than two columns, a row has no group, a column has fewer values than parts, or
            no row shares nothing with the test rows of a fold.
        """
        given = self._columns(X, groups)
        columns = _not_nested(given)
        parts = self._parts(columns, dict(zip(given, self._numbers(list(given)))))
        for cell in product(*(range(part.max() + 1) for part in parts)):
            same = np.stack([part == number for part, number in zip(parts, cell)])
            test, train = np.flatnonzero(same.all(axis=0)), np.flatnonzero(~same.any(axis=0))
            if not len(test):
                continue
            if not len(train):
                row = int(test[0])
                values = " or ".join(f"{name} {_plain(columns[name].iloc[row])}" for name in columns)
                raise ValueError(
                    f"No row is left to train on where row {row} is tested: all others share {values} or "
                    "those in its fold. Set a higher n_splits, or split by one column with GroupKFold."
                )
            yield train, test

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X : DataFrame, or anything with rows, optional
            As in `split`. Without the values of the columns the number is the product of `n_splits`, the most
            there can be.
        y : object, optional
            Not used.
        groups : array-like of shape (n_rows, n_columns), optional
            As in `split`.

        Returns
        -------
        int
            Of those that test rows.
        """
        if (groups if self.groups is None else X) is None:
            return int(np.prod(self._numbers(["subject", "video"] if self.groups is None else self.groups)))
        rows = groups if X is None else X
        return sum(1 for _ in self.split(rows, y, groups))

    def n_left_out(self, X, y=None, groups=None):
        """Return how many rows each fold neither trains on nor tests.

        Parameters
        ----------
        X : DataFrame, or anything with rows
            As in `split`.
        y : object, optional
            Not used.
        groups : array-like of shape (n_rows, n_columns), optional
            As in `split`.

        Returns
        -------
        ndarray of int of shape (n_folds,)
            They share one kind of group with the test rows.
        """
        folds = list(self.split(X, y, groups))
        n_rows = sum(len(test) for _, test in folds)
        return np.array([n_rows - len(train) - len(test) for train, test in folds])

    def _columns(self, X, groups):
        given = groups
        if self.groups is not None:
            given = (self.groups,) if isinstance(self.groups, str) else tuple(self.groups)
        if given is None:
            raise ValueError(
                "groups is needed: name columns of X, CrossedGroupKFold(('subject', 'video')), or give a "
                "table with a column for each kind of group."
            )
        columns = read_group_columns(given, X)
        if columns.shape[1] < 2:
            raise ValueError(
                "CrossedGroupKFold needs two kinds of groups or more, as ('subject', 'video'); got "
                f"{quoted(columns)} alone. For one kind take GroupKFold."
            )
        return columns

    def _parts(self, columns, n_splits):
        """Return the part that each row is in, for each column."""
        random = check_random_state(self.random_state) if self.shuffle else None
        parts = []
        for name in columns:
            codes, values = pd.factorize(columns[name])
            if len(values) < n_splits[name]:
                raise ValueError(
                    f"{name} has {len(values)} value(s), {quoted(map(_plain, values), limit=3)}, fewer than "
                    f"its n_splits={n_splits[name]}. Set n_splits lower, for this column alone as in "
                    "n_splits=(2, 4), or leave the column out."
                )
            splitter = GroupKFold(n_splits[name], shuffle=self.shuffle, random_state=random)
            part = np.zeros(len(codes), dtype=int)
            for number, (_, test) in enumerate(splitter.split(codes, groups=codes)):
                part[test] = number
            parts.append(part)
        return parts

    def _numbers(self, names):
        """Return the number of parts of each column."""
        given = self.n_splits
        numbers = list(given) if np.ndim(given) else [given] * len(names)
        if len(numbers) != len(names) or not all(isinstance(n, Integral) and n >= 2 for n in numbers):
            raise ValueError(
                f"n_splits must be an integer of at least 2, or one for each of {quoted(names)}, not "
                f"{brief(given)}."
            )
        return [int(number) for number in numbers]


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _not_nested(columns):
    """Leave out columns whose values each belong to one value of another column."""
    kept = list(columns)
    for name in list(columns)[::-1]:  # of two with the same parts the first stays
        others = [other for other in kept if other != name]
        if any(columns.groupby(name)[other].nunique().max() == 1 for other in others):
            kept = others
    return columns[kept]
