"""Read the files of one modality: their numbers, without what is bookkeeping, and what was done about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from avfusion.datasets._frame_numbers import spread, steps_of_clock, steps_of_frames
from avfusion.formats._csv import as_numbers
from avfusion.formats._registry import DamagedFileError, brief_reason, format_of, read_parts, split_name
from avfusion.sequences import Sequence
from avfusion.sequences._bookkeeping import (
    N_INTEGERS,
    counts_steadily,
    named_bookkeeping,
    success_column,
)
from avfusion.sequences._messages import brief, quoted

_PASSED_OVER = ("readme", "license", "thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class StreamFile:
    """One file: a recording's steps.

    Parameters
    ----------
    path : pathlib.Path
    frames : ndarray of shape (n_steps, n_columns)
        The numbers; NaN is missing.
    names : list of str or None
        Names of the columns, if they have any.
    aside : pandas.DataFrame
        The columns that are bookkeeping by name, as they were read: a clock, frame numbers, success.
    failed : dict of str to ndarray of bool of shape (n_steps,)
        Steps that are not valid, by the column that tells.
    n_missing : int
        Steps of frames that the file lacks.
    start_s : float or None
        When the first step begins, by a clock.

    Examples
    --------
    >>> from pathlib import Path
    >>> StreamFile(Path("a.npy"), np.zeros((3, 2)), None, pd.DataFrame(index=range(3))).frames.shape
    (3, 2)
    """

    path: object
    frames: np.ndarray
    names: list[str] | None
    aside: pd.DataFrame
    failed: dict = field(default_factory=dict)
    n_missing: int = 0
    start_s: float | None = None


@dataclass
class Streams:
    """All files of one modality.

    Parameters
    ----------
    cells : list of ndarray or None
        Frames of each recording; None where it has no file.
    names : list of str or None
        Names of the columns, the same in all files.
    aside : list of str
        Columns that were set aside.
    n_failed : dict of str to int
        Steps that each column told to have failed, whose features are NaN.
    n_steps : int
        All steps.
    n_missing : int
        Steps of frames that are missing in the files, all of whose features are NaN.
    starts_s : list of float
        When the first step of each recording begins, by a clock; NaN where none tells.

    Examples
    --------
    >>> Streams([np.zeros((3, 1)), None], ["loudness"]).n_failed
    {}
    """

    cells: list
    names: list[str] | None
    aside: list = field(default_factory=list)
    n_failed: dict = field(default_factory=dict)
    n_steps: int = 0
    n_missing: int = 0
    starts_s: list = field(default_factory=list)

    @property
    def start_s(self):
        """When the recordings begin, in seconds; None where no clock tells of any that begins later."""
        return None if np.isnan(self.starts_s).all() else np.nan_to_num(self.starts_s)


def files_of(folder):
    """Return the file of each recording in the folder of a modality, and what else is there.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    files : dict of str to pathlib.Path
    others : list of pathlib.Path

    Raises
    ------
    ValueError
        If a recording has two files, or none has one.
    """
    files, others = {}, []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.lower().startswith(_PASSED_OVER):
            continue
        if format_of(path) is None:
            others.append(path)
            continue
        recording, _ = split_name(path.name)
        if recording in files:
            raise ValueError(f"{files[recording]} and {path} are the same recording: remove one of them.")
        files[recording] = path
    if not files:
        found = f", but {quoted((path.name for path in others), limit=3)}" if others else ""
        raise ValueError(
            f"{folder} holds no .npy or .csv file{found}: put one for each recording there, or remove the "
            "folder."
        )
    return files, others


def read_streams(paths, *, keep=(), valid=None, only=None, rate_hz=None):
    """Read the files of one modality.

    Parameters
    ----------
    paths : list of pathlib.Path or None
        The file of each recording.
    keep : list of str
        Columns that are features although they look like bookkeeping.
    valid : None, False, str or dict of str to float
        As in `load_folder`.
    only : list of str, optional
        Columns to read, where a file has them all.
    rate_hz : float, optional
        Steps per second.

    Returns
    -------
    Streams

    Raises
    ------
    ValueError
        If a file cannot be read, or its columns are not those of the others.
    """
    streams, first, all_failed = Streams([], None), None, []
    for path in paths:
        if path is None:
            streams.cells.append(None)
            streams.starts_s.append(np.nan)
            all_failed.append({})
            continue
        file = read_stream_file(path, keep, valid, only, rate_hz)
        if first is None:
            first = file
            streams.names = file.names
        streams.cells.append(_in_order(file, first, streams.names))
        streams.names = file.names if streams.names is None else streams.names
        streams.aside += [name for name in file.aside if name not in streams.aside]
        streams.n_steps += len(file.frames)
        streams.n_missing += file.n_missing
        streams.starts_s.append(np.nan if file.start_s is None else file.start_s)
        all_failed.append(file.failed)
    _set_counting_aside(streams, keep)
    for frames, failed_by_name in zip(streams.cells, all_failed):
        for name, failed in failed_by_name.items():
            frames[failed] = np.nan
            streams.n_failed[name] = streams.n_failed.get(name, 0) + int(failed.sum())
    return streams


def asked_of(valid):
    """Read the parameter `valid`: the columns that it names, each with its threshold.

    Examples
    --------
    >>> asked_of("success"), asked_of({"confidence": 0.8}), asked_of(None)
    ({'success': None}, {'confidence': 0.8}, {})
    """
    if valid is None or valid is False:
        return {}
    if isinstance(valid, str):
        return {valid: None}
    if isinstance(valid, Mapping) and all(isinstance(name, str) for name in valid):
        try:
            return {name: None if least is None else float(least) for name, least in valid.items()}
        except (TypeError, ValueError):
            pass
    raise ValueError(
        f"valid={brief(valid)} must be the name of a column, a dict such as {{'confidence': 0.8}}, or False."
    )


def failed_steps(aside, valid):
    """Return which steps failed, for each column that tells.

    Parameters
    ----------
    aside : pandas.DataFrame
        The columns that are no features.
    valid : None, False, str or dict
        As in `load_folder`.

    Returns
    -------
    dict of str to ndarray of bool of shape (n_steps,)
        Where a number is missing, the step failed, too.

    Examples
    --------
    >>> failed_steps(pd.DataFrame({"success": [1, 0]}), None)
    {'success': array([False,  True])}
    """
    asked, failed = asked_of(valid), {}
    if valid is None and (name := success_column(aside.columns)) is not None:
        asked = {name: None}
    for name, threshold in asked.items():
        if name in aside.columns:
            values = as_numbers(aside[name], name)
            failed[name] = ~(values > 0 if threshold is None else values >= threshold)
    return failed


def read_stream_file(path, keep=(), valid=None, only=None, rate_hz=None):
    """Read one file, and set aside what is bookkeeping by its name.

    Parameters
    ----------
    path : pathlib.Path
    keep : iterable of str
        Columns that are no bookkeeping.
    valid : None, False, str or dict
        As in `load_folder`: what it names is no feature.
    only : list of str, optional
        Columns to read, where the file has them all.
    rate_hz : float, optional
        Steps per second.

    Returns
    -------
    StreamFile

    Raises
    ------
    ValueError
        If it cannot be read, or holds nothing but bookkeeping.
    """
    try:
        (part,) = read_parts(path)
        if isinstance(part.values, np.ndarray):
            frames = Sequence(part.values).frames
            return StreamFile(path, frames, None, pd.DataFrame(index=range(len(frames))))
        table, named = part.values, part.named
        aside = [name for name in named_bookkeeping(table.columns) if name not in keep]
        aside += [name for name in asked_of(valid) if name in table.columns and name not in aside]
        names = [name for name in table.columns if name not in aside]
        names = list(only) if only is not None and set(only) <= set(names) else names
        frames, failed = _frames(table[names]), failed_steps(table[aside], valid)
        steps = steps_of_frames(table[aside])
        by_clock, start_s = steps_of_clock(table[aside], rate_hz)
        steps = by_clock if steps is None else steps
    except DamagedFileError:
        raise
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read: {brief_reason(error)}. A file holds numbers, (steps, features) or "
            "(steps,): write it with numpy.save, or as comma-separated rows."
        ) from error
    if not names:
        raise ValueError(
            f"{path} holds nothing but bookkeeping: its columns are {quoted(aside)}. Put features or labels "
            "beside them, or name the columns that are some: in keep, labels in targets."
        )
    file = StreamFile(path, frames, names if named else None, table[aside], failed, start_s=start_s)
    return file if steps is None else _with_every_frame(file, steps)


def _with_every_frame(file, steps):
    return replace(
        file,
        frames=spread(file.frames, steps),
        aside=spread(file.aside, steps),
        failed={name: spread(failed, steps) for name, failed in file.failed.items()},
        n_missing=int(steps[-1]) + 1 - len(steps),
    )


def _frames(table):
    if all(map(pd.api.types.is_numeric_dtype, table.dtypes)):
        return np.array(table.to_numpy(dtype=np.float64, na_value=np.nan), order="C")
    return np.column_stack([as_numbers(table[name], name) for name in table.columns])


def _in_order(file, first, names):
    """Return the frames of a file with its columns in the order of the other files'."""
    width = first.frames.shape[1]
    if file.frames.shape[1] != width:
        raise ValueError(
            f"{file.path} has {file.frames.shape[1]} columns per step, but {first.path} has {width}. All "
            "recordings have the same columns: write one of the two files again."
        )
    if names is None or file.names is None or names == file.names:
        return file.frames
    odd = [name for name in file.names if name not in names]
    if odd:
        raise ValueError(
            f"{file.path} has the column {odd[0]!r}, but {first.path} has not. All recordings have the same "
            "columns: write one of the two files again."
        )
    return file.frames[:, [file.names.index(name) for name in names]]


def _set_counting_aside(streams, keep):
    """Take out the columns that count steadily through all recordings, unless nothing else is left."""
    present = [frames for frames in streams.cells if frames is not None]
    width = present[0].shape[1]
    first = np.concatenate([np.arange(len(frames)) == 0 for frames in present])
    longest = max(present, key=len)[:N_INTEGERS]
    rising = np.flatnonzero((np.diff(longest, axis=0) > 0).all(axis=0)) if len(longest) == N_INTEGERS else []
    names = streams.names or list(range(width))
    counting = [
        k
        for k in rising
        if str(names[k]) not in keep and counts_steadily(np.concatenate([f[:, k] for f in present]), first)
    ]
    if not counting or len(counting) == width:
        return
    kept = np.setdiff1d(np.arange(width), counting)
    streams.aside += [names[k] if streams.names else f"column {k}" for k in counting]
    streams.cells = [None if frames is None else frames[:, kept] for frames in streams.cells]
    if streams.names is not None:
        streams.names = [names[k] for k in kept]
