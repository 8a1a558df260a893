"""Names of recordings in tables that hold several of them."""

import numpy as np
import pandas as pd

from avfusion.formats._format import Part
from avfusion.sequences._bookkeeping import columns_of

_SUFFIXES = "wav mp3 mp4 avi mov mkv flac ogg m4a m4v webm mpg mpeg wmv wma aac aif aiff opus 3gp"
_MEDIA = tuple(f".{suffix}" for suffix in _SUFFIXES.split())
_ALWAYS = ("recording", "recordingid", "recordingname", "file", "filename", "filepath", "songid", "musicid")
_UNLESS_ONE_CLOCK = ("clip", "clipid", "clipname", "video", "videoid", "videoname", "videofile")
_WHERE_FIRST = ("name", "instancename", "instanceid")
_WHOLE = ("recording", "recordingid", "recordingname", "clip", "clipid", "clipname", "video", "videoid")


def recording_names(values):
    """Return what recordings are called: without folders and the suffixes of sound and video.

    Folders are kept, joined by underscores, where files of several folders have one name.

    Parameters
    ----------
    values : iterable
        Distinct names or paths.

    Returns
    -------
    list of str

    Examples
    --------
    >>> recording_names(["a/s1.wav", "'a/s2.wav'"]), recording_names(["a/1.wav", "b/1.wav"])
    (['s1', 's2'], ['a_1', 'b_1'])
    """
    parts = [_parts(value) for value in values]
    last = [own[-1] for own in parts]
    return last if len(set(last)) == len(last) else ["_".join(own) for own in parts]


def _parts(value):
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    text = str(value).strip().strip("'\"").replace("\\", "/")
    suffix = next((suffix for suffix in _MEDIA if text.lower().endswith(suffix)), "")
    text = text[: len(text) - len(suffix)]
    return [part for part in text.split("/") if part not in ("", ".", "..")] or ["unnamed"]


def recording_columns(table):
    """Return the columns that say of which recording a row is, if there are several recordings.

    They are known by their names. Columns in which each row has a value of its own are some if these are
    files of sound or video, or the name of the column says so: names of images are those of frames. ``clip``
    and ``video`` are not where one clock runs through all rows: they are parts of one recording then.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    list of str

    Examples
    --------
    >>> recording_columns(pd.DataFrame({"clip": ["a", "a", "b"], "F0": [1, 2, 3]}))
    ['clip']
    >>> recording_columns(pd.DataFrame({"file": ["1.jpg", "2.jpg"], "F0": [1, 2]}))
    []
    """
    found = [name for position, name in enumerate(table.columns) if _tells(table, name, position)]
    if len(found) < 2:
        return found
    n_all = table.groupby(found, sort=False).ngroups
    return next(([name] for name in found if table[name].nunique() == n_all), found)


def _tells(table, name, position):
    plain = "".join(filter(str.isalnum, str(name))).lower()
    if plain not in _ALWAYS and plain not in _UNLESS_ONE_CLOCK and (plain not in _WHERE_FIRST or position):
        return False
    values = table[name]
    n_distinct = values.nunique()
    if n_distinct < 2 or values.isna().any() or pd.api.types.is_float_dtype(values.dtype):
        return False
    if n_distinct == len(values):
        return plain in _WHOLE or all(map(_is_media, values)) or _at_one_time(table)
    return plain not in _UNLESS_ONE_CLOCK or not _one_clock(table)


def _is_media(value):
    return str(value).strip("' \"").lower().endswith(_MEDIA)


def _one_clock(table):
    steps = _steps_of_clock(table)
    return steps is not None and bool((steps > 0).all())


def _at_one_time(table):
    """Return whether a clock stands still, as in functionals of whole files."""
    steps = _steps_of_clock(table)
    return steps is not None and not steps.any()


def _steps_of_clock(table):
    for name in columns_of(table.columns, "clock"):
        if pd.api.types.is_numeric_dtype(table[name].dtype):
            return np.diff(table[name].to_numpy(np.float64, na_value=np.nan))
    return None


def by_recording(table, columns):
    """Split a table by recording.

    Parameters
    ----------
    table : pandas.DataFrame
    columns : list of str
        Which say of which recording a row is.

    Yields
    ------
    name : str
    rows : pandas.DataFrame
        Without these columns, and without those of text that are the same in all rows of each recording.
    about : dict
        What these say.

    Examples
    --------
    >>> table = pd.DataFrame({"clip": ["a.wav", "b.wav"], "sex": ["f", "m"], "F0": [1.0, 2.0]})
    >>> [(name, about) for name, rows, about in by_recording(table, ["clip"])]
    [('a', {'sex': 'f'}), ('b', {'sex': 'm'})]
    """
    groups = table.groupby(columns if len(columns) > 1 else columns[0], sort=False)
    keys = [key if isinstance(key, tuple) else (key,) for key in groups.groups]
    parts = [recording_names(dict.fromkeys(values)) for values in zip(*keys)]
    names = [dict(zip(dict.fromkeys(values), own)) for values, own in zip(zip(*keys), parts)]
    words = [
        name
        for name in table.columns
        if name not in columns and not pd.api.types.is_numeric_dtype(table[name].dtype)
    ]
    constant = [name for name in words if not table[name].ne(groups[name].transform("first")).any()]
    for key, rows in zip(keys, (rows for _, rows in groups)):
        about = {str(name): rows[name].iloc[0] for name in constant if pd.notna(rows[name].iloc[0])}
        name = "_".join(own[value] for own, value in zip(names, key))
        yield name, rows.drop(columns=[*columns, *constant]).reset_index(drop=True), about


def split(table, named=True):
    """Return a part for each recording of a table with several, and one for a table of one.

    Parameters
    ----------
    table : pandas.DataFrame
    named : bool, default=True
        Whether its features have names.

    Yields
    ------
    Part

    Examples
    --------
    >>> parts = split(pd.DataFrame({"clip": ["a", "a", "b"], "F0": [1, 2, 3]}))
    >>> [(part.recording, part.n_steps) for part in parts]
    [('a', 2), ('b', 1)]
    """
    columns = recording_columns(table)
    if not columns:
        yield Part(table, named)
        return
    for name, rows, about in by_recording(table, columns):
        yield Part(rows, named, recording=name, about=about)
