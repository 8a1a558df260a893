"""Read recordings from a folder with a sub-folder for each modality and a file for each recording."""

import warnings
from pathlib import Path

import pandas as pd

from avfusion.datasets._folder_labels import read_labels
from avfusion.datasets._layout import LABELS, layout_of
from avfusion.datasets._manifest import read_manifest
from avfusion.datasets._reading import Reading
from avfusion.datasets._recording_tables import read_recording_table
from avfusion.datasets._stream_file import asked_of
from avfusion.sequences import as_targets, mask_labels
from avfusion.sequences._label_markers import warn_of_markers
from avfusion.sequences._messages import quoted


def load_folder(
    folder,
    rate_hz=None,
    *,
    targets=None,
    valid=None,
    keep=(),
    missing_label=None,
    raters=None,
    labels=True,
    skip_damaged=False,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Read recordings, their labels and their metadata from a folder.

    The layout, where ``clip01`` is the name of a recording::

        audio/clip01.npy       features (steps, features) or (steps,), one folder for each modality
        audio/clip02.csv       one row per step, a column per feature, with or without a header
        video/clip01.mat       a recording without a file in a modality's folder lacks that stream
        text.h5                or one file for a modality, which names its recordings
        labels/clip01.csv      labels per step, a column per target; every recording has one
        labels.csv             or instead labels per clip: the column "recording", and a column per target
        metadata.csv           optional: the column "recording", and any others (subject, session)
        recordings.csv         optional: which file is whose, and from when on
        rates.toml             optional: steps per second, as in ``audio = 25`` and ``labels = 1``

    `avfusion.datasets.readable_formats` lists the kinds of files. Nothing in a file is executed. Tables are
    read as pandas, R, spreadsheets, OpenFace and openSMILE write them. Missing numbers (NaN, ``NA``, ``?``,
    ``-nan(ind)``, empty cells, in a file of one column empty lines) are features that were not observed, or
    steps without a label.

    Columns that are bookkeeping (clocks, frame numbers, face and segment ids, confidence, success, an index,
    and what counts steadily through all recordings) are neither features nor targets; a warning names them.
    Frames that are missing by their number are steps of NaN. A clock in seconds gives the rate, and says when
    a recording begins; steps with begin and end at no rate, such as words, keep their times.

    ``recordings.csv`` overrules the names of files. It has the column "recording", and any of these: a column
    for a modality, or for labels, with the name of a file (two faces may name one sound); ``rate_hz`` and
    ``start_s`` of all modalities, or of one (``audio_start_s``, ``labels_rate_hz``); others are metadata.
    Recordings stand in its order, and files that it does not list are passed over.

    Parameters
    ----------
    folder : str or path-like
        The folder, or a file that holds several modalities of named recordings.
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
    labels : bool, default=True
        Whether to read labels. Without them y is None, and what is in ``labels`` does not matter.
    skip_damaged : bool, default=False
        Whether recordings with a file that cannot be read are left out, with a warning, in place of an error.

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
        If columns are set aside, or steps are missing or not valid; if files are passed over, or there are
        labels or metadata of recordings without features, which are left out; if names nearly match across
        modalities; if labels seem to hold a marker for "no label".

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
    how = {"targets": targets, "valid": valid, "keep": keep, "missing_label": missing_label, "raters": raters}
    return read_folder(folder, rate_hz, **how, labels=labels, skip_damaged=skip_damaged)


def read_folder(
    folder, rate_hz, *, targets, valid, keep, missing_label, raters, labels, skip_damaged, frames=None
):
    """Read a folder, with frames kept where it is said.

    Parameters
    ----------
    folder, rate_hz, targets, valid, keep, missing_label, raters, labels, skip_damaged
        As in `load_folder`, which is called by the user, as is whoever else calls this.
    frames : callable, optional
        As in `Reading`.

    Returns
    -------
    X : pandas.DataFrame
        Without modalities whose frames are in a store.
    y : pandas.DataFrame or None
    """
    folder = Path(folder).expanduser()
    targets, keep = ([names] if isinstance(names, str) else names for names in (targets, keep))
    layout, metadata = read_manifest(folder, layout_of(folder, labels))
    read = Reading(folder, layout, {} if rate_hz is None else rate_hz, skip_damaged, frames)
    read.all_files({"keep": keep, "valid": valid}, {"keep": targets or (), "valid": False, "only": targets})
    names = read.names(metadata)
    if read.damaged and not len(names):  # no recording is left
        raise read.damaged[0]
    X = _metadata(folder, names, metadata, read.collect("about"))
    for modality, stream in read.streams.items():
        if modality in X.columns:
            raise ValueError(
                f"{folder / 'metadata.csv'}: the column {modality!r} has the name of a modality; rename it."
            )
        column = stream.column(names)
        if column is not None:
            X[modality] = column
    _check_found(read.streams, keep, valid)
    y, aside = None, []
    if labels:
        y, aside = read_labels(folder, names, read.labels, read.collect("targets"), targets, raters)
    _tell_of_columns(read.streams, aside)
    _tell_of_targets(read.streams, y)
    read.tell()
    for table in (X, y):
        if table is not None:
            table.attrs.clear()  # of the reader, for messages: Parquet cannot hold them
    return X, _without_markers(y, missing_label)


def _metadata(folder, names, listed, about):
    """Join what a table of recordings, the files themselves and a table of metadata say of each recording."""
    parts = [] if listed is None else [listed.reindex(names)]
    if any(about.values()):
        parts.append(pd.DataFrame.from_dict(about, orient="index").reindex(names))
    path = folder / "metadata.csv"
    if path.is_file():
        parts.append(read_recording_table(path, names))
    if not parts:
        return pd.DataFrame(index=names)
    table = pd.concat([part.set_axis(names) for part in parts], axis=1)
    if table.columns.has_duplicates:
        twice = table.columns[table.columns.duplicated()][0]
        raise ValueError(
            f"{folder} has the metadata {twice!r} twice, also in {path.name}: remove one of them."
        )
    return table


def _without_markers(y, missing_label):
    if y is None:
        return None
    if missing_label is not None:
        y = mask_labels(y, missing_label)
    warn_of_markers(as_targets(y))
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


def _tell_of_targets(streams, y):
    """Warn of features that have the name of a target."""
    names = {} if y is None else {str(name).strip().lower() for name in y.columns}
    for modality, stream in streams.items():
        alike = [name for name in stream.names or () if str(name).strip().lower() in names]
        if alike:
            warnings.warn(
                f"The features of {modality!r} have the names of targets: {quoted(alike, limit=3)}. If they "
                "are the labels, remove these columns: a model would be given what it is to predict.",
                stacklevel=4,
            )


def _tell_of_columns(streams, aside_of_labels):
    """Warn, once, of the columns that were set aside, and of steps that are not valid."""
    aside = {name: stream.aside for name, stream in streams.items()} | {LABELS: aside_of_labels}
    aside = {name: own for name, own in aside.items() if own}
    parts = []
    if aside:
        columns = dict.fromkeys(column for own in aside.values() for column in own)
        parts.append(
            f"Set aside as bookkeeping: {quoted(columns)} (in {quoted(aside)}). keep names those that are "
            "features, targets those that are labels."
        )
    for name, stream in streams.items():
        if stream.n_missing:
            parts.append(f"{stream.n_missing} frames that are missing in {name!r} are steps of NaN.")
        if stream.strided is not None:
            stride, rate = stream.strided
            parts.append(
                f"Frames of {name!r} are numbered in steps of {stride:g}: {rate:g} Hz is taken for the rate "
                f"of its rows. If it is that of the video, say {rate / stride:g}."
            )
        if stream.packed is not None:
            path, counter = stream.packed
            parts.append(
                f"{path} lacks rows by its {counter!r}, but its steps follow one after the other: if "
                "these are frames that were dropped, call the column frame."
            )
        for column, n_failed in stream.n_failed.items():
            share = n_failed / stream.n_steps
            if n_failed:
                parts.append(f"{share:.0%} of the steps of {name!r} are NaN, by {column!r} not valid.")
    if parts:
        warnings.warn(" ".join(parts), stacklevel=4)
