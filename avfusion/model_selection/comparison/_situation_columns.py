"""Which columns say in what situation a recording was made: its stimulus, its person, other metadata."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion.estimators._levels import (
    PEOPLE,
    STIMULI,
    codes_of,
    column_called,
    levels_of,
    metadata_columns,
    read_table,
)
from avfusion.sequences import sequence_columns
from avfusion.sequences._cell_columns import holds_sequences
from avfusion.sequences._messages import brief, did_you_mean, quoted

ROLES = {"stimulus": STIMULI, "person": PEOPLE}
_MOST_OTHERS = 3  # columns that are neither


@dataclass(frozen=True)
class Factor:
    """A column by which rows belong together: of a stimulus, of a person, or another one.

    Parameters
    ----------
    role : {"stimulus", "person", "other"}
    name : str
        Of the column, or columns.
    codes : ndarray of int of shape (n_rows,)
        Number of the level of each row; -1 where it is missing.

    Examples
    --------
    >>> factor = Factor("stimulus", "video", np.array([0, 0, 1]))
    >>> factor.n_levels, factor.known([(np.array([0]), np.array([1, 2]))])
    (2, 0.5)
    """

    role: str
    name: str
    codes: np.ndarray

    @property
    def n_levels(self):
        """Number of levels."""
        return int(self.codes.max(initial=-1)) + 1

    @property
    def repeats(self):
        """Return whether there are several levels, and one of them more than once."""
        return self.n_levels > 1 and bool((np.bincount(self.codes[self.codes >= 0]) > 1).any())

    def known(self, folds):
        """Return the share of the tested rows whose level is among the training rows of their fold."""
        seen = [
            np.isin(self.codes[test], self.codes[train]) & (self.codes[test] >= 0) for train, test in folds
        ]
        return float(np.concatenate(seen).mean())


def check_situation(situation, X):
    """Raise unless `situation` is what `compare` takes.

    Parameters
    ----------
    situation : "auto", None or dict
    X : samples

    Raises
    ------
    TypeError, ValueError

    Examples
    --------
    >>> check_situation({"stimulus": "video"}, pd.DataFrame({"video": [1, 2]}))
    >>> check_situation({"stimulus": "film"}, pd.DataFrame({"video": [1, 2]}))
    Traceback (most recent call last):
    ValueError: situation: stimulus='film' is no column of X. Its columns are 'video'.
    """
    X = read_table(X)
    if situation is None or (isinstance(situation, str) and situation == "auto"):
        return
    if not isinstance(situation, Mapping):
        raise TypeError(
            "situation must be 'auto', None or a dict such as {'stimulus': 'video', 'person': 'subject'}, "
            f"not {brief(situation)}."
        )
    for role, columns in situation.items():
        if role not in ROLES:
            raise ValueError(
                f"situation has the key {brief(role)}{did_you_mean(role, ROLES)}. Its keys are "
                f"{quoted(ROLES)}, its values columns of X."
            )
        for column in _columns(columns, X):
            if not isinstance(X, pd.DataFrame):
                raise ValueError(f"situation: {role}={column!r} names a column, but X is not a DataFrame.")
            if column not in X.columns:
                raise ValueError(
                    f"situation: {role}={brief(column)} is no column of X. Its columns are "
                    f"{quoted(X.columns)}."
                )
            if not X.columns.is_unique:
                raise ValueError(
                    "Columns of X have one name, so that situation cannot name them: rename them."
                )
            if holds_sequences(X[column]):
                raise ValueError(
                    f"situation: {role}={column!r} is a modality of X. Name a column of metadata."
                )


def factors_of(situation, X, groups=None, groups_name=None, leave_out=None):
    """Return what rows have in common beside their features.

    Parameters
    ----------
    situation : "auto", None or dict
        Columns by role; roles that are not in it are found by the names of columns, None is none.
    X : samples
    groups : ndarray of shape (n_rows,), optional
        Stand for people where no column is called so; those that no column has are left out.
    groups_name : str, optional
        Of their column.
    leave_out : str, optional
        A column that is none of these, such as that of weights.

    Returns
    -------
    list of Factor
        At most one stimulus and one person; then other columns of metadata with few values.

    Examples
    --------
    >>> table = pd.DataFrame({"video": ["a", "a", "b", "b"], "subject": [1, 2, 1, 2], "age": [30, 4, 30, 4]})
    >>> [(factor.role, factor.name) for factor in factors_of("auto", table)]
    [('stimulus', 'video'), ('person', 'subject')]
    """
    if situation is None:
        return []
    X = read_table(X)
    named = {} if isinstance(situation, str) else dict(situation)
    free = [name for name in metadata_columns(X) if name != leave_out and _may_be_levels(X[name])]
    taken = {column for columns in named.values() for column in _columns(columns, X)}
    found = {}
    for role, names in ROLES.items():
        if role in named:
            factor = _factor(role, X, _columns(named[role], X))
        else:
            factor = _called(role, X, [name for name in free if name not in taken], names)
        if factor is not None and factor.repeats:
            found[role] = factor
    if groups is not None and not {"person"} & {*found, *named}:
        found |= _grouped(X, free, groups, groups_name, found.values())
    chosen = [found[role] for role in ROLES if role in found]
    return [*chosen, *_others(X, free, chosen)]


def _grouped(X, free, groups, name, others):
    """Return the groups as people, if they have the name of a column, or a column says the same."""
    codes, _ = codes_of(list(groups))
    factor = Factor("person", str(name), codes)
    if name is None:
        factor = next((own for own in (_factor("person", X, [c]) for c in free) if _same(factor, own)), None)
    if factor is None or not factor.repeats or any(_same(factor, other) for other in others):
        return {}
    return {"person": factor}


def _called(role, X, free, names):
    """Return the first column that has one of the names of a role and whose values repeat, or None."""
    left = list(free)
    while (column := column_called(left, names)) is not None:
        factor = _factor(role, X, [column])
        if factor.repeats:
            return factor
        left.remove(column)
    return None


def _others(X, free, chosen):
    """Return other columns of metadata whose values repeat and say something else."""
    is_table = isinstance(X, pd.DataFrame) and not sequence_columns(X)
    found = list(chosen)
    for name in free:
        if is_table and pd.api.types.is_numeric_dtype(X[name].dtype):
            continue  # a feature
        factor = _factor("other", X, [name])
        few = 1 < factor.n_levels <= len(X) / 2
        if (
            few
            and not any(_same(factor, other) for other in found)
            and str(name) not in {f.name for f in found}
        ):
            found.append(factor)
    return found[len(chosen) :][:_MOST_OTHERS]


def _factor(role, X, columns):
    if not columns:
        return None
    codes, _ = codes_of(levels_of(X, columns))
    return Factor(role, ", ".join(map(str, columns)), codes)


def _columns(columns, X):
    if columns is None:
        return []
    one = isinstance(columns, str) or not isinstance(columns, (list, tuple))
    if isinstance(columns, tuple) and isinstance(X, pd.DataFrame) and columns in X.columns:
        one = True
    return [columns] if one else list(columns)


def _may_be_levels(column):
    """Return whether values name something: texts, categories, whole numbers."""
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return not (np.mod(values[np.isfinite(values)], 1) > 0).any()
    return True


def _same(one, other):
    """Return whether two factors divide the rows in the same way."""
    if one.n_levels != other.n_levels:
        return False
    pairs = set(zip(one.codes.tolist(), other.codes.tolist()))
    return len(pairs) == len(set(one.codes.tolist())) == len(set(other.codes.tolist()))
