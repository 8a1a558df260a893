"""The cell and the dtype of a column of sequences."""

import hashlib
import re

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype, register_extension_dtype

from avfusion.sequences._messages import brief

_FLOATS = ("float16", "float32", "float64")
_PATTERN = re.compile(r"sequence\[\s*(\w+)\s*,\s*(\d+)\s*(?:,\s*([-+.\w]+?)\s*Hz\s*)?\]")


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
    values = np.asanyarray(values)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"A sequence must have the axes (steps, features) or (steps,), not the shape {values.shape}."
        )
    if values.dtype == object and not any(isinstance(value, str) for value in values.flat):
        values = values.astype(np.float64)  # None among numbers becomes NaN
    if values.dtype.kind not in "fiub":
        raise TypeError(f"A sequence must hold real numbers, not dtype {values.dtype}. Convert it first.")
    if isinstance(values, np.ma.MaskedArray):
        values = values.astype(_float_dtype(values.dtype)).filled(np.nan)
    if values.ndim == 1:
        values = values[:, None]
    dtype = SequenceDtype(dtype).subtype if dtype is not None else _float_dtype(values.dtype)
    return values.astype(dtype, copy=False)


def _float_dtype(dtype):
    return dtype.newbyteorder("=") if dtype.kind == "f" and dtype.itemsize <= 8 else np.dtype("float64")


def check_rate(rate_hz):
    """Return a sampling rate as a float in Hz, or None; refuse what is not a positive, finite number.

    Examples
    --------
    >>> check_rate(25)
    25.0
    """
    if rate_hz is None:
        return None
    try:
        rate = float(rate_hz)
    except (TypeError, ValueError):
        raise TypeError(
            f"rate_hz must be a number (steps per second) or None, not {brief(rate_hz)}."
        ) from None
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"rate_hz must be positive and finite, not {rate_hz!r}.")
    return rate


class Sequence:
    """One cell of a column of sequences: a frozen view of T steps of D features.

    Parameters
    ----------
    frames : array-like of shape (T, D) or (T,)
        The steps. Floating arrays are viewed, not copied; the view is read-only.
    rate_hz : float, optional
        Steps per second.

    Attributes
    ----------
    frames : numpy.ndarray of shape (T, D)
        Read-only view.
    rate_hz : float or None
        Steps per second.

    Notes
    -----
    ``==`` compares whole sequences (dtype, shape, rate and content, where NaN equals NaN) and gives one
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

    __slots__ = ("_frames", "_hash", "_rate_hz")

    def __init__(self, frames, rate_hz=None):
        self._frames = as_float_frames(frames).view(np.ndarray)
        self._frames.flags.writeable = False
        self._rate_hz = check_rate(rate_hz)
        self._hash = None

    @classmethod
    def _view(cls, frames, rate_hz):
        """Wrap read-only float frames (T, D) without any check."""
        self = object.__new__(cls)
        self._frames, self._rate_hz, self._hash = frames, rate_hz, None
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
    def shape(self):
        """(T, D)."""
        return self._frames.shape

    @property
    def dtype(self):
        """Floating dtype of the frames."""
        return self._frames.dtype

    @property
    def duration_s(self):
        """Length in seconds, or None where the rate is not known."""
        return None if self._rate_hz is None else len(self) / self._rate_hz

    def __len__(self):
        return self._frames.shape[0]

    @property
    def __array_interface__(self):
        # not __array__: what has that is an array to pandas, whose isna(cell) would return an array
        return self._frames.__array_interface__

    def __float__(self):  # what numpy calls when an estimator for tables wants numbers
        raise TypeError(
            f"A sequence ({self}) is not a number, but a table of numbers is needed. Put the transformer on "
            "frames with OnFrames, or make a table of clips with Functionals."
        )

    def __eq__(self, other):
        if not isinstance(other, Sequence):
            return NotImplemented if not isinstance(other, np.ndarray) else False
        return self is other or (
            self.dtype == other.dtype
            and self._rate_hz == other._rate_hz
            and np.array_equal(self._frames, other._frames, equal_nan=True)
        )

    def __hash__(self):
        if self._hash is None:
            self._hash = int.from_bytes(self.digest()[:8], "little", signed=True)
        return self._hash

    def digest(self):
        """Give 16 bytes that depend on content, shape, dtype and rate only, in every process.

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
        return hashlib.blake2b(head + content.tobytes(), digest_size=16).digest()

    def __reduce__(self):
        return Sequence, (np.asarray(self._frames), self._rate_hz)

    def __str__(self):
        steps, width = self.shape
        return f"{steps} x {width}" + ("" if self._rate_hz is None else f", {round(self.duration_s, 3)} s")

    def __repr__(self):
        return f"Sequence({self})"


