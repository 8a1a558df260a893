"""Tables of the Python package opensmile: rows are indexed by file, start and end."""

import numpy as np
import pandas as pd

from avfusion.formats._format import Part, Producer
from avfusion.formats._recording_names import by_recording

_REGULAR = 0.75  # share of the steps that are of one length


def recognises(table):
    """Return whether a table has the columns "start" and "end" as durations.

    Examples
    --------
    >>> recognises(pd.DataFrame({"start": ["0 days 00:00:00"], "end": ["0 days 00:00:00.020000"]}))
    True
    >>> recognises(pd.DataFrame({"start": [0.0], "end": [1.0]}))
    False
    """
    return {"start", "end"} <= set(table.columns) and _are_durations(table["start"])


def _are_durations(column):
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return True
    words = column.iloc[:5].astype(str)
    return len(words) > 0 and bool(words.str.fullmatch(r"-?\d+ days?( [\d:.+]+)?").all())


def parts(table):
    """Return a part for each file, with its rate where rows follow each other regularly.

    Parameters
    ----------
    table : pandas.DataFrame

    Yields
    ------
    Part
        Whose table has the column "time", in seconds, in place of file, start and end; segments that do not
        follow each other regularly keep start and end. A file with one row, such as functionals of all of it,
        has no time and no rate.

    Examples
    --------
    >>> starts = ["0 days 00:00:00", "0 days 00:00:00.010000", "0 days 00:00:00.020000"]
    >>> table = pd.DataFrame({"file": "a.wav", "start": starts, "end": starts, "F0": [1.0, 2.0, 3.0]})
    >>> part = next(parts(table))
    >>> part.recording, part.rate_hz, part.values.columns.tolist()
    ('a', 100.0, ['time', 'F0'])
    """
    if "file" not in table.columns:
        yield _part(table, None, {})
        return
    for name, rows, about in by_recording(_in_seconds(table), ["file"]):
        yield _part(rows, name, about)


def _in_seconds(table):
    if pd.api.types.is_numeric_dtype(table["start"].dtype):
        return table
    return table.assign(
        **{name: pd.to_timedelta(table[name]).dt.total_seconds() for name in ("start", "end")}
    )


def _part(rows, name, about):
    rows = _in_seconds(rows)
    starts = rows["start"].to_numpy()
    rest = rows.drop(columns=["start", "end"])
    if len(rows) < 2:
        return Part(rest, True, name, start_s=float(starts[0]) if len(rows) else None, about=about)
    steps = np.diff(starts)
    step = np.median(steps)
    regular = step > 0 and np.mean(np.abs(steps - step) < 0.01 * step) >= _REGULAR
    rate_hz = float(f"{1 / step:.6g}") if regular else None
    if not regular and rows["end"].notna().all():
        return Part(rows, True, name, about=about)
    rest.insert(0, "time", starts)
    return Part(rest, True, name, rate_hz=rate_hz, start_s=float(starts[0]), about=about)


PRODUCER = Producer("opensmile", recognises, parts)
