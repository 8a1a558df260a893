"""Columns of a table that are bookkeeping of the tool that wrote it: clocks, counters, names, flags.

They are never features or targets unless somebody asks for them: time predicts time, and a flag of failed
detection predicts whatever goes with failures. They are known by their names (`role_of`), or by values that
count steadily through every recording (`counts_steadily`). Callers decide about columns that were named
explicitly, and about tables that hold nothing else.
"""

import functools
import re

import numpy as np
import pandas as pd

#: Names by role, in lower case and without anything but letters and digits.
NAMES = {
    "clock": (
        "t ts time times timestamp timestamps frametime clock elapsed elapsedtime seconds second secs sec "
        "milliseconds millisecond millis msec ms microseconds usec minutes datetime date timecode utc "
        "unixtime unixtimestamp epochtime localtime systemtime approxtime relativetime recordingtime "
        "recordingtimestamp videotime audiotime timepoint starttime endtime begintime timestart timeend "
        "timestampstart timestampend jstime daqtime"
    ),
    "frame": (
        "frame frames frameid frameids frameno framenum framenumber framenr frameindex frameidx framecount "
        "framecounter step stepid sample sampleid sampleno samplenumber sampleindex row rowid rownumber "
        "linenumber nseq"
    ),
    "identity": (
        "faceid faceindex personid person segment segmentid segmentindex segmentname id ids name names "
        "file files filename filepath path input image img imagelocation imagename imagefile imagepath "
        "framepath framefile framename videoid videoname videofile clip clipid clipname recording "
        "recordingid session sessionid subject subjectid participant participantid participantname "
        "speaker speakerid utterance utteranceid uttid trackid trial trialid turnid instancename "
        "instanceid uuid fold folds split splits partition partitions subset"
    ),
    "quality": (
        "success confidence detected facedetected detectionsuccess detectionconfidence trackingconfidence "
        "trackingsuccess faceconfidence facescore detectionscore valid isvalid validity"
    ),
    "interval": "start end begin stop onset offset duration",
    "index": "index rownames levelindex",
}
REASONS = {
    "clock": "a clock",
    "frame": "a frame number",
    "identity": "an identity",
    "quality": "a quality of detection",
    "interval": "an interval",
    "index": "an index",
}
STEADY = "counts steadily"
N_INTEGERS, N_FLOATS = 5, 20  # rows in which integers, and other numbers, must count: a ramp may be a feature

