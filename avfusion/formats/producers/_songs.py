"""Annotations of music: DEAM's wide tables, those of PMEmo, and ratings of whole songs."""

import re

import numpy as np
import pandas as pd

from avfusion.formats._format import Part, Producer
from avfusion.formats._numbers import as_numbers
from avfusion.formats._recording_names import by_recording, recording_names

_SAMPLE = re.compile(r"sample_(\d+)ms")
_SONG = ("song_id", "musicId")
_MEAN = re.compile(r"(arousal|valence)(_mean|\(mean\))", re.IGNORECASE)


def recognises(table):
    """Return whether a table has a song in each row, or annotations of songs.

    Examples
    --------
    >>> recognises(pd.DataFrame(columns=["song_id", "sample_15000ms", "sample_15500ms"]))
    True
    >>> recognises(pd.DataFrame(columns=["musicId", "frameTime", "Arousal(mean)", "Valence(mean)"]))
    True
    """
    names = list(map(str, table.columns))
    samples = _samples(names)
    if len(samples) > 1:
        return len(names) - len(samples) < 2
    return names[:1] != [] and names[0] in _SONG and any(map(_MEAN.fullmatch, names))


def _samples(names):
    """Return the columns of a wide table, by their time in milliseconds."""
    found = {name: int(match[1]) for name in names if (match := _SAMPLE.fullmatch(name))}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def parts(table):
    """Return a part for each song.

    Parameters
    ----------
    table : pandas.DataFrame
        Wide, with a column for each time; long, with the column "frameTime"; or with ratings of whole songs,
        which are targets. Its attribute "stem", the name of the file, is the target of a wide table. Rows of
        a wide table without songs are annotators of one song.

    Returns
    -------
    iterable of Part

    Examples
    --------
    >>> table = pd.DataFrame({"song_id": [2], "sample_15000ms": [0.1], "sample_15500ms": [0.2]})
    >>> part = next(parts(table))
    >>> part.recording, part.rate_hz, part.start_s, part.n_steps
    ('2', 2.0, 15.0, 2)
    """
    if samples := _samples(map(str, table.columns)):
        return _wide(table, samples) if table.columns[0] in _SONG else [_of_annotators(table, samples)]
    return _long(table) if "frameTime" in table.columns else _whole(table)


def _wide(table, samples):
    times_s, rate_hz = _clock(samples)
    target = str(table.attrs.get("stem", "label"))
    for name, values in zip(_names(table), table[list(samples)].to_numpy(np.float64, na_value=np.nan)):
        observed = np.flatnonzero(~np.isnan(values))
        values = values[: observed[-1] + 1] if len(observed) else values  # songs end before the table
        yield Part(pd.DataFrame({target: values}), True, name, rate_hz=rate_hz, start_s=float(times_s[0]))


def _clock(samples):
    times_s = np.array(list(samples.values())) / 1000
    steps = np.diff(times_s)
    if not np.allclose(steps, steps[0]):
        raise ValueError("Its samples are not evenly spaced: write a row for each, with the column 'time'.")
    return times_s, float(f"{1 / steps[0]:.6g}")


def _of_annotators(table, samples):
    """Return the annotations of one song, in which a row is an annotator, and a column here."""
    times_s, rate_hz = _clock(samples)
    values = table[list(samples)].to_numpy(np.float64, na_value=np.nan).T
    columns = [f"rater_{k}" for k in range(1, len(table) + 1)]
    return Part(pd.DataFrame(values, columns=columns), True, rate_hz=rate_hz, start_s=float(times_s[0]))


def _long(table):
    for name, rows, about in by_recording(table, [table.columns[0]]):
        steps = np.diff(rows["frameTime"])
        rate_hz = float(f"{1 / np.median(steps):.6g}") if len(steps) and np.median(steps) > 0 else None
        yield Part(rows, True, name, rate_hz=rate_hz, start_s=float(rows["frameTime"].iloc[0]), about=about)


def _whole(table):
    targets = {name: as_numbers(table[name], name) for name in table.columns if _MEAN.fullmatch(str(name))}
    for row, name in enumerate(_names(table)):
        own = {str(target): float(values[row]) for target, values in targets.items()}
        yield Part(np.empty((0, 0)), recording=name, stream="labels", targets=own)


def _names(table):
    songs = table.iloc[:, 0]
    if songs.isna().any() or songs.duplicated().any():
        raise ValueError(f"Its column {table.columns[0]!r} must name each song once.")
    return recording_names(songs)


PRODUCER = Producer("DEAM and PMEmo", recognises, parts)
