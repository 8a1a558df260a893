"""The steps of one recording in a file: numbers without bookkeeping, and when they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from avfusion.datasets._frame_numbers import (
    Ticks,
    clock_of,
    counter_with_holes,
    lead_of_frames,
    spread,
    steps_of_frames,
    stride_of_frames,
)
from avfusion.formats._csv import as_numbers
from avfusion.formats._registry import DamagedFileError, brief_reason, format_of
from avfusion.sequences import Sequence
from avfusion.sequences._bookkeeping import named_bookkeeping, success_column
from avfusion.sequences._messages import brief, quoted


@dataclass(frozen=True)
class StreamFile:
    """The steps of one recording in a file.

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
        Steps that are not valid, by the column that says so.
    n_missing : int
        Steps of frames that the file lacks.
    packed : object or None
        A counter of rows that lacks some, although the steps follow one after the other.
    stride : float
        By how much the numbers of frames go on from step to step.
    ticks : Ticks
        Rate, start and times, as far as they are known.

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
    packed: object = None
    stride: float = 1.0
    ticks: Ticks = field(default_factory=Ticks)


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


def stream_of(part, path, keep=(), valid=None, only=None, rate_hz=None):
    """Set aside what is bookkeeping by its name in the steps of a recording, and put them in their places.

    Parameters
    ----------
    part : Part
    path : pathlib.Path
        Where it is from, for messages.
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
    DamagedFileError
        If they are no numbers.
    ValueError
        If there is nothing but bookkeeping.
    """
    rate_hz = part.rate_hz if rate_hz is None else rate_hz
    try:
        if isinstance(part.values, np.ndarray):
            frames = Sequence(part.values).frames
            aside, ticks = pd.DataFrame(index=range(len(frames))), Ticks(rate_hz, part.start_s)
            return StreamFile(path, frames, None, aside, ticks=ticks)
        table, named = part.values, part.named
        aside = [name for name in named_bookkeeping(table.columns) if name not in keep]
        aside += [name for name in asked_of(valid) if name in table.columns and name not in aside]
        names = [name for name in table.columns if name not in aside]
        names = list(only) if only is not None and set(only) <= set(names) else names
        frames, set_aside = _frames(_columns(table, names)), _columns(table, aside)
        failed, steps = failed_steps(set_aside, valid), steps_of_frames(set_aside)
        by_clock, ticks = clock_of(set_aside, rate_hz)
        if ticks.start_s is None and ticks.times_s is None and (lead := lead_of_frames(set_aside)):
            known = {"lead": lead} if ticks.rate_hz is None else {"start_s": float(lead / ticks.rate_hz)}
            ticks = replace(ticks, **known)
        steps = by_clock if steps is None else steps
    except (TypeError, ValueError, MemoryError) as error:
        expects = getattr(format_of(path), "expects", "")
        raise DamagedFileError(path, f"{brief_reason(error)}. {expects}".strip()) from error
    if not names:
        raise ValueError(
            f"{path} holds nothing but bookkeeping: its columns are {quoted(aside)}. Put features or labels "
            "beside them, or name the columns that are some: in keep, labels in targets."
        )
    if part.start_s is not None:
        ticks = replace(ticks, start_s=part.start_s)
    counters = {"packed": counter_with_holes(set_aside), "stride": stride_of_frames(set_aside)}
    names = names if named else None
    file = StreamFile(path, frames, names, set_aside, failed, ticks=ticks, **counters)
    return file if steps is None else _with_every_frame(file, steps)


def _with_every_frame(file, steps):
    return replace(
        file,
        frames=spread(file.frames, steps),
        aside=spread(file.aside, steps),
        failed={name: spread(failed, steps) for name, failed in file.failed.items()},
        n_missing=int(steps[-1]) + 1 - len(steps),
    )


def _columns(table, names):
    """Return columns of a table, a view where they are neighbours: quicker by place than by name."""
    places = {name: k for k, name in enumerate(table.columns)}
    chosen = [places[name] for name in names]
    if chosen and chosen == list(range(chosen[0], chosen[0] + len(chosen))):
        return table.iloc[:, chosen[0] : chosen[0] + len(chosen)]
    return table.iloc[:, chosen]


def _frames(table):
    if all(kind == np.float64 for kind in table.dtypes):  # as nearly all are
        return _rows_first(table.to_numpy())
    if all(map(pd.api.types.is_numeric_dtype, table.dtypes)):
        return np.array(table.to_numpy(dtype=np.float64, na_value=np.nan), order="C")
    return np.column_stack([as_numbers(table[name], name) for name in table.columns])


def _rows_first(values, block=64):
    """Copy an array that lies column by column: block by block, so that its columns stay in the cache."""
    result = np.empty(values.shape)
    for start in range(0, len(values), block):
        result[start : start + block] = values[start : start + block]
    return result
