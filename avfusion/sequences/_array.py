"""The array behind a column of sequences: rows that share one flat buffer of frames."""

import numpy as np
import pandas as pd
from pandas.api.indexers import check_array_indexer
from pandas.api.types import is_integer

from avfusion.sequences._buffers import check_rows, gather, packed_starts, trim
from avfusion.sequences._callers import checks_array, refuse_order, table_tool
from avfusion.sequences._cells import stack_cells
from avfusion.sequences._clock import check_times, per_row, per_row_rates
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._json_cells import lists_wanted
from avfusion.sequences._plain_arrays import plain_array, whole_numbers
from avfusion.sequences._protocol import ColumnProtocol
from avfusion.sequences._sequence import Sequence, as_float_frames, check_features
from avfusion.sequences._text_files import warn_of_text

TRIM_BELOW = 0.5  # a pickled array takes along only the frames of its rows if they are fewer than this share


class SequenceArray(ColumnProtocol):
    """A column of sequences of different lengths over one flat buffer of frames.

    Row i is ``frames[starts[i] : starts[i] + lengths[i]]``. Rows may overlap, repeat and come in any order.
    Selecting, taking, copying and concatenating arrays of one buffer copies no frames. The array is
    immutable: item assignment raises, while `fillna`, `where` and `insert` return new arrays.

    Parameters
    ----------
    frames : numpy.ndarray or numpy.memmap of shape (N, D)
        The buffer: real numbers. A floating array in C order is used as it is, never copied or loaded;
        anything else is converted. It must not be changed afterwards.
    starts : array-like of int of shape (n_rows,)
        First frame of each row.
    lengths : array-like of int of shape (n_rows,)
        Number of frames of each row; -1 marks a missing row. A row of length 0 is not missing.
    rate_hz : float or array-like of float of shape (n_rows,), optional
        Steps per second, of all rows or of each.
    start_s : float or array-like of float of shape (n_rows,), optional
        When the first step of a row begins, in seconds; NaN where it is not known.
    times_s : array-like of shape (N,) or (N, 2), optional
        Instead of a rate: the instant of each frame, or its begin and end, in seconds.
    features : iterable of str, optional
        Names of the D features.

    Attributes
    ----------
    frames : numpy.ndarray or numpy.memmap of shape (N, D)
        Read-only view of the buffer, which may hold other rows too: those of the rows are `pack().frames`.
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)
        Read-only; a missing row has start 0 and length -1.
    width : int
        D, features per step.
    rate_hz : float or None
        Steps per second, if all rows have the same by their dtype.
    rates_hz, starts_s : numpy.ndarray of float64 of shape (n_rows,)
        Rate of each row, and when its first step begins; NaN where not known.
    features : tuple of str or None
        Names of the features, where they are known.
    dtype : SequenceDtype
        Floating dtype, width and clock in one.

    Raises
    ------
    TypeError
        If `frames` does not hold real numbers, or `starts` or `lengths` are not whole numbers.
    ValueError
        If `frames` is not two-dimensional, or a row reaches outside it.

    Examples
    --------
    >>> import numpy as np
    >>> frames = np.arange(10.0).reshape(5, 2)
    >>> column = SequenceArray(frames, starts=[0, 3, 0], lengths=[3, 2, -1], rate_hz=25)
    >>> column
    <SequenceArray>
    [Sequence(3 x 2, 0.12 s), Sequence(2 x 2, 0.08 s), <NA>]
    Length: 3, dtype: sequence[float64, 2, 25Hz]
    >>> column[1].frames
    array([[6., 7.],
           [8., 9.]])
    >>> np.shares_memory(column[::-1].frames, column.frames)
    True
    """

    def __init__(self, frames, starts, lengths, rate_hz=None, *, start_s=None, times_s=None, features=None):
        frames = frames if isinstance(frames, np.memmap) else np.asarray(plain_array(frames))
        if frames.ndim != 2 or frames.shape[1] == 0:
            raise ValueError(f"frames must have the shape (n_frames, n_features), not {frames.shape}.")
        frames = as_float_frames(frames)
        frames = frames if frames.flags.c_contiguous else np.ascontiguousarray(frames)
        starts, lengths = check_rows(len(frames), starts, lengths)
        if times_s is not None and (rate_hz is not None or start_s is not None):
            raise ValueError(
                "times_s tells the time of every step. Give no rate_hz and no start_s beside it."
            )
        rate_hz, rates_hz = per_row_rates(rate_hz, len(lengths))
        if rates_hz is not None and np.isnan(rates_hz[lengths >= 0]).any():
            row = int((np.isnan(rates_hz) & (lengths >= 0)).argmax())
            raise ValueError(f"rate_hz is missing for row {row}. Give every row a rate, or none.")
        self._set(
            frames.view(),
            starts,
            lengths,
            rate_hz,
            rates_hz=rates_hz,
            starts_s=per_row(start_s, len(lengths), "start_s"),
            times_s=None if times_s is None else check_times(times_s, len(frames)),
            features=check_features(features, frames.shape[1]),
        )

    def _set(
        self, frames, starts, lengths, rate_hz, rates_hz=None, starts_s=None, times_s=None, features=None
    ):
        for part in (frames, starts, lengths, rates_hz, starts_s, times_s):
            if part is not None:
                part.flags.writeable = False
        self._frames, self._starts, self._lengths = frames, starts, lengths
        self._rates_hz, self._starts_s, self._times_s = rates_hz, starts_s, times_s
        self._features = features
        clock = "rates" if rates_hz is not None else "times" if times_s is not None else None
        self._dtype = SequenceDtype(frames.dtype, frames.shape[1], rate_hz, clock)

    @classmethod
    def _trusted(cls, frames, starts, lengths, rate_hz=None, **more):
        """Make an array without checks, of parts that came out of an array."""
        self = object.__new__(cls)
        self._set(frames, starts, lengths, rate_hz, **more)
        return self

    def _parts(self, **changed):
        """Return the arguments of `_set` that make this array, some of them changed."""
        parts = {
            "frames": self._frames,
            "starts": self._starts,
            "lengths": self._lengths,
            "rate_hz": self.rate_hz,
            "rates_hz": self._rates_hz,
            "starts_s": self._starts_s,
            "times_s": self._times_s,
            "features": self._features,
        }
        return parts | changed

    def _with_rows(self, pick):
        """Return other rows of the buffer: ``pick(values, fill)`` chooses from an array with one for each."""
        rates, starts_s = self._rates_hz, self._starts_s
        return self._trusted(
            **self._parts(
                starts=pick(self._starts, 0),
                lengths=pick(self._lengths, -1),
                rates_hz=None if rates is None else pick(rates, np.nan),
                starts_s=None if starts_s is None else pick(starts_s, np.nan),
            )
        )

    @classmethod
    def from_sequences(cls, cells, dtype=None, width=None, rate_hz=None):
        """Copy sequences into one buffer.

        Parameters
        ----------
        cells : iterable
            One cell per row: an array or nested list of shape (T, D) or (T,), a `Sequence`, or None, NaN or
            ``pandas.NA`` for a missing row.
        dtype : numpy dtype, optional
            One of float16, float32 and float64. By default what the cells need; integers become float64.
            Without any present cell it is float32.
        width : int, optional
            Features per step, for when no row is present; it is checked against those that are.
        rate_hz : float or array-like of float of shape (n_rows,), optional
            Steps per second. By default the rates of the `Sequence` cells, whose starts and times are kept.

        Returns
        -------
        SequenceArray

        Raises
        ------
        TypeError
            If a cell is not a sequence of real numbers.
        ValueError
            If widths or rates differ, or a cell has more than two axes.

        Examples
        --------
        >>> column = SequenceArray.from_sequences([[[1, 2]], None, [[3, 4], [5, 6]]], dtype="float32")
        >>> column.frames.shape, column.lengths
        ((3, 2), array([ 1, -1,  2]))
        """
        frames, lengths, more = stack_cells(cells, dtype, width, rate_hz)
        return cls.from_packed(frames, lengths, **more)

    @classmethod
    def from_packed(cls, frames, lengths, rate_hz=None, **more):
        """Use a buffer in which the rows lie one after the other.

        Parameters
        ----------
        frames : numpy.ndarray or numpy.memmap of shape (N, D)
            The buffer, used as it is where it can be.
        lengths : array-like of int of shape (n_rows,)
            Number of frames of each row; -1 marks a missing row, which has none.
        rate_hz : float or array-like of float of shape (n_rows,), optional
            Steps per second.
        **more
            `start_s`, `times_s` and `features` of `SequenceArray`.

        Returns
        -------
        SequenceArray

        Examples
        --------
        >>> SequenceArray.from_packed([[1.0], [2.0], [3.0]], [2, -1, 1], rate_hz=2)
        <SequenceArray>
        [Sequence(2 x 1, 1.0 s), <NA>, Sequence(1 x 1, 0.5 s)]
        Length: 3, dtype: sequence[float64, 1, 2Hz]
        """
        lengths = whole_numbers(lengths, "lengths")
        return cls(frames, packed_starts(lengths), lengths, rate_hz, **more)

    @property
    def frames(self):
        """Read-only view of the buffer, (N, D); those of the rows alone are `pack().frames`."""
        return self._frames

    @property
    def starts(self):
        """First frame of each row."""
        return self._starts

    @property
    def lengths(self):
        """Number of frames of each row, -1 where it is missing."""
        return self._lengths

    @property
    def width(self):
        """Features per step."""
        return self._dtype.width

    @property
    def rate_hz(self):
        """Steps per second, or None."""
        return self._dtype.rate_hz

    @property
    def features(self):
        """Names of the features, or None."""
        return self._features

    @property
    def dtype(self):
        """The `SequenceDtype`."""
        return self._dtype

    @property
    def nbytes(self):
        """Bytes of the rows and of the frames they refer to."""
        n_frames = min(len(self._frames), int(np.maximum(self._lengths, 0).sum()))
        return self._starts.nbytes + self._lengths.nbytes + n_frames * self.width * self._frames.itemsize

    def pack(self):
        """Lay the frames of the rows one after the other, in row order.

        Returns
        -------
        SequenceArray
            Its `frames` are exactly those of its rows; if they already lie that way, nothing is copied.

        Examples
        --------
        >>> import numpy as np
        >>> SequenceArray(np.arange(5.0)[:, None], [3, 0], [2, 1]).pack().frames.ravel()
        array([3., 4., 0.])
        """
        frames = gather(self._frames, self._starts, self._lengths)
        if frames is self._frames:
            return self
        times = None if self._times_s is None else gather(self._times_s, self._starts, self._lengths)
        return self._trusted(**self._parts(frames=frames, starts=packed_starts(self._lengths), times_s=times))

    def __len__(self):
        return len(self._lengths)

    def __getitem__(self, item):
        if isinstance(item, tuple):
            item = _single_indexer(item)
        elif item is Ellipsis:
            item = slice(None)
        item = check_array_indexer(self, item)
        if is_integer(item):
            return self._cell(item)
        rows = self._with_rows(lambda values, _: values[item])
        rows._readonly = self._readonly and isinstance(item, slice)
        return rows

    def _cell(self, row):
        if self._lengths[row] < 0:
            return pd.NA
        steps = slice(self._starts[row], self._starts[row] + self._lengths[row])
        rate_hz = self.rate_hz if self._rates_hz is None else float(self._rates_hz[row])
        start_s = None if self._starts_s is None else self._starts_s[row]
        times_s = None if self._times_s is None else self._times_s[steps]
        return Sequence._view(np.asarray(self._frames[steps]), rate_hz, start_s, times_s, self._features)

    def __iter__(self):
        warn_of_text()
        steps = lists_wanted()
        return iter(self._lists(steps)) if steps else map(self._cell, range(len(self)))

    def __setitem__(self, key, value):
        if self._readonly:
            raise ValueError("Cannot modify read-only array.")
        raise TypeError(
            "A SequenceArray is immutable, because its rows share one buffer with other selections. Make a "
            "new column instead, with mask (makes cells missing), fillna, where, pandas.concat or "
            "SequenceArray.from_sequences."
        )

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("An array of Sequence objects cannot be made without a copy. Drop copy=False.")
        refuse_order(self.dtype)
        cells = np.fromiter(self, dtype=object, count=len(self))
        if dtype is None or np.dtype(dtype) == object:
            cells[self.isna() & checks_array()] = None
            return cells
        if np.dtype(dtype).kind in "SU":
            return cells.astype(dtype)
        remedy = table_tool() or (
            "Use column.array.pack().frames for the frames of its rows, or Functionals for a row of numbers "
            "of each."
        )
        raise TypeError(
            f"A column of {self.dtype} cannot become an array of {np.dtype(dtype)}, as its rows are "
            f"sequences. {remedy}"
        )

    def isna(self):
        """Return which rows are missing.

        Returns
        -------
        numpy.ndarray of bool of shape (n_rows,)
            True where missing; a sequence of no steps is not.

        Examples
        --------
        >>> SequenceArray.from_sequences([[1.0], None, []]).isna()
        array([False,  True, False])
        """
        return self._lengths < 0

    def copy(self):
        """Return a new array over the same frames, which never change.

        Returns
        -------
        SequenceArray
            Equal to this one; no frame is copied.

        Examples
        --------
        >>> column = SequenceArray.from_sequences([[1.0], None])
        >>> column.copy().frames is column.frames
        True
        """
        return self._trusted(**self._parts())

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __getstate__(self):
        # frames of a store are pickled as the place where they lie: a part of them is as small as all
        in_store = getattr(self._frames, "_identity", None) is not None
        used = (self._starts, self._lengths, 0 if in_store else TRIM_BELOW)
        frames, starts = trim(self._frames, *used)
        times = None if self._times_s is None else trim(self._times_s, *used)[0]
        # the buffer is a plain attribute of the state, so that joblib finds it and memory-maps it
        state = self._parts(frames=frames, starts=starts, times_s=times)
        return {name: value for name, value in state.items() if value is not None or name == "rate_hz"}

    def __setstate__(self, state):
        frames = state["frames"]
        if isinstance(frames, np.memmap) and frames.filename is None:
            # it was pickled by value, and no file lies behind it
            frames = frames.view(np.ndarray)
        self._set(**state | {"frames": frames})


def _single_indexer(item):
    rest = [part for part in item if part is not Ellipsis]
    if len(rest) > 1:
        raise IndexError("too many indices for array.")
    return rest[0] if rest else slice(None)
