"""The array behind a column of sequences: rows that share one flat buffer of frames."""

import numpy as np
import pandas as pd
from pandas.api.extensions import no_default
from pandas.api.indexers import check_array_indexer
from pandas.api.types import is_integer

from avfusion.sequences._buffers import check_rows, gather, packed_starts, trim
from avfusion.sequences._cells import stack_cells
from avfusion.sequences._dtype import Sequence, SequenceDtype, as_float_frames, check_rate
from avfusion.sequences._protocol import ColumnProtocol
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
    rate_hz : float, optional
        Steps per second.

    Attributes
    ----------
    frames : numpy.ndarray or numpy.memmap of shape (N, D)
        Read-only view of the buffer.
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)
        Read-only; a missing row has start 0 and length -1.
    width : int
        D, features per step.
    rate_hz : float or None
        Steps per second.
    dtype : SequenceDtype
        Floating dtype, width and rate in one.

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

    def __init__(self, frames, starts, lengths, rate_hz=None):
        frames = frames if isinstance(frames, np.memmap) else np.asarray(frames)
        if frames.ndim != 2 or frames.shape[1] == 0:
            raise ValueError(f"frames must have the shape (n_frames, n_features), not {frames.shape}.")
        frames = as_float_frames(frames)
        if not frames.flags.c_contiguous:
            frames = np.ascontiguousarray(frames)
        self._set(frames.view(), *check_rows(len(frames), starts, lengths), check_rate(rate_hz))

    def _set(self, frames, starts, lengths, rate_hz):
        for part in (frames, starts, lengths):
            part.flags.writeable = False
        self._frames, self._starts, self._lengths = frames, starts, lengths
        self._dtype = SequenceDtype(frames.dtype, frames.shape[1], rate_hz)

    @classmethod
    def _trusted(cls, frames, starts, lengths, rate_hz):
        """Make an array without checks, of parts that came out of an array."""
        self = object.__new__(cls)
        self._set(frames, starts, lengths, rate_hz)
        return self

    def _with_rows(self, starts, lengths):
        """Return other rows of the same buffer."""
        return self._trusted(self._frames, starts, lengths, self.rate_hz)

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
        rate_hz : float, optional
            Steps per second. By default the rate of the `Sequence` cells.

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
        frames, lengths, rate_hz = stack_cells(cells, dtype, width, rate_hz)
        return cls.from_packed(frames, lengths, rate_hz)

    @classmethod
    def from_packed(cls, frames, lengths, rate_hz=None):
        """Use a buffer in which the rows lie one after the other.

        Parameters
        ----------
        frames : numpy.ndarray or numpy.memmap of shape (N, D)
            The buffer, used as it is where it can be.
        lengths : array-like of int of shape (n_rows,)
            Number of frames of each row; -1 marks a missing row, which has none.
        rate_hz : float, optional
            Steps per second.

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
        lengths = np.asarray(lengths)
        return cls(frames, packed_starts(lengths), lengths, rate_hz)

    @property
    def frames(self):
        """Read-only view of the buffer, of shape (N, D)."""
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
            Its `frames` are exactly those of its rows. Nothing is copied if they already lie that way, be
            it in a part of the buffer. Missing rows own no frames.

        Examples
        --------
        >>> import numpy as np
        >>> SequenceArray(np.arange(5.0)[:, None], [3, 0], [2, 1]).pack().frames.ravel()
        array([3., 4., 0.])
        """
        frames = gather(self._frames, self._starts, self._lengths)
        if frames is self._frames:
            return self
        return self._trusted(frames, packed_starts(self._lengths), self._lengths, self.rate_hz)

    def with_frames(self, frames, rate_hz=no_default):
        """Give the rows new frames, as many as before: what a frame-wise transformer made of them.

        Parameters
        ----------
        frames : array-like of shape (N, D')
            Aligned with ``array.pack().frames``.
        rate_hz : float, optional
            Steps per second; by default as it was.

        Returns
        -------
        SequenceArray
            The same lengths and missing rows.

        Raises
        ------
        ValueError
            If the number of frames is another.

        Examples
        --------
        >>> column = SequenceArray.from_sequences([[1, 2], None, [3]])
        >>> column.with_frames(column.pack().frames * 10)[2].frames
        array([[30.]])
        """
        total = int(np.maximum(self._lengths, 0).sum())
        if len(frames) != total:
            raise ValueError(
                f"frames has {len(frames)} frames, but the rows have {total} together. Give one for each."
            )
        rate_hz = self.rate_hz if rate_hz is no_default else rate_hz
        return self.from_packed(frames, self._lengths, rate_hz)

    def __len__(self):
        return len(self._lengths)

    def __getitem__(self, item):
        if isinstance(item, tuple):
            item = _single_indexer(item)
        elif item is Ellipsis:
            item = slice(None)
        item = check_array_indexer(self, item)
        if is_integer(item):
            return self._cell(self._starts[item], self._lengths[item])
        rows = self._with_rows(self._starts[item], self._lengths[item])
        rows._readonly = self._readonly and isinstance(item, slice)
        return rows

    def _cell(self, start, length):
        if length < 0:
            return pd.NA
        return Sequence._view(np.asarray(self._frames[start : start + length]), self.rate_hz)

    def __iter__(self):
        warn_of_text()
        return map(self._cell, self._starts.tolist(), self._lengths.tolist())

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
        cells = np.fromiter(self, dtype=object, count=len(self))
        if dtype is None or np.dtype(dtype) == object:
            return cells
        if np.dtype(dtype).kind in "SU":
            return cells.astype(dtype)
        raise TypeError(
            f"A column of {self.dtype} cannot become an array of {np.dtype(dtype)}, as its rows are "
            "sequences. Use column.array.pack().frames for the frames of its rows, or Functionals for a row "
            "of numbers of each."
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
        return self._with_rows(self._starts, self._lengths)

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __getstate__(self):
        frames, starts = trim(self._frames, self._starts, self._lengths, TRIM_BELOW)
        # the buffer is a plain attribute of the state, so that joblib finds it and memory-maps it
        return {"frames": frames, "starts": starts, "lengths": self._lengths, "rate_hz": self.rate_hz}

    def __setstate__(self, state):
        frames = state["frames"]
        if isinstance(frames, np.memmap) and frames.filename is None:
            # it was pickled by value, and no file lies behind it
            frames = frames.view(np.ndarray)
        self._set(frames, state["starts"], state["lengths"], state["rate_hz"])


def _single_indexer(item):
    rest = [part for part in item if part is not Ellipsis]
    if len(rest) > 1:
        raise IndexError("too many indices for array.")
    return rest[0] if rest else slice(None)
