"""The news in the test rows of a split: people, stimuli, sessions, later time; and what is not new."""

import warnings

import numpy as np
import pandas as pd

from avfusion.model_selection.comparison._column_kinds import KINDS, columns_that_tell_apart, kind_of
from avfusion.sequences._messages import quoted
from avfusion.sequences._row_spans import row_spans

_MOST = 4  # columns that are named
_SLACK_S = 1e-6
_FEWEST = 3  # values of a column that names no people
_FEWEST_COUNTED = 6  # of sessions by number, which may be the first and second of each person
_FEWEST_UNKNOWN = 5
_NO_GROUP = [
    "age",
    "gender",
    "sex",
    "split",
    "partition",
    "set",
    "subset",
    "fold",
    "label",
    "emotion",
    "class",
    "category",
    "condition",
    "type",
    "task",
    "language",
    "lang",
    "country",
    "culture",
    "ethnicity",
    "race",
    "camera",
    "device",
    "quality",
    "genre",
    "rate",
    "version",
    "level",
    "grade",
]
TIME = "time"


def novelty(X, folds, groups=None):
    """Measure how much of the test rows is new to the training rows of their fold.

    Parameters
    ----------
    X : DataFrame or anything else
        Its columns of metadata are looked at, and when its rows begin.
    folds : list of (train, test)
        Row positions.
    groups : DataFrame, optional
        A column for each kind of groups that were given.

    Returns
    -------
    DataFrame
        "column", "kind", "share_new"; as `Comparison.novelty`.

    Examples
    --------
    >>> X = pd.DataFrame({"subject": ["a", "a", "b", "b"], "video": [1, 2, 1, 2]})
    >>> novelty(X, [(np.array([0, 1]), np.array([2, 3]))])
        column      kind  share_new
    0  subject    person        1.0
    1    video  stimulus        0.0
    """
    columns = columns_that_tell_apart(X)
    lines = []
    for name in [] if groups is None else groups.columns[::-1]:
        columns = {name: pd.factorize(groups[name])[0]} | {n: c for n, c in columns.items() if n != name}
    for name, codes in columns.items():
        given = groups is not None and name in groups.columns
        kind = kind_of(name)
        lines.append((name, "group" if given and kind == "other" else kind, _share_new(codes, folds)))
    order = ["group", *KINDS, "other"]
    lines.sort(key=lambda line: (groups is None or line[0] not in groups.columns, order.index(line[1])))
    later = _share_later(X, folds, columns)
    if later is not None:
        lines.append(("later in time", TIME, later))
    return pd.DataFrame(lines, columns=["column", "kind", "share_new"])


def _share_new(codes, folds):
    """Return the share of test rows with a value that no training row of their fold has."""
    new = known = 0
    for train, test in folds:
        values = codes[test][codes[test] >= 0]
        new += int((~np.isin(values, codes[train])).sum())
        known += len(values)
    return new / known if known else np.nan


def _share_later(X, folds, columns):
    """Return the share of test rows that begin behind all training rows of their recording.

    None where nothing says when rows begin, or no row has a training row in its recording. Rows of a
    recording agree in all columns that name people, stimuli and the like, but for those that differ in every
    row.
    """
    if not isinstance(X, pd.DataFrame):
        return None
    begins, ends, _ = row_spans(X)
    names = [
        name for name, codes in columns.items() if kind_of(name) != "other" and len(set(codes)) < len(codes)
    ]
    recording = np.zeros(len(X), dtype=int)
    if names:
        recording = pd.DataFrame({name: columns[name] for name in names}).groupby(names).ngroup().to_numpy()
    if np.isnan(begins).all() or len(set(zip(recording, begins))) < len(X):
        return None  # rows of one recording begin at the same time: it is several, with clocks of their own
    later = shared = 0
    for train, test in folds:
        last = pd.Series(ends[train]).groupby(recording[train]).max()
        behind = last.reindex(recording[test]).to_numpy()
        later += int((begins[test] >= behind - _SLACK_S).sum())
        shared += int(np.isfinite(behind).sum())
    return later / shared if shared else None


