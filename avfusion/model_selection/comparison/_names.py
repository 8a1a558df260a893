"""Names in the tables and files of a comparison: of estimators, scores, targets, rows and groups."""

from collections import Counter

import pandas as pd
from pandas.api.types import is_scalar

from avfusion.sequences._messages import quoted

_COLUMNS = (
    "estimator", "seed", "fold", "held_out", "n_train", "n_test", "fit_s", "predict_s", "group", "target",
    "n_rows", "n_failed", "n_seeds",
)  # fmt: skip
_ENDS = ("", "_low", "_high", "_fold_mean", "_fold_std", "_group_mean", "_seed_std")


def check_names(n_seeds, scores, targets):
    """Raise an error if two names would be one in the tables, or no file could hold a name.

    Parameters
    ----------
    n_seeds : dict
        How many seeds each estimator has, by its name.
    scores, targets : iterable
        Their names.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_names({"a": 1, 1: 1}, ["ccc"], ["mood"])
    >>> check_names({"1": 1, 1: 1}, ["ccc"], ["mood"])
    Traceback (most recent call last):
    ...
    ValueError: estimators has the names '1', 1, which are the same in tables. Rename one of them.
    """
    if "" in n_seeds:  # an empty cell of a table is none
        raise ValueError("An estimator has an empty name: name it.")
    _check_differ(
        "estimators", [(name, prediction_columns(name, number)) for name, number in n_seeds.items()]
    )
    _check_differ("scoring", [(name, [f"{name}{end}" for end in _ENDS]) for name in scores], _COLUMNS)
    _check_differ("y", [(name, [str(name)]) for name in targets])


def prediction_columns(name, n_seeds):
    """Return the columns of an estimator's predictions, one for each seed.

    Examples
    --------
    >>> prediction_columns("ridge", 2)
    ['prediction: ridge, seed 0', 'prediction: ridge, seed 1']
    """
    return [f"prediction: {name}" + (f", seed {seed}" if n_seeds > 1 else "") for seed in range(n_seeds)]


def as_texts(names):
    r"""Write names as text that every file can hold: bytes that are no UTF-8 become escapes.

    Parameters
    ----------
    names : iterable
        Such as a MultiIndex, whose names are tuples.

    Returns
    -------
    list of str

    Examples
    --------
    >>> as_texts(["a", ("b", 1), "caf\udce9"])
    ['a', "('b', 1)", 'caf\\udce9']
    """
    return [str(name).encode(errors="backslashreplace").decode() for name in names]


def _check_differ(what, columns, taken=()):
    """Raise where names, each with its columns, have one in common, one that is taken, or none at all."""
    for name, own in columns:
        if is_scalar(name) and pd.isna(name):
            raise ValueError(f"{what} has the name {name!r}, which counts as missing: name it.")
        if not _is_text(own[0]):
            raise ValueError(f"{what} has the name {name!r}, which is not valid Unicode: rename it.")
        if set(own) & set(taken):
            raise ValueError(f"{what} has the name {name!r}, which a column of the tables has: rename it.")
    count = Counter(column for _, own in columns for column in own)
    same = [name for name, own in columns if any(count[column] > 1 for column in own)]
    if same:
        raise ValueError(
            f"{what} has the names {quoted(same)}, which are the same in tables. Rename one of them."
        )


def _is_text(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
