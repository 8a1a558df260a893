"""Corruption of one stream of X: absent streams, dropped steps, noise.

With the same random numbers, what a small share removes, a larger one removes too.
"""

import numpy as np

from avfusion.sequences import sequence_columns
from avfusion.sequences._buffers import within_rows
from avfusion.sequences._groups import rows_of_other_groups
from avfusion.sequences._messages import quoted


def without_stream(X, name, share, rng):
    """Return X with the stream of a share of its rows missing, never the last stream of a row.

    Parameters
    ----------
    X : DataFrame
        With sequence columns.
    name : str
        The column to corrupt; the others are those of X.
    share : float
        Of the rows that have this stream and another one.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [[1.0], [2.0]], "video": [[3.0], None]})
    >>> without_stream(X, "audio", 1.0, np.random.default_rng(0))["audio"].isna().tolist()
    [True, False]
    """
    rows = rng.permutation(rows_with_another_stream(X, name))
    gone = np.zeros(len(X), dtype=bool)
    gone[rows[: round(share * len(rows))]] = True
    return X.assign(**{name: X[name].mask(gone)})


def rows_with_another_stream(X, name):
    """Return the positions of the rows that have this stream and at least one more.

    Examples
    --------
    >>> import avfusion as av
    >>> rows_with_another_stream(av.as_sequences({"audio": [[1.0]]}), "audio")
    array([], dtype=int64)
    """
    others = [other for other in sequence_columns(X) if other != name]
    more = X[others].notna().any(axis=1).to_numpy() if others else np.zeros(len(X), dtype=bool)
    return np.flatnonzero(X[name].notna().to_numpy() & more)


def with_dropped_steps(X, name, share, rng):
    """Return X with a share of the steps of a stream NaN, as where a face was not found.

    Parameters
    ----------
    X, name, rng
        As in `without_stream`.
    share : float
        Of all steps of this stream, whichever rows they are in.

    Examples
    --------
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [[1.0, 2.0], [3.0, 4.0]]})
    >>> corrupted = with_dropped_steps(X, "audio", 0.5, np.random.default_rng(0))
    >>> int(np.isnan(corrupted["audio"].array.frames).sum())
    2
    """
    packed = X[name].array.pack()
    frames = np.array(packed.frames)
    frames[rng.permutation(len(frames))[: round(share * len(frames))]] = np.nan
    return X.assign(**{name: packed.with_frames(frames)})


def with_noise(X, name, snr_db, rng):
    """Return X with Gaussian noise on a stream.

    Parameters
    ----------
    X, name, rng
        As in `without_stream`.
    snr_db : float
        Signal-to-noise ratio in dB: ten times the decimal logarithm of a feature's variance, over all its
        observed steps, over that of the noise on it.

    Examples
    --------
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [np.random.default_rng(0).normal(size=10_000)]})
    >>> corrupted = with_noise(X, "audio", 6.0, np.random.default_rng(1))
    >>> noise = corrupted["audio"].array.frames - X["audio"].array.frames
    >>> round(10 * np.log10(float(np.var(X["audio"].array.frames) / np.var(noise))))
    6
    """
    packed = X[name].array.pack()
    frames = np.asarray(packed.frames)
    noise = rng.standard_normal(frames.shape, dtype=np.float32)
    noise *= feature_deviations(frames) * 10 ** (-snr_db / 20)
    return X.assign(**{name: packed.with_frames((frames + noise).astype(frames.dtype))})


def with_streams_of_others(X, names, groups, rng):
    """Return X with streams replaced by those of a row of another group, cut or repeated to the row's length.

    Of a longer stream a random stretch is taken; a shorter one is repeated, from a random step on; one of the
    same length stays as it is. The row keeps its length, rate and times, and the stream its missing steps.
    Absent streams stay absent.

    Parameters
    ----------
    X : DataFrame
    names : list of str
        Columns to replace, all by those of the same row.
    groups : ndarray of shape (n_rows,)
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If rows of fewer than two groups have all these streams.

    Examples
    --------
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [[1.0, 1.0], [2.0, 2.0, 2.0]]})
    >>> others = with_streams_of_others(X, ["audio"], np.arange(2), np.random.default_rng(0))
    >>> [cell.frames.ravel().tolist() for cell in others["audio"]]
    [[2.0, 2.0], [1.0, 1.0, 1.0]]
    """
    lengths = np.stack([X[name].array.lengths for name in names])
    giving, getting = (lengths > 0).all(axis=0), (lengths > 0).any(axis=0)
    if len(set(groups[giving])) < 2:
        raise ValueError(
            f"Rows of {len(set(groups[giving]))} group(s) have {quoted(names)}: there is no other group "
            "whose stream could be put in its place. Give more groups, or leave groups out."
        )
    givers = rows_of_other_groups(groups, rng, giving, getting)
    shares = rng.random(len(X))
    return X.assign(**{name: _of_givers(X[name].array, givers, shares) for name in names})


def _of_givers(column, givers, shares):
    """Return a column whose rows have the frames of others, from a random step on (`shares`, 0 to 1)."""
    packed = column.pack()
    lengths = np.maximum(packed.lengths, 0)
    givers = np.where((givers < 0) | (lengths == 0), np.arange(len(lengths)), givers)
    longest = lengths[givers]
    room = np.where(longest > lengths, longest - lengths + 1, np.where(longest < lengths, longest, 1))
    rows, steps = within_rows(lengths)
    begins = np.floor(shares * room).astype(np.int64)
    steps = (begins[rows] + steps) % np.maximum(longest, 1)[rows]
    return packed.with_frames(packed.frames[(packed.starts[givers])[rows] + steps])


def without_streams(X, names):
    """Return X without some streams, in the rows that have another one.

    Raises
    ------
    ValueError
        If no row has another one.

    Examples
    --------
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [[1.0], [2.0]], "video": [[3.0], None]})
    >>> without_streams(X, ["audio"])["audio"].isna().tolist()
    [True, False]
    """
    others = [name for name in sequence_columns(X) if name not in names]
    more = X[others].notna().any(axis=1) if others else np.zeros(len(X), dtype=bool)
    gone = X[names].notna().any(axis=1).to_numpy() & np.asarray(more)
    if not gone.any():
        raise ValueError(
            f"No row has another stream beside {quoted(names)}, so that it cannot be left out. Use "
            'method="permute".'
        )
    return X.assign(**{name: X[name].mask(gone) for name in names})


def feature_deviations(frames):
    """Return the standard deviation of every feature over its observed steps, (width,); 0 without any.

    Examples
    --------
    >>> feature_deviations(np.array([[1.0, np.nan], [3.0, np.nan]]))
    array([1., 0.])
    """
    observed = ~np.isnan(frames)
    count = np.maximum(observed.sum(axis=0), 1)
    mean = np.sum(frames, axis=0, where=observed, dtype=np.float64) / count
    return np.sqrt(np.sum(np.square(frames - mean), axis=0, where=observed) / count)
