"""Official partitions: the rows that the options --train and --test name by a metadata column."""

import warnings

import numpy as np
import pandas as pd

from avfusion.cli._recordings import check_known

TRAIN = ("train", "training", "trn", "train_set")
TEST = ("devel", "dev", "development", "validation", "valid", "val", "test", "validation_set")


def official_partition(recordings):
    """Find the metadata column that parts recordings into those to train on and others.

    Parameters
    ----------
    recordings : Recordings

    Returns
    -------
    (column, train, test) or None
        The name of the column, and its values for training and, of validation and test, the first that is
        there.

    Examples
    --------
    >>> from avfusion.cli._recordings import Recordings
    >>> X = pd.DataFrame({"split": ["Train", "Test", "Devel"]})
    >>> official_partition(Recordings("mine", X, None))
    ('split', 'Train', 'Devel')
    """
    for name in recordings.metadata:
        values = {str(value).lower(): str(value) for value in recordings.X[name].dropna().unique()}
        train, test = (next((values[one] for one in known if one in values), None) for known in (TRAIN, TEST))
        if train and test:
            return name, train, test
    return None


def warn_of_partition(recordings):
    """Warn that cross-validation does not keep to an official partition, where there is one.

    Parameters
    ----------
    recordings : Recordings
    """
    official = official_partition(recordings)
    if official is not None:
        name, train, test = official
        warnings.warn(
            f"{name!r} looks like an official partition, but cross-validation trains on rows of all its "
            f"values. To keep to it: --train {name}={train} --test {name}={test}.",
            stacklevel=3,
        )


def rows_named(option, texts, recordings):
    """Return the rows that have one of the values.

    Parameters
    ----------
    option : str
        For messages, such as ``--train``.
    texts : list of str
        Each ``COLUMN=VALUE``.
    recordings : Recordings

    Returns
    -------
    ndarray of int
        Positions in ascending order.

    Raises
    ------
    ValueError
        If there is no such column or value.

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> recordings = read_recordings("synthetic", options={"n_recordings": 6, "recordings_per_subject": 2})
    >>> rows_named("--test", ["subject=0", "subject=2"], recordings)
    array([0, 1, 4, 5])
    """
    chosen = np.zeros(len(recordings.X), dtype=bool)
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise ValueError(f"{option} {text} must have the form COLUMN=VALUE, as in partition=train.")
        check_known(option, [name], recordings.metadata, f"{recordings.name} has no such metadata column")
        found = _equal(recordings.X[name], value)
        if not found.any():
            known = recordings.X[name].dropna().astype(str).unique()
            check_known(option, [value], known, f"{name!r} of {recordings.name} has no such value")
        chosen |= found
    return np.flatnonzero(chosen)


def _equal(column, text):
    """Return which rows have a value, however it was written: 1 is 1.0, too."""
    known = column.notna().to_numpy()
    found = np.array([str(value).strip() == text for value in column])
    if pd.api.types.is_numeric_dtype(column.dtype):
        found |= column.to_numpy(dtype=np.float64, na_value=np.nan) == pd.to_numeric(text, errors="coerce")
    return found & known


def official_fold(train, test, recordings):
    """Return the one fold of an official partition, or None without one.

    Parameters
    ----------
    train, test : list of str or None
        Values of the options --train and --test.
    recordings : Recordings

    Returns
    -------
    list of one (train, test), or None

    Raises
    ------
    ValueError
        If only one of them is given, or they have rows in common.

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> recordings = read_recordings("synthetic", options={"n_recordings": 4, "recordings_per_subject": 2})
    >>> official_fold(["subject=0"], ["subject=1"], recordings)
    [(array([0, 1]), array([2, 3]))]
    """
    if not train and not test:
        return None
    if not train or not test:
        raise ValueError(
            "--train and --test go together: name the rows of both, as in --test partition=devel."
        )
    fold = rows_named("--train", train, recordings), rows_named("--test", test, recordings)
    both = np.intersect1d(*fold)
    if len(both):
        raise ValueError(f"--train and --test have {len(both)} recordings in common: choose other values.")
    return [fold]


def check_is_no_partition(name, values):
    """Raise an error where groups are the parts of an official partition: each would be trained on.

    Parameters
    ----------
    name : str
        The metadata column.
    values : pandas.Series
        Its values.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_is_no_partition("partition", pd.Series(["train", "devel", "test"]))
    Traceback (most recent call last):
    ...
    ValueError: --groups partition would train on 'test' and 'devel' in turn. Name both sides: --train
    partition=train --test partition=devel.
    """
    given = [str(value) for value in values.dropna().unique()]
    parts = {value.strip().lower(): value for value in given}
    train = next((parts[word] for word in TRAIN if word in parts), None)
    tests = [value for word, value in parts.items() if word in TEST]
    if train is None or not tests or len(given) != len(tests) + 1:
        return
    test = next((value for value in tests if "test" not in value.lower()), tests[0])
    others = " and ".join(repr(value) for value in sorted(tests, reverse=True))
    raise ValueError(
        f"--groups {name} would train on {others} in turn. Name both sides: --train {name}={train} --test "
        f"{name}={test}."
    )
