"""One cell of a column of sequences, and what can become one."""

import hashlib

import numpy as np
from pandas import NA

from avfusion.sequences._callers import table_tool, wants_labels
from avfusion.sequences._clock import check_rate, check_times, per_row, regular_times
from avfusion.sequences._messages import quoted
from avfusion.sequences._narrowing import narrowed
from avfusion.sequences._plain_arrays import floats_of, plain_parts
from avfusion.sequences._undefined import refuse_order

FLOATS = ("float16", "float32", "float64")


def as_float_frames(values, dtype=None):
    """Turn one sequence, given as an array or nested list, into a 2-D array of floats.

    Parameters
    ----------
    values : array-like of shape (T, D) or (T,)
        Numbers. A 1-D input is a sequence of width 1.
    dtype : numpy dtype, optional
        Floating dtype to cast to. By default a floating input keeps its dtype and integers and booleans
        become float64.

    Returns
    -------
    numpy.ndarray of shape (T, D)
        Shares memory with `values` where it can.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If the values are not one or two-dimensional, or of uneven lengths.

    Examples
    --------
    >>> as_float_frames([1, 2, 3]).shape
    (3, 1)
    """
    values = numbers_of(values)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"A sequence must have the axes (steps, features) or (steps,), not the shape {values.shape}."
        )
    if values.dtype.kind not in "fiub":
        raise TypeError(f"A sequence must hold real numbers, not dtype {values.dtype}. Convert it first.")
    if values.ndim == 1:
        values = values[:, None]
    dtype = check_float(dtype) if dtype is not None else _float_dtype(values.dtype)
    return narrowed(values, dtype)


