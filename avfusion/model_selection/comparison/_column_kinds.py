"""Kinds of columns of metadata, by their names and values: people, stimuli, sessions, recordings."""

import re

import numpy as np
import pandas as pd

from avfusion.sequences import sequence_columns

KINDS = {  # in this order where only some are named
    "person": (
        "subject subj participant person people speaker talker patient actor actress user listener viewer "
        "driver child infant individual interviewee singer pid uid dyad pair couple family team player "
    ),
    "stimulus": (
        "video movie film story stimulus stim stimuli song track music clip scene segment episode sentence "
        "prompt item topic advert ad trailer"
    ),
    "session": "session visit day run block date appointment",
    "recording": (
        "recording file filename path source conversation dialogue dialog interview call take utterance"
    ),
}
_KIND_OF = {word: kind for kind, words in KINDS.items() for word in words.split()}
_SPARE = {
    "id",
    "ids",
    "no",
    "nr",
    "num",
    "number",
    "name",
    "code",
    "key",
    "idx",
    "index",
    "identifier",
    "the",
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def kind_of(name, whole=False):
    """Return what a column of that name holds: "person", "stimulus", "session", "recording" or "other".

    Parameters
    ----------
    name : object
    whole : bool, default=False
        Whether the name must have no other word, but for "id" and the like: "date", not "update date".

    Examples
    --------
    >>> [kind_of(name) for name in ("SubjectID", "video_name", "sessions", "speaker_gender", "age")]
    ['person', 'stimulus', 'session', 'other', 'other']
    """
    words = [word.lower() for word in _WORD.findall(str(name))]
    words = [word for word in words if word not in _SPARE]
    last = words[-1] if words and not (whole and len(words) > 1) else ""
    return _KIND_OF.get(last, _KIND_OF.get(last.removesuffix("s"), "other"))


def columns_that_tell_apart(X):
    """Return columns of metadata with values that can be compared between rows: no measurements.

    Parameters
    ----------
    X : DataFrame or anything else
        Of a table without sequences, whose columns are features, only those with the name of a kind.

    Returns
    -------
    dict of str to ndarray of int of shape (n_rows,)
        Numbers of the values, -1 where there is none. Numbers, constants and what differs in every row are
        left out, unless the name says that they are people, stimuli or the like; so are numbers with
        fractions and truth values, whatever the name says.

    Examples
    --------
    >>> X = pd.DataFrame({"subject": [1, 1, 2], "age": [20, 20, 31], "pitch": [0.1, 2, 3]})
    >>> columns_that_tell_apart(X)
    {'subject': array([0, 0, 1])}
    """
    if not isinstance(X, pd.DataFrame) or not X.columns.is_unique:
        return {}
    sequences = set(sequence_columns(X))
    found = {}
    for name in X.columns:
        kind, column = kind_of(name, whole=not sequences), X[name]
        if (
            name in sequences
            or (kind == "other" and not (sequences and _is_text(column)))
            or _measures(column)
        ):
            continue
        try:
            codes, values = pd.factorize(column)
        except TypeError:  # cells that cannot be hashed
            continue
        if len(values) > 0 and (kind != "other" or 1 < len(values) < len(codes)):
            found[name] = codes
    return found


def _is_text(column):
    dtype = column.dtype.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
    return pd.api.types.is_string_dtype(dtype) or pd.api.types.is_object_dtype(dtype)


def _measures(column):
    """Return whether a column holds numbers with fractions, truth values or complex numbers."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
        return True
    if not pd.api.types.is_float_dtype(column.dtype):
        return False
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return bool(np.isinf(values).any() or (np.mod(values, 1) > 0).any())
