"""The commonest next command for recordings, and streams whose lengths disagree."""

import shlex

import numpy as np
import pandas as pd

from avfusion.cli._partitions import official_partition
from avfusion.sequences import as_targets, sequence_columns
from avfusion.sequences._label_markers import find_markers
from avfusion.sequences._messages import row_name

LABELS = "labels"
GROUPS = ("subject", "speaker", "participant", "person", "session", "group", "movie", "story", "video_id")
SLACK = 1e-6  # of a second
NEAR = 0.05  # share of its steps by which a stream may be longer than another that begins and ends with it


def columns_of(recordings):
    """Return the sequence columns, the first of the labels as "labels".

    Parameters
    ----------
    recordings : Recordings

    Returns
    -------
    dict of str to SequenceArray

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> list(columns_of(read_recordings("synthetic", options={"n_recordings": 3})))
    ['audio', 'video', 'labels']
    """
    X = recordings.X
    columns = {name: X[name].array for name in sequence_columns(X)}
    y = None if recordings.y is None else pd.DataFrame(recordings.y)
    labels = [] if y is None else sequence_columns(y)
    return columns | ({LABELS: y[labels[0]].array} if labels else {})


def unlike_lengths(recordings):
    """Compare when streams and labels end, or how many steps they have where no rate is known.

    Parameters
    ----------
    recordings : Recordings

    Returns
    -------
    kind : {"ends", "steps", "rates"} or None
        What differs: ends by more than a step, steps a little, or so much that rates have to be told.
    note : str or None

    Examples
    --------
    >>> from avfusion.cli._recordings import Recordings
    >>> from avfusion.sequences import as_sequences
    >>> X = as_sequences({"audio": [[0.0] * 100], "video": [[0.0] * 25]})
    >>> unlike_lengths(Recordings("mine", X, None))[0]
    'rates'
    """
    columns, index = columns_of(recordings), recordings.X.index
    timed = {name: column for name, column in columns.items() if column.dtype.clock in ("rates", None)}
    ends = {name: c for name, c in timed.items() if c.dtype.timed}
    if len(ends) > 1:
        values = np.array([np.nan_to_num(c.starts_s) + c.lengths / c.rates_hz for c in ends.values()])
        step = 1 / np.nanmin([np.nanmin(c.rates_hz) for c in ends.values()])
        found = _apart(values, ends, step + SLACK)
        if found is not None:
            rows, row, parts = found
            said = ", ".join(f"{name} at {value:.2f} s" for name, value in parts)
            return "ends", (
                f"Streams end apart by more than a step in {rows} of {len(index)} recordings, most in "
                f"{row_name(row, index)}: {said}."
            )
    counted = {name: c for name, c in timed.items() if not c.dtype.timed}
    found = (
        _apart(np.array([c.lengths.astype(float) for c in counted.values()]), counted, 0.5)
        if counted
        else None
    )
    if found is None:
        return None, None
    rows, row, parts = found
    lengths = np.array([value for _, value in parts])
    kind = "steps" if lengths.max() <= lengths.min() * (1 + NEAR) + 1 else "rates"
    said = ", ".join(f"{name} {value:.0f}" for name, value in parts)
    return kind, (
        f"Streams without a rate have unlike numbers of steps in {rows} of {len(index)} recordings, most in "
        f"{row_name(row, index)}: {said}."
    )


def _apart(values, columns, tolerance):
    """Return how many rows have ends that are apart, the worst row, and its ends by name."""
    values = np.where([column.lengths < 0 for column in columns.values()], np.nan, values)
    with np.errstate(invalid="ignore"):
        spread = np.fmax.reduce(values, axis=0) - np.fmin.reduce(values, axis=0)
    over = np.nan_to_num(spread) > tolerance
    if not over.any():
        return None
    row = int(np.nan_to_num(spread).argmax())
    parts = [(name, value) for name, value in zip(columns, values[:, row]) if not np.isnan(value)]
    return int(over.sum()), row, parts


def typed_options(target, reading):
    """Return the options of a command as they were typed.

    Parameters
    ----------
    target : list of str or None
    reading : dict
        Of the options that say how recordings are read.

    Returns
    -------
    list of str

    Examples
    --------
    >>> typed_options(["mood"], {"rate": ["audio=25"], "missing_label": [-5.0], "pair": None})
    ['--target', 'mood', '--rate', 'audio=25', '--missing-label', '-5']
    """
    words = []
    for name, given in {"target": target, **reading}.items():
        for value in given if isinstance(given, list) else [given]:
            if value is not None:
                text = f"{value:g}" if isinstance(value, float) else str(value)
                words += [f"--{name.replace('_', '-')}", text]
    return words


def next_step(recordings, typed=()):
    """Return the command that most people will type next, or None where none is clear.

    Parameters
    ----------
    recordings : Recordings
    typed : list of str
        Options that were given to read them.

    Returns
    -------
    str or None

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> next_step(read_recordings("synthetic", options={"n_recordings": 3}), ["--option", "n_recordings=3"])
    'avfusion compare synthetic --option n_recordings=3 --output results'
    """
    typed, kind = list(typed), unlike_lengths(recordings)[0]
    markers = _markers(recordings.y)
    more = [word for value in markers for word in ("--missing-label", f"{value:g}")]
    if recordings.y is None:
        return None
    if kind == "rates":
        counted = [name for name, c in columns_of(recordings).items() if not c.dtype.timed]
        rates = [word for name in counted for word in ("--rate", f"{name}=HZ")]
        return _command("describe", recordings.name, typed + rates + more)
    if kind is not None and "--pair" not in typed and LABELS in columns_of(recordings):
        more += ["--pair", "trim"]
    if len(recordings.X) < 2:
        return _command(
            "fit", recordings.name, [*typed, *more, "--estimator", "ridge", "--output", "ridge.model"]
        )
    return _command("compare", recordings.name, [*typed, *more, *_folds(recordings), "--output", "results"])


def _command(verb, source, words):
    return shlex.join(["avfusion", verb, source, *words])


def _markers(y):
    targets = None if y is None else as_targets(y)
    found = [] if y is None else [find_markers(values) for values in targets.values.T]
    return sorted({value for one in found for value in one})


def _folds(recordings):
    """Return the options that split recordings as their metadata suggests."""
    X, official = recordings.X, official_partition(recordings)
    if official is not None:
        name, train, test = official
        return ["--train", f"{name}={train}", "--test", f"{name}={test}"]
    for name in recordings.metadata:
        plain = str(name).lower().removesuffix("_id") if str(name).lower() != "video_id" else "video_id"
        if recordings.groups is None and plain in GROUPS and 1 < X[name].nunique() < len(X):
            return ["--groups", str(name)]
    return []
