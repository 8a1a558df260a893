"""Read recordings from a folder with a sub-folder for each modality and a file for each recording."""

import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from avfusion.datasets._folder_labels import read_labels
from avfusion.datasets._recording_tables import read_recording_table
from avfusion.datasets._stream_files import asked_of, files_of, read_streams
from avfusion.sequences import SequenceArray, as_targets, mask_labels
from avfusion.sequences._label_markers import warn_of_markers
from avfusion.sequences._messages import quoted

LABELS = "labels"


def load_folder(
    folder, rate_hz=None, *, targets=None, valid=None, keep=(), missing_label=None, raters=None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Read recordings, their labels and their metadata from a folder.

    The layout, where ``clip01`` is the name of a recording::

        audio/clip01.npy       features (steps, features) or (steps,), one folder for each modality
        audio/clip02.csv       one row per step, a column per feature, with or without a header
        video/clip01.npy       a recording without a file in a modality's folder lacks that stream
        labels/clip01.csv      labels per step, a column per target (or .npy); every recording has one
        labels.csv             or instead labels per clip: the column "recording", and a column per target
        metadata.csv           optional: the column "recording", and any others (subject, session)
        rates.toml             optional: steps per second, as in ``audio = 25`` and ``labels = 1``

    Tables are read as pandas, R, spreadsheets, OpenFace and openSMILE write them: separated by commas,
    semicolons, tabs or spaces (.csv, .tsv). Missing numbers (NaN, ``NA``, ``?``, ``-nan(ind)``, empty cells,
    in a file of one column empty lines) are features that were not observed, or steps without a label.

    Columns that are bookkeeping (clocks, frame numbers, face and segment ids, confidence, success, an index,
    and what counts steadily through all recordings) are neither features nor targets; a warning names them.
    Frames that are missing by their number are steps of NaN.

    Parameters
    ----------
    folder : str or path-like
        The folder.
    rate_hz : dict of str to float, optional
        Steps per second by modality, and of ``labels``. They override those of ``rates.toml``.
    targets : list of str, optional
        Columns of the labels to read, in this order; by default all that are no bookkeeping.
    valid : str, dict of str to float, or False, optional
        Column of the features that says which steps were observed (above 0), or columns with the lowest
        values of steps that were, as in ``{"confidence": 0.8}``. Features of the others are NaN. By default
        ``success`` where there is such a column; False takes all steps as they are.
    keep : list of str, default=()
        Columns of the features that are features although they look like bookkeeping.
    missing_label : float or list of float, optional
        Numbers that stand for "no label", such as -5.
    raters : "mean", optional
        What to do with columns of several annotators (``FM1``, ``FM2``, ``rater_1``), which are refused
        otherwise: average them into one target.

    Returns
    -------
    X : pandas.DataFrame
        A row per recording, with its name as index: metadata, and a float32 sequence column per modality.
    y : pandas.DataFrame or None
        A column per target: float64 sequences, or numbers; None where there are no labels.

    Raises
    ------
    ValueError
        If a file cannot be read or holds no numbers, widths or names of features differ between recordings, a
        recording has no labels or no metadata where others do, labels are of several annotators, or
        a parameter names something that is not there. The message names the file and the remedy.
    OSError
        If the folder cannot be read.

    Warns
    -----
    UserWarning
        If columns are set aside, or steps are missing or not valid; if there are files of other kinds, or
        labels or metadata of recordings without features, which are left out; if labels seem to hold a marker
        for "no label".

    See Also
    --------
    avfusion.as_sequences : The same from arrays and tables in memory.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from avfusion.datasets import load_folder
    >>> with TemporaryDirectory() as folder:
    ...     for name, frames in {"audio": np.zeros((50, 4)), "labels": np.zeros(2)}.items():
    ...         Path(folder, name).mkdir()
    ...         np.save(Path(folder, name, "clip01.npy"), frames)
    ...     X, y = load_folder(folder, rate_hz={"audio": 25, "labels": 1})
    >>> X
                       audio
    recording
    clip01     50 x 4, 2.0 s
    >>> y
                       label
    recording
    clip01      2 x 1, 2.0 s
    """
    folder = Path(folder)
    targets, keep = ([names] if isinstance(names, str) else names for names in (targets, keep))
    modalities, others = _modalities(folder)
    rates = _rates(folder, rate_hz or {}, {*modalities, LABELS})
    names = pd.Index(
        sorted({name for files in modalities.values() for name in files}), name="recording", dtype=object
    )
    X = _metadata(folder, names)
    streams = {}
    for modality, files in modalities.items():
        if modality in X.columns:
            raise ValueError(
                f"{folder / 'metadata.csv'}: the column {modality!r} has the name of a modality; rename it."
            )
        rate = rates.get(modality)
        paths = [files.get(name) for name in names]
        read = streams[modality] = read_streams(paths, keep=keep, valid=valid, rate_hz=rate)
        column = SequenceArray.from_sequences(read.cells, dtype=np.float32)
        X[modality] = column.with_clock(rate, start_s=read.start_s).with_features(read.names)
        read.cells = None  # X has a copy
    _check_found(streams, keep, valid)
    y, aside = read_labels(folder, names, rates.get(LABELS), targets, raters)
    _tell_of_columns(streams | {LABELS: aside})
    _tell_of_files(others)
    return X, _without_markers(y, missing_label)


def _modalities(folder):
    """Return the files of each modality by recording, and the paths that are not read."""
    modalities, others = {}, []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            files, more = files_of(path)
            others += more
            if path.name != LABELS:
                modalities[path.name] = files
        elif path.stem in (LABELS, "metadata", "rates") and path.suffix not in (".csv", ".toml"):
            others.append(path)
    if not modalities:
        raise ValueError(
            f"{folder} holds no recordings. It needs a sub-folder for each modality (audio, video) with a "
            ".npy or .csv file for each recording."
        )
    return modalities, others


def _rates(folder, given, known):
    path = folder / "rates.toml"
    rates = {}
    if path.is_file():
        try:
            rates = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} cannot be read: {error}. It holds lines such as audio = 25.") from error
    for where, names in ((str(path), rates), ("rate_hz", given)):
        for name in names:
            if name not in known:
                raise ValueError(f"{where} names {name!r}, but there are only {', '.join(sorted(known))}.")
    return rates | given


def _metadata(folder, names):
    path = folder / "metadata.csv"
    if not path.is_file():
        return pd.DataFrame(index=names)
    return read_recording_table(path, names)


def _without_markers(y, missing_label):
    if y is None:
        return None
    if missing_label is not None:
        y = mask_labels(y, missing_label)
    warn_of_markers(as_targets(y), stacklevel=3)
    return y


def _check_found(streams, keep, valid):
    """Refuse names that no file has."""
    known = {name for read in streams.values() for name in [*(read.names or ()), *read.aside]}
    for parameter, asked in (("keep", keep), ("valid", asked_of(valid))):
        unknown = [name for name in asked if name not in known]
        if unknown:
            raise ValueError(
                f"{parameter} names {quoted(unknown, limit=3)}, but no file of features has such a column. "
                f"There are {quoted(sorted(known)) or 'no names: arrays have none'}."
            )


def _tell_of_columns(streams):
    """Warn, once, of the columns that were set aside, and of steps that are not valid."""
    aside = {name: read.aside for name, read in streams.items() if read.aside}
    parts = []
    if aside:
        columns = dict.fromkeys(column for own in aside.values() for column in own)
        parts.append(
            f"Set aside as bookkeeping: {quoted(columns)} (in {quoted(aside)}). keep names those that are "
            "features, targets those that are labels."
        )
    for name, read in streams.items():
        if read.n_missing:
            parts.append(f"{read.n_missing} frames that are missing in {name!r} are steps of NaN.")
        for column, n_failed in read.n_failed.items():
            share = n_failed / read.n_steps
            if n_failed:
                parts.append(f"{share:.0%} of the steps of {name!r} are NaN, by {column!r} not valid.")
    if parts:
        warnings.warn(" ".join(parts), stacklevel=3)


def _tell_of_files(others):
    if others:
        named = (f"{path.parent.name}/{path.name}" for path in others)
        warnings.warn(
            f"Files of other kinds were not read: {quoted(named, limit=3)}. Write arrays as .npy, or as .npz "
            "with one array, and tables as .csv or .tsv.",
            stacklevel=3,
        )
