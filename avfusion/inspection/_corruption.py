"""Corruption of one stream of X: absent streams, dropped steps, noise.

With the same random numbers, what a small share removes, a larger one removes too.
"""

import numpy as np

from avfusion.sequences import sequence_columns


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
