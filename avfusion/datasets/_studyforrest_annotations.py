"""Annotations of the film of `fetch_studyforrest`: speech, music and cuts, at times of their own."""

import numpy as np
import pandas as pd

from avfusion.sequences import SequenceArray

SPEECH_FILE = "old/speech/english_dialog.csv"
MUSIC_FILE = "researchcut/music.tsv"
SHOTS_FILE = "old/structure/shots.csv"
CHECKSUMS = {
    SPEECH_FILE: "1c98ce07969de2651ac86a2c02d462a065cf0373d5614d008101a58b0483143b",
    MUSIC_FILE: "2ba8a8d0a81cf7e10b88366ea5fa1fb41e10c308a191771de10c5f145345a215",
    SHOTS_FILE: "c6604c88b3da182f82dc878d83f81d1923ff1ce2de3ef89a9beccf869c2e7d5b",
}
SHORTEST_LINE_S = 0.2  # of dialogue: 45 lines, up to 41 words long, end within 0.1 s, or before they begin


def read_annotations(files, starts_s, stops_s):
    """Read the annotations and cut them into rows.

    Parameters
    ----------
    files : dict of str to pathlib.Path
        The three files by name.
    starts_s, stops_s : list of int
        Film seconds at which the rows begin and end.

    Returns
    -------
    dict of str to SequenceArray
        ``speech``, ``music`` and ``cuts``, with times from the begin of each row.

    Examples
    --------
    >>> read_annotations(files, [0, 886], [886, 1752])  # doctest: +SKIP
    """
    annotations = {
        "speech": _read_speech(files[SPEECH_FILE]),
        "music": _read_music(files[MUSIC_FILE]),
        "cuts": _read_cuts(files[SHOTS_FILE]),
    }
    return {name: cut_into_rows(*given, starts_s, stops_s) for name, given in annotations.items()}


def cut_into_rows(times, values, feature, starts_s, stops_s):
    """Give each row the intervals and instants within it, cut at its borders.

    Parameters
    ----------
    times : numpy.ndarray of shape (n, 2)
        Begin and end in film seconds; an instant ends when it begins.
    values : numpy.ndarray of shape (n,)
        The feature of each.
    feature : str
        Its name.
    starts_s, stops_s : list of float
        Film seconds at which the rows begin and end.

    Returns
    -------
    SequenceArray
        With times from the begin of each row. A row in which nothing happens has no steps.

    Examples
    --------
    >>> times = np.array([[0.5, 2.5], [3.0, 3.0]])
    >>> cut_into_rows(times, np.array([1.0, 2.0]), "words", [0, 2], [2, 4])
    <SequenceArray>
    [Sequence(1 x 1, 1.5 s from 0.5 s), Sequence(2 x 1, 1.0 s)]
    Length: 2, dtype: sequence[float32, 1, times]
    """
    instant = times[:, 0] == times[:, 1]
    rows, cut = [], []
    for start, stop in zip(starts_s, stops_s):
        inside = (times[:, 0] < stop) & np.where(instant, times[:, 0] >= start, times[:, 1] > start)
        rows.append(np.flatnonzero(inside))
        cut.append(np.clip(times[inside], start, stop) - start)
    return SequenceArray.from_packed(
        values[np.concatenate(rows)][:, None].astype(np.float32),
        [len(row) for row in rows],
        times_s=np.concatenate(cut),
        features=[feature],
    )


def _read_speech(path):
    lines = pd.read_csv(path, keep_default_na=False)
    times = lines[["start", "end"]].to_numpy(dtype=np.float64)
    times[:, 1] = times.max(axis=1)
    duration = times[:, 1] - times[:, 0]
    n_words = lines["text"].str.split().str.len().to_numpy(dtype=np.float64)
    known = (duration >= SHORTEST_LINE_S) & (n_words > 0)
    return times, np.where(known, n_words / np.where(known, duration, 1.0), np.nan), "words_per_s"


def _read_music(path):
    pieces = pd.read_csv(path, sep="\t", usecols=["onset", "duration", "fg"], dtype=np.float64)
    begin = pieces["onset"].to_numpy()
    return np.stack([begin, begin + pieces["duration"]], axis=1), pieces["fg"].to_numpy(), "foreground"


def _read_cuts(path):
    starts = np.unique(pd.read_csv(path, usecols=["start"], dtype=np.float64)["start"])
    return np.stack([starts, starts], axis=1), np.ones(len(starts)), "shot"