def numbers_of(values):
    """Return values as an array, of numbers where they are some, also in arrays of arrays; None becomes NaN.

    Examples
    --------
    >>> numbers_of(np.array([np.array([1.0, 2.0]), [3.0, None]], dtype=object))
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    values = plain_parts(values)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values
    try:
        array = np.asanyarray(values)
    except ValueError:  # steps of unequal lengths, or missing ones among lists
        array = np.array([None, *values], dtype=object)[1:]
    if array.dtype != object or any(isinstance(value, str) for value in array.flat):
        return array
    if array.ndim == 1 and any(map(_is_step, array)):
        return stack_steps(array)
    return floats_of(array)


def stack_steps(steps):
    """Return steps that are lists or arrays of features as one array, a missing one as NaN.

    Parameters
    ----------
    steps : iterable
        At least one of them a list or an array.

    Returns
    -------
    numpy.ndarray of shape (T, D)

    Raises
    ------
    ValueError
        If they have not all as many features.

    Examples
    --------
    >>> stack_steps([[1.0, 2.0], None, [3.0, None]])
    array([[ 1.,  2.],
           [nan, nan],
           [ 3., nan]])
    """
    steps = [None if _is_null(step) else numbers_of(step) for step in steps]
    first = next(k for k, step in enumerate(steps) if step is not None and step.ndim)
    for k, step in enumerate(steps):
        if step is not None and step.shape != steps[first].shape:
            n, expected = (part.shape[0] if part.ndim else "no list of" for part in (step, steps[first]))
            raise ValueError(
                f"Step {k} has {n} features, but step {first} has {expected}. All steps need the same: pad "
                "short ones with NaN, or repair the row."
            )
    nothing = np.full(steps[first].shape, np.nan)
    return np.stack([nothing if step is None else step for step in steps])


def _is_step(value):
    return isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0


def _is_null(step):
    return step is None or step is NA or (isinstance(step, float) and step != step)


def check_float(subtype):
    """Return a floating dtype in native byte order; refuse any but the three that columns can have.

    Examples
    --------
    >>> check_float("float32")
    dtype('float32')
    """
    try:
        dtype = np.dtype(subtype).newbyteorder("=")
    except TypeError:
        raise TypeError(f"subtype must be one of {', '.join(FLOATS)}, not {subtype!r}.") from None
    if dtype.name not in FLOATS:
        raise TypeError(f"subtype must be one of {', '.join(FLOATS)}, not {dtype.name!r}.")
    return dtype


def _float_dtype(dtype):
    return dtype.newbyteorder("=") if dtype.kind == "f" and dtype.itemsize <= 8 else np.dtype("float64")


@refuse_order
class Sequence:
    """One cell of a column of sequences: a frozen view of T steps of D features.

    Parameters
    ----------
    frames : array-like of shape (T, D) or (T,)
        The steps. Floating arrays are viewed, not copied; the view is read-only.
    rate_hz : float, optional
        Steps per second.
    start_s : float, optional
        When the first step begins, in seconds, where a rate tells the others.
    times_s : array-like of shape (T,) or (T, 2), optional
        Instead: the instant of each step, or its begin and end, in seconds.
    features : iterable of str, optional
        Names of the D features.

    Attributes
    ----------
    frames : numpy.ndarray of shape (T, D)
        Read-only view.
    rate_hz, start_s : float or None
        Steps per second, and seconds before the first; None where not declared.
    features : tuple of str or None
        Names of the features, where they are known.

    Notes
    -----
    ``==`` compares whole sequences (dtype, shape, time and content, where NaN equals NaN) and gives one
    boolean, and equal sequences have equal hashes, so that sequences can be counted, grouped and merged.
    For element-wise work use ``numpy.asarray(sequence)``. A sequence is not iterable: pandas takes an
    iterable for a list and would distribute it over rows.

    Examples
    --------
    >>> import numpy as np
    >>> cell = Sequence(np.zeros((300, 512), "float32"), rate_hz=25)
    >>> cell
    Sequence(300 x 512, 12.0 s)
    >>> len(cell), cell.duration_s, cell == Sequence(np.zeros((300, 512), "float32"), rate_hz=25)
    (300, 12.0, True)
    """

    __slots__ = ("_features", "_frames", "_hash", "_rate_hz", "_start_s", "_times_s")

    def __init__(self, frames, rate_hz=None, start_s=None, times_s=None, features=None):
        frames = as_float_frames(frames).view(np.ndarray)
        frames.flags.writeable = False
        if times_s is not None and (rate_hz is not None or start_s is not None):
            raise ValueError(
                "times_s tells the time of every step. Give no rate_hz and no start_s beside it."
            )
        times_s = None if times_s is None else check_times(times_s, len(frames))
        start_s = None if start_s is None else per_row(start_s, 1, "start_s")[0]
        self._set(frames, check_rate(rate_hz), start_s, times_s, check_features(features, frames.shape[1]))

    def _set(self, frames, rate_hz, start_s, times_s, features):
        self._frames, self._rate_hz, self._hash = frames, rate_hz, None
        self._start_s = None if start_s is None or np.isnan(start_s) else float(start_s)
        self._times_s, self._features = times_s, features

    @classmethod
    def _view(cls, frames, rate_hz, start_s=None, times_s=None, features=None):
        """Wrap read-only float frames (T, D) without any check."""
        self = object.__new__(cls)
        self._set(frames, rate_hz, start_s, times_s, features)
        return self

    @property
    def frames(self):
        """Read-only array of shape (T, D)."""
        return self._frames

    @property
    def rate_hz(self):
        """Steps per second, or None."""
        return self._rate_hz

    @property
    def start_s(self):
        """When the first step begins, in seconds, or None where it is not declared."""
        return self._start_s

    @property
    def features(self):
        """Names of the features, or None."""
        return self._features

    @property
    def times_s(self):
        """Begin and end of each step in seconds, of shape (T, 2), or None where no time is known.

        Examples
        --------
        >>> Sequence([1.0, 2.0], rate_hz=2, start_s=15).times_s.tolist()
        [[15.0, 15.5], [15.5, 16.0]]
        """
        if self._rate_hz is None:
            return self._times_s
        start = np.nan if self._start_s is None else self._start_s
        return regular_times(np.array([len(self)]), np.array([self._rate_hz]), np.array([start]))

    @property
    def shape(self):
        """(T, D)."""
        return self._frames.shape

    @property
    def dtype(self):
        """Floating dtype of the frames."""
        return self._frames.dtype

    @property
    def duration_s(self):
        """Seconds from begin to end, or None where no time is known."""
        if self._times_s is not None:
            return float(self._times_s[:, 1].max() - self._times_s[:, 0].min()) if len(self) else 0.0
        return None if self._rate_hz is None else len(self) / self._rate_hz

    def __len__(self):
        return self._frames.shape[0]

    @property
    def __array_interface__(self):
        # not __array__: what has that is an array to pandas, whose isna(cell) would return an array
        return self._frames.__array_interface__

    def __float__(self):  # what numpy calls when an estimator for tables wants numbers
        if wants_labels():
            remedy = table_tool() or (
                "y has a label per step. Put the regressor on frames with FrameRegressor(regressor), or give "
                "it the mean of each row, y.map(lambda row: row.frames.mean())."
            )
        else:
            remedy = table_tool() or (
                "Put a transformer on frames with OnFrames and a regressor with FrameRegressor, or make a "
                "table of clips with Functionals."
            )
        raise TypeError(f"A sequence ({self}) is not a number, but a table of numbers is needed. {remedy}")

    def __eq__(self, other):
        if not isinstance(other, Sequence):
            return NotImplemented if not isinstance(other, np.ndarray) else False
        return self is other or (
            self.dtype == other.dtype
            and self._rate_hz == other._rate_hz
            and self._start_s == other._start_s
            and _same_times(self._times_s, other._times_s)
            and np.array_equal(self._frames, other._frames, equal_nan=True)
        )

    def __hash__(self):
        if self._hash is None:
            self._hash = int.from_bytes(self.digest()[:8], "little", signed=True)
        return self._hash

    def digest(self):
        """Return 16 bytes that depend on content, shape, dtype and time only, in every process.

        Returns
        -------
        bytes
            Equal for equal sequences: 0.0 and -0.0 count as one number, all NaNs as one.

        Examples
        --------
        >>> Sequence([0.0, 1.0]).digest() == Sequence([-0.0, 1.0]).digest()
        True
        """
        # adding 0 turns -0.0 into 0.0, and all NaNs are made one NaN: what is equal must hash equal
        content = np.where(np.isnan(self._frames), self.dtype.type("nan"), self._frames + self.dtype.type(0))
        head = f"{self.dtype} {self.shape} {self._rate_hz}".encode()
        if self._start_s is not None:
            head += f" from {self._start_s}".encode()
        if self._times_s is not None:
            head += self._times_s.tobytes()
        return hashlib.blake2b(head + content.tobytes(), digest_size=16).digest()

    def __reduce__(self):
        return Sequence, (
            np.asarray(self._frames),
            self._rate_hz,
            self._start_s,
            self._times_s,
            self._features,
        )

    def __str__(self):
        steps, width = self.shape
        text = f"{steps} x {width}"
        if self.duration_s is not None:
            text += f", {round(self.duration_s, 3)} s"
        start = self._start_s if self._times_s is None or not len(self) else float(self._times_s[:, 0].min())
        return text + (f" from {round(start, 3)} s" if start else "")

    def __repr__(self):
        return f"Sequence({self})"


def check_features(features, width):
    """Return names of features as a tuple of strings, or None.

    Raises
    ------
    ValueError
        If there are not as many as features, or two are the same.

    Examples
    --------
    >>> check_features(["rms", "pitch"], 2)
    ('rms', 'pitch')
    """
    if features is None:
        return None
    features = tuple(str(name) for name in features)
    if len(features) != width:
        raise ValueError(
            f"There are {len(features)} names of features for {width} features. Give one for each."
        )
    if len(set(features)) < width:
        twice = quoted(dict.fromkeys(name for name in features if features.count(name) > 1))
        raise ValueError(f"Two features have the same name: {twice}. Rename one.")
    return features


def _same_times(one, other):
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