@register_extension_dtype
class SequenceDtype(ExtensionDtype):
    """The dtype of a column of sequences: what all its rows share.

    Parameters
    ----------
    subtype : numpy dtype, default="float32"
        One of float16, float32 and float64.
    width : int, default=1
        Features per step.
    rate_hz : float, optional
        Steps per second.

    Raises
    ------
    TypeError
        If `subtype` is not one of the three floating dtypes, or `width` or `rate_hz` is not a number.
    ValueError
        If `width` or `rate_hz` is not positive.

    Examples
    --------
    >>> import pandas as pd
    >>> SequenceDtype("float32", 512, rate_hz=25)
    sequence[float32, 512, 25Hz]
    >>> pd.Series([[[1, 2], [3, 4]], None], dtype="sequence[float32, 2]")
    0    2 x 2
    1     <NA>
    dtype: sequence[float32, 2]
    """

    type = Sequence
    na_value = pd.NA
    kind = "O"
    _is_immutable = True
    _metadata = ("subtype", "width", "rate_hz")

    def __init__(self, subtype="float32", width=1, rate_hz=None):
        try:
            subtype = np.dtype(subtype).newbyteorder("=")
        except TypeError:
            raise TypeError(f"subtype must be one of {', '.join(_FLOATS)}, not {subtype!r}.") from None
        if subtype.name not in _FLOATS:
            raise TypeError(f"subtype must be one of {', '.join(_FLOATS)}, not {subtype.name!r}.")
        if isinstance(width, bool) or not isinstance(width, (int, np.integer)):
            raise TypeError(f"width must be a whole number of features per step, not {width!r}.")
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}.")
        self.subtype, self.width, self.rate_hz = subtype, int(width), check_rate(rate_hz)

    @property
    def name(self):
        """The dtype as a string, from which it can be made again."""
        rate = "" if self.rate_hz is None else f", {repr(self.rate_hz).removesuffix('.0')}Hz"
        return f"sequence[{self.subtype.name}, {self.width}{rate}]"

    @classmethod
    def construct_from_string(cls, string):
        """Make the dtype from a string such as ``sequence[float32, 512, 25Hz]``.

        Parameters
        ----------
        string : str
            Subtype, features per step and, where known, steps per second.

        Returns
        -------
        SequenceDtype
            With this subtype, width and rate.

        Raises
        ------
        TypeError
            If the string is not of that form.

        Examples
        --------
        >>> SequenceDtype.construct_from_string("sequence[float64, 3]").width
        3
        """
        if not isinstance(string, str):
            raise TypeError(f"'construct_from_string' expects a string, got {type(string)}.")
        match = _PATTERN.fullmatch(string)
        try:
            subtype, width, rate_hz = match.groups()
            return cls(subtype, int(width), None if rate_hz is None else float(rate_hz))
        except (AttributeError, TypeError, ValueError) as error:
            form = "Its form is 'sequence[float32, 512]' or 'sequence[float32, 512, 25Hz]'."
            reason = error if match else form
            raise TypeError(f"Cannot construct a '{cls.__name__}' from '{string}'. {reason}") from None

    @classmethod
    def construct_array_type(cls):
        """Return the class of arrays of this dtype, `SequenceArray`."""
        from avfusion.sequences._array import SequenceArray

        return SequenceArray

    def _get_common_dtype(self, dtypes):
        if not all(isinstance(d, SequenceDtype) for d in dtypes):
            return None
        if len({(d.width, d.rate_hz) for d in dtypes}) > 1:
            return None
        return SequenceDtype(np.result_type(*(d.subtype for d in dtypes)), self.width, self.rate_hz)

    def __from_arrow__(self, array):
        """Make a `SequenceArray` from an Arrow array or chunked array of sequences."""
        return self.construct_array_type()._from_arrow(array, self)

    def __repr__(self):
        return self.name
