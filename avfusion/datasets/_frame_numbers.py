"""Frame numbers and clocks of a table: missing frames become steps of NaN, repeated ones are refused."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion.formats._csv import as_numbers
from avfusion.sequences._bookkeeping import columns_of, interval_pair
from avfusion.sequences._messages import quoted
from avfusion.sequences._table_clock import from_times
from avfusion.sequences._time_values import LONG_STEP, seconds, time_values, typical_step


def frames_of(aside):
    """Return the name of the column that numbers the frames, and its numbers; None and None without one.

    Names of images that end in a number are numbered, too.

    Parameters
    ----------
    aside : pandas.DataFrame
        The columns of a table that are bookkeeping.

    Returns
    -------
    name : object or None
    frames : ndarray of float of shape (n_rows,) or None

    Examples
    --------
    >>> frames_of(pd.DataFrame({"image": ["a/frame_00001.jpg", "a/frame_00003.jpg"]}))
    ('image', array([1., 3.]))
    """
    for name in columns_of(aside.columns, "frame"):
        if "frame" in str(name).lower():
            return name, as_numbers(aside[name], name)
    for name in columns_of(aside.columns, "identity"):
        numbers = _numbers_of_images(aside[name])
        if numbers is not None:
            return name, numbers
    return None, None


def _numbers_of_images(words):
    if pd.api.types.is_numeric_dtype(words.dtype) or not len(words) or words.isna().any():
        return None
    if not re.search(_IMAGE, str(words.iloc[0])):  # as of most tables: names of one recording
        return None
    found = words.astype(str).str.extract(_IMAGE, expand=False)
    numbers = None if found.isna().any() else found.to_numpy(np.float64)
    return numbers if numbers is not None and (np.diff(numbers) > 0).all() else None


def steps_of_frames(aside):
    """Return the step of each row, where rows have frame numbers and some frames are missing.

    Parameters
    ----------
    aside : pandas.DataFrame
        The columns of a table that are bookkeeping.

    Returns
    -------
    ndarray of int of shape (n_rows,), or None
        None if rows are steps: there are no frame numbers, they are no numbers or not evenly spaced, or all
        frames are there. Every fifth frame is evenly spaced, too.

    Raises
    ------
    ValueError
        If a frame is repeated, or frames are not in order.

    Examples
    --------
    >>> steps_of_frames(pd.DataFrame({"frame": [10, 11, 14]}))
    array([0, 1, 4])
    >>> steps_of_frames(pd.DataFrame({"frame": [0, 5, 10]})) is None
    True
    """
    name, frames = frames_of(aside)
    if name is None or len(frames) < 2 or not np.isfinite(frames).all():
        return None
    gaps = np.diff(frames)
    if (gaps <= 0).all() and not gaps.any():  # it says nothing of the rows
        return None
    if (gaps <= 0).any():
        row = int((gaps <= 0).argmax()) + 1
        faces = columns_of(aside.columns, "identity")
        several = f" (by {quoted(faces, limit=3)}, of several faces?)" if faces else ""
        raise ValueError(
            f"Its {name!r} has {frames[row]:g} after {frames[row - 1]:g} in step {row}{several}: put one row "
            "for each frame, in order, or remove the column."
        )
    steps = (frames - frames[0]) / gaps.min()
    if (steps != np.rint(steps)).any():
        return None
    lead = _lead(frames)
    lead = lead if lead <= len(frames) else 0
    return None if (gaps == gaps[0]).all() and not lead else (steps + lead).astype(np.int64)


_IMAGE = r"(?i)(\d+)\.(?:jpe?g|png|bmp|tiff?|webp)\s*$"
MILLISECONDS = 100  # from one step to the next, from which on whole numbers without a unit are refused


def counter_with_holes(aside):
    """Return a counter of rows that lacks some, where nothing else says which steps are missing.

    Parameters
    ----------
    aside : pandas.DataFrame
        The columns of a table that are bookkeeping.

    Returns
    -------
    object or None
        The name of an index or a number of row, as tables have of which rows were dropped.

    Examples
    --------
    >>> counter_with_holes(pd.DataFrame({"Unnamed: 0": [0, 1, 2, 5, 6]}))
    'Unnamed: 0'
    >>> counter_with_holes(pd.DataFrame({"Unnamed: 0": [0, 1, 2, 5, 6], "frame": [1, 2, 3, 4, 5]})) is None
    True
    """
    if frames_of(aside)[0] is not None or any(
        counts(aside[name]) for name in columns_of(aside.columns, "clock")
    ):
        return None
    names = [*columns_of(aside.columns, "index"), *columns_of(aside.columns, "frame")]
    return next((name for name in names if counts(aside[name], holes=True)), None)


def counts(values, holes=False):
    """Return whether numbers go up in every row; with holes, whether whole ones mostly do so by 1.

    Examples
    --------
    >>> counts(pd.Series([1, 2, 4])), counts(pd.Series([1, 2, 4]), holes=True), counts(pd.Series([3, 5, 8]))
    (True, True, True)
    >>> counts(pd.Series([1, 2, 3]), holes=True), counts(pd.Series(["a", "b"]))
    (False, False)
    """
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return False
    gaps = np.diff(values.to_numpy(np.float64, na_value=np.nan))
    rises = len(gaps) > 1 and bool((gaps > 0).all())
    return rises and (not holes or bool((gaps == np.rint(gaps)).all() and 0.5 <= (gaps == 1).mean() < 1))


def lead_of_frames(aside):
    """Return how many frames come before the first row, where they are too many to become steps of NaN.

    Parameters
    ----------
    aside : pandas.DataFrame
        The columns of a table that are bookkeeping.

    Returns
    -------
    int
        0 where a clock says when steps are, or there are no frame numbers.

    Examples
    --------
    >>> lead_of_frames(pd.DataFrame({"frame": [101, 102, 103]})), lead_of_frames(pd.DataFrame())
    (100, 0)
    """
    name, frames = frames_of(aside)
    if name is None or len(frames) < 2 or not np.isfinite(frames).all():
        return 0
    lead = _lead(frames)
    if lead <= len(frames):
        return 0
    clocks = [*columns_of(aside.columns, "clock"), *(interval_pair(aside.columns) or ())]
    moves = any((aside[clock] != aside[clock].iloc[0]).any() for clock in clocks)
    return 0 if moves else int(lead)  # a clock says it itself


def stride_of_frames(aside):
    """Return by how much the numbers of frames go on, 1 where there are none or they are not even.

    Parameters
    ----------
    aside : pandas.DataFrame
        The columns of a table that are bookkeeping.

    Returns
    -------
    float

    Examples
    --------
    >>> stride_of_frames(pd.DataFrame({"frame": [0, 5, 15]})), stride_of_frames(pd.DataFrame())
    (5.0, 1.0)
    """
    name, frames = frames_of(aside)
    gaps = np.diff(frames) if name is not None else np.ones(0)
    if not len(gaps) or not (gaps > 0).all():
        return 1.0
    return float(gaps.min()) if not (gaps % gaps.min()).any() else 1.0


def _lead(frames):
    """Return how many frames, counted from 1, come before the first; 0 where not every frame has a number."""
    return frames[0] - min(frames[0], 1) if np.diff(frames).min() == 1 else 0


@dataclass(frozen=True)
class Ticks:
    """When the steps of a recording are, as far as it is known.

    Parameters
    ----------
    rate_hz : float, optional
        Steps per second.
    start_s : float, optional
        When the first step begins. None for a start within the first step or so: clocks say when a step
        begins, is in its middle or ends.
    times_s : ndarray of shape (n_steps, 2), optional
        Begin and end of each step, where steps are at no rate.
    lead : int, default=0
        Frames before the first step, by its number, where there is no rate to make a start of them.

    Examples
    --------
    >>> Ticks(25.0).start_s is None
    True
    """

    rate_hz: float | None = None
    start_s: float | None = None
    times_s: np.ndarray | None = None
    lead: int = 0

    @property
    def begin_s(self):
        """When the first step begins, 0 where it is not known."""
        return self.start_s or 0.0 if self.times_s is None else float(self.times_s[0, 0])

    def shifted(self, by_s):
        """Return the same some seconds later.

        Examples
        --------
        >>> Ticks(25.0, 100.0).shifted(-90.0)
        Ticks(rate_hz=25.0, start_s=10.0, times_s=None, lead=0)
        """
        times = None if self.times_s is None else np.round(self.times_s + by_s, 6)
        start = None if self.start_s is None else round(self.start_s + by_s, 6)
        return Ticks(self.rate_hz, start, times, self.lead)


def clock_of(aside, rate_hz=None):
    """Return the step of each row by a clock, and when the steps are.

    Parameters
    ----------
    aside : pandas.DataFrame
        The columns of a table that are bookkeeping.
    rate_hz : float, optional
        Steps per second. Without it, the rate is that at which a clock ticks whose unit is certain.

    Returns
    -------
    steps : ndarray of int of shape (n_rows,), or None
        None if rows are steps: no clock ticks, or none lacks a tick.
    ticks : Ticks

    Examples
    --------
    >>> clock_of(pd.DataFrame({"timestamp": [15.5, 16.0, 17.0]}), rate_hz=2)
    (array([0, 1, 3]), Ticks(rate_hz=2.0, start_s=15.5, times_s=None, lead=0))
    >>> clock_of(pd.DataFrame({"timestamp": [0, 500, 1500]}))
    (array([0, 1, 3]), Ticks(rate_hz=None, start_s=None, times_s=None, lead=0))
    """
    incomplete = None
    for name, times in _clocks(aside, rate_hz):
        begins = times if times.ndim == 1 else times[:, 0]
        if len(times) < 2 or np.isnan(begins).all() or not np.ptp(begins[np.isfinite(begins)]):
            continue
        if not np.isfinite(times).all():
            incomplete = incomplete or (name, begins)
            continue
        _check_forward(begins, name, aside)
        rates = None if rate_hz is None else np.array([rate_hz])
        found = from_times(times, np.array([len(times)]), name, rates)
        certain = _unit_is_certain(aside[name], name)
        if found.times_s is None:
            rate = found.rates_hz[0] if rate_hz is None and certain else rate_hz
            late = rate is not None and abs(begins[0]) > 1.5 / rate
            start = float(found.starts_s[0]) if late else None
            return found.positions, Ticks(None if rate is None else float(rate), start)
        if rate_hz is None and (certain or times.ndim == 2):
            return None, Ticks(times_s=_checked_unit(found.times_s, aside[name], name))
    if incomplete is not None:
        _refuse_gaps(*incomplete)
    return None, Ticks(rate_hz)


def _refuse_gaps(name, begins):
    row = int(np.isnan(begins).argmax())
    raise ValueError(
        f"Its {name!r} has no value in step {row}: fill it in, drop the row, which becomes a step of NaN, or "
        "remove the column."
    )


def _checked_unit(times_s, values, name):
    """Return times, after checking that they are no milliseconds, which whole numbers far apart may be."""
    if np.median(np.diff(times_s[:, 0])) >= MILLISECONDS and not _unit_is_certain(values, name):
        raise ValueError(
            f"Its {name!r} counts in steps of {np.median(np.diff(times_s[:, 0])):g}: are these seconds or "
            f"milliseconds? Name the column {name}_s or {name}_ms."
        )
    return times_s


def _clocks(aside, rate_hz):
    """Yield the name and the times of the pair of columns that hold intervals, and of each clock."""
    pair = interval_pair(aside.columns)
    if pair is not None:
        try:
            times = np.column_stack([seconds(aside[name], name, rate_hz) for name in pair])
            if "duration" in str(pair[1]).lower():
                times[:, 1] += times[:, 0]
            yield pair[0], times
        except TypeError:  # words
            pass
    for name in columns_of(aside.columns, "clock"):
        try:
            yield name, seconds(aside[name], name, rate_hz)
        except TypeError:
            continue


def _check_forward(times, name, aside):
    back = np.flatnonzero(np.diff(times) <= 0)
    if len(back):
        faces = columns_of(aside.columns, "identity")
        several = f" (by {quoted(faces, limit=3)}, of several faces?)" if faces else ""
        raise ValueError(
            f"Its {name!r} has {times[back[0] + 1]:g} after {times[back[0]]:g} s in step "
            f"{back[0] + 1}{several}: put one row for each step, in order, or remove the column."
        )


def _unit_is_certain(values, name):
    numbers, unit_s = time_values(values, name)
    return unit_s is not None or typical_step(numbers) < LONG_STEP


def spread(values, steps):
    """Put rows at their steps.

    Parameters
    ----------
    values : ndarray or pandas.DataFrame of n_rows
    steps : ndarray of int of shape (n_rows,)
        In ascending order.

    Returns
    -------
    ndarray or pandas.DataFrame
        NaN at all other steps; False where values are of type bool.

    Examples
    --------
    >>> spread(np.array([1.0, 2.0]), np.array([0, 2]))
    array([ 1., nan,  2.])
    """
    n_steps = steps[-1] + 1
    if isinstance(values, pd.DataFrame):
        return values.set_axis(steps).reindex(np.arange(n_steps))
    empty = False if values.dtype == bool else np.nan
    result = np.full((n_steps, *values.shape[1:]), empty, dtype=values.dtype)
    result[steps] = values
    return result