_ROLES = {name: role for role, names in NAMES.items() for name in names.split()}
_UNITS = frozenset(("s", "sec", "secs", "seconds", "ms", "msec", "millis", "milliseconds", "us", "ns", "utc"))
_OF_FRAMES = (
    "frame video audio image absolute abs start end first last no nr num number index idx id count counter"
)
_OF_CLASSES = "class emotion label category cluster state type topic"  # whose number may be a label
_INDEX = re.compile(r"\s*(unnamed: \d+(\.\d+|_level_\d+)?|level_\d+|\.\.\.\d+)?\s*", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PAIRS = (("start", "begin", "onset"), ("end", "stop", "offset", "duration"))
_OF_TIME = ("time", "timestamp", "at")
_JOINED = {"starttime": ("start", "time"), "begintime": ("begin", "time"), "endtime": ("end", "time")}
_DECIMALS = 9


@functools.cache
def role_of(name):
    """Return the role that a column has by its name.

    Case, spaces, underscores and units do not matter.

    Parameters
    ----------
    name : object
        Name of a column.

    Returns
    -------
    str or None
        "clock", "frame", "identity", "quality", "interval" or "index"; None for any other name. A lone
        "start" or "end" may be something else than an interval: see `bookkeeping_columns`.

    Examples
    --------
    >>> [role_of(name) for name in (" timestamp", "frameTime", "Face ID", "time (ms)", "Unnamed: 0")]
    ['clock', 'clock', 'identity', 'clock', 'index']
    >>> role_of("AU12_r"), role_of("time_to_peak"), role_of(0)
    (None, None, None)
    """
    if not isinstance(name, str):
        return None
    if _INDEX.fullmatch(name):
        return "index"
    words = _words(name)
    if set(words) & {"timestamp", "timestamps"}:
        return "clock"
    if "frame" in words and set(words) <= set(_OF_FRAMES.split()):
        return "frame"
    if words[-1:] in (["id"], ["uuid"]) and not set(words) & set(_OF_CLASSES.split()):
        return "identity"
    return _ROLES.get("".join(words))


def columns_of(names, role):
    """Return those of the names that have a role.

    Parameters
    ----------
    names : iterable
        Names of columns.
    role : str
        One of `role_of`.

    Returns
    -------
    list

    Examples
    --------
    >>> columns_of(["frame", " timestamp", "AU12_r"], "clock")
    [' timestamp']
    """
    return [name for name in names if role_of(name) == role]


def success_column(names):
    """Return the column that says whether a step was detected, or None.

    Parameters
    ----------
    names : iterable
        Names of columns.

    Returns
    -------
    object or None

    Examples
    --------
    >>> success_column(["frame", " confidence", " success"])
    ' success'
    """
    return next((name for name in names if str(name).strip().lower() == "success"), None)


def named_bookkeeping(names):
    """Return those of the names of a table that are names of bookkeeping.

    Parameters
    ----------
    names : iterable
        All columns of the table.

    Returns
    -------
    dict
        The reason for each: one of `REASONS`.

    Examples
    --------
    >>> named_bookkeeping(["start", "end", "valence"]), named_bookkeeping(["start", "valence"])
    ({'start': 'an interval', 'end': 'an interval'}, {})
    """
    roles = {name: role for name in names if (role := role_of(name)) is not None}
    whole = interval_pair(name for name, role in roles.items() if role == "interval") is not None
    return {name: REASONS[role] for name, role in roles.items() if role != "interval" or whole}


def interval_pair(names):
    """Return the columns that say when a step begins and when it ends, or how long it is; None without both.

    Parameters
    ----------
    names : iterable
        Names of columns.

    Returns
    -------
    tuple or None

    Examples
    --------
    >>> interval_pair(["word", "start_time", "end_time"]), interval_pair(["onset_ms", "duration_ms"])
    (('start_time', 'end_time'), ('onset_ms', 'duration_ms'))
    >>> interval_pair(["start", "valence"]) is None
    True
    """
    names = list(names)
    words = [_words(name) for name in names]
    ends = [
        next(
            (name for end in side for name, own in zip(names, words) if set(own) - {*_OF_TIME} == {end}), None
        )
        for side in _PAIRS
    ]
    return None if None in ends else tuple(ends)


def _words(name):
    """Return the words of a name, in lower case, without the unit at its end."""
    words = [word.lower() for word in _WORD.findall(str(name))]
    words = [part for word in words for part in _JOINED.get(word, (word,))]
    while len(words) > 1 and words[-1] in _UNITS:
        words.pop()
    return words


def bookkeeping_columns(table, recording=None):
    """Return the columns of a table that are bookkeeping, by their names or because they count steadily.

    Columns of an interval are those that begin and end it: a lone "start" or "duration" may be a feature.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each step. Two columns of one name are both named if one of them is bookkeeping.
    recording : array-like (n_rows,), optional
        Recordings of the rows, those of one next to each other: columns count within each of them.

    Returns
    -------
    dict
        The reason for each name: one of `REASONS`, or `STEADY`.

    Examples
    --------
    >>> table = pd.DataFrame({"frame": [1, 2], " success": [1, 0], "AU12_r": [0.5, 0.0]})
    >>> bookkeeping_columns(table)
    {'frame': 'a frame number', ' success': 'a quality of detection'}
    >>> bookkeeping_columns(pd.DataFrame({0: range(0, 3000, 500), 1: [0.1, 0.3, 0.2, 0.0, 0.4, 0.1]}))
    {0: 'counts steadily'}
    """
    named = named_bookkeeping(table.columns)
    first = None if recording is None else _first_rows(recording)
    found = {}
    for position, (name, kind) in enumerate(zip(table.columns, table.dtypes)):
        if name in named:
            found[name] = named[name]
        elif pd.api.types.is_numeric_dtype(kind) and counts_steadily(table.iloc[:, position], first):
            found[name] = STEADY
    return found


def counts_steadily(values, first=None):
    """Return whether numbers increase by one constant step, within every recording and through all of it.

    Integers must do so in 5 rows of a recording at least; other numbers, such as seconds, in 20, up to the
    rounding with which they were written: a short ramp may be a feature. The step may be another in each
    recording where all begin at 0 and have 20 rows, as clocks of videos do.

    Parameters
    ----------
    values : array-like (n,)
        Numbers.
    first : array (n,) of bool, optional
        True in the first row of each recording; by default all rows are one.

    Returns
    -------
    bool

    Examples
    --------
    >>> counts_steadily(range(10, 60, 10)), counts_steadily([1, 2, 3, 5, 6])
    (True, False)
    >>> counts_steadily(np.round(np.arange(40) / 30, 3)), counts_steadily(np.linspace(0, 1, 10))
    (True, False)
    """
    values = pd.Series(values)
    if (
        values.empty
        or pd.api.types.is_bool_dtype(values)
        or not _may_count(_floats(values.iloc[:N_INTEGERS]), first)
    ):
        return False
    values = _floats(values)
    starts = np.flatnonzero(first) if first is not None else np.array([0])
    lengths = np.diff(np.append(starts, len(values)))
    elapsed = values - np.repeat(values[starts], lengths)
    counted = np.arange(len(values)) - np.repeat(starts, lengths)
    longest = lengths.argmax()
    steps = elapsed[starts + lengths - 1] / np.maximum(lengths - 1, 1)
    if not (steps[lengths > 1] > 0).all() or lengths[longest] < N_INTEGERS:  # NaN is no step
        return False
    step = steps[longest]
    off = np.abs(elapsed - counted * step).max()
    if off == 0 and (values == np.rint(values)).all():
        return True
    tolerance = _rounding(values, step)
    if len(values) - len(starts) >= N_FLOATS - 1 and off <= tolerance:
        return True
    off = np.abs(elapsed - counted * np.repeat(steps, lengths)).max()
    from_zero = ((values[starts] >= 0) & (values[starts] <= steps + tolerance)).all()
    return bool(from_zero and lengths.min() >= N_FLOATS and off <= min(tolerance, 0.35 * steps.min()))


def _first_rows(recording):
    """Mark the first row of each recording."""
    codes = pd.factorize(np.asarray(recording), use_na_sentinel=False)[0]
    return np.append(True, codes[1:] != codes[:-1]) if len(codes) else codes.astype(bool)


def _may_count(values, first):
    """Return whether the first rows rise at all: most columns are passed by at this look."""
    rises = np.diff(values) > 0
    return bool((rises if first is None else rises | first[1 : len(values)]).all())


def _floats(values):
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _rounding(values, step):
    """Return by how much a steady clock may be off: by its last decimal, and by far less than its step."""
    for decimals in range(_DECIMALS + 1):
        if np.abs(values - np.round(values, decimals)).max() <= 1e-9 * max(1.0, np.abs(values).max()):
            return min(1.01 * 10.0**-decimals, 0.35 * step)
    return 1e-6 * step