def novelty_line(comparison):
    """Write what is new in the test rows in one line; an empty text where no column tells rows apart.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = pd.DataFrame({"subject": [0, 0, 1, 1], "video": [0, 1, 0, 1]})
    >>> novelty_line(compare({"a": Ridge()}, X, [0.0, 1.0, 1.0, 0.0], groups="subject", verbose=False))
    'Test rows: new subject; video seen in training.'
    """
    table = comparison.novelty
    if table is None or not len(table):
        return ""
    named = table[table["kind"] != TIME].dropna().head(_MOST)
    new = [str(name) for name in named["column"][named["share_new"] == 1]]
    seen = [str(name) for name in named["column"][named["share_new"] == 0]]
    partly = named[named["share_new"].between(0, 1, inclusive="neither")]
    parts = [f"new {', '.join(new)}"] * bool(new)
    parts += [f"{line.column} new in {_percent(line.share_new)}" for line in partly.itertuples()]
    parts += [f"{', '.join(seen)} seen in training"] * bool(seen)
    for share in table["share_new"][table["kind"] == TIME]:
        parts.append(f"later in time: {'no' if share == 0 else 'yes' if share == 1 else _percent(share)}")
    left_out = comparison.settings.get("share_left_out", 0)
    parts += [f"{_percent(left_out)} of the rows neither train nor are tested in a fold"] * (left_out > 0)
    return " ".join(f"Test rows: {'; '.join(parts)}.".split())  # names may have lines


def _percent(share):
    return f"{min(max(round(100 * share), 1), 99)} %"


def share_left_out(folds, n_rows):
    """Return the share of rows that a fold neither trains on nor tests, in the mean of the folds.

    Examples
    --------
    >>> share_left_out([(np.array([0]), np.array([3]))], n_rows=4)
    0.5
    """
    return float(np.mean([1 - (len(train) + len(test)) / n_rows for train, test in folds]))


def hint_at_groups(X, folds, stacklevel=2):
    """Warn of values that are on both sides of a fold, if they are people, recordings or the like.

    Nothing is said where some such column is new in all test rows: the split is by something, then.

    Parameters
    ----------
    X : DataFrame or anything else
    folds : list of (train, test)
    stacklevel : int, default=2
        As of `warnings.warn`.

    Warns
    -----
    UserWarning
        Names the best candidate.

    Examples
    --------
    >>> hint_at_groups(pd.DataFrame({"gender": ["f", "m", "f"]}), [(np.array([0, 1]), np.array([2]))])
    """
    found = {}
    for name, codes in columns_that_tell_apart(X).items():
        kind, n_values = kind_of(name), len(set(codes[codes >= 0]))
        if not 1 < n_values < len(codes) or (
            kind == "other" and not _could_be_names(X[name], name, n_values)
        ):
            continue
        share = _share_new(codes, folds)
        if share == 1 and kind != "other":
            return
        counted = kind == "session" and pd.api.types.is_numeric_dtype(X[name].dtype)
        if share < 1 and (kind == "person" or n_values >= (_FEWEST_COUNTED if counted else _FEWEST)):
            found.setdefault(kind, name)
    candidates = [
        found[kind] for kind in ("person", "recording", "session", "stimulus", "other") if kind in found
    ]
    if not candidates:
        return
    name, remedy = candidates[0], f"groups={candidates[0]!r}"
    if {"person", "stimulus"} <= set(found):
        remedy += f" (with new {found['stimulus']}: groups=({name!r}, {found['stimulus']!r}))"
    warnings.warn(
        f"X has a column {quoted([name])}, and rows of one {name} are trained on and tested in the same "
        f"fold. Give {remedy}, or a cv that keeps them on one side.",
        stacklevel=stacklevel + 1,
    )


def _could_be_names(column, name, n_values):
    """Return whether texts of a column that no word names look like names of things: P01, vid_3."""
    if n_values < _FEWEST_UNKNOWN or any(
        word in str(name).lower().replace("_", " ").split() for word in _NO_GROUP
    ):
        return False
    values = pd.unique(column.dropna().astype(str))
    return bool(
        np.mean([any(c.isdigit() for c in value) and any(c.isalpha() for c in value) for value in values])
        > 0.9
    )
