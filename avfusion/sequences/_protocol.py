"""The interface to pandas and Arrow, in terms of rows of a shared buffer."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray, take
from pandas.api.types import is_list_like, pandas_dtype

from avfusion.sequences._arrow import from_arrow, to_arrow
from avfusion.sequences._buffers import concatenate, trim, within_rows
from avfusion.sequences._cells import is_missing
from avfusion.sequences._dtype import Sequence, SequenceDtype


class ColumnProtocol(ExtensionArray):
    """The part of `SequenceArray` that pandas calls: choosing, filling, converting, joining, comparing rows.

    Nothing here changes an array; what fills or replaces returns another one.
    """

    def take(self, indices, *, allow_fill=False, fill_value=None):
        """Select rows by position, without copying frames.

        Parameters
        ----------
        indices : array-like of int
            Row positions.
        allow_fill : bool, default=False
            Whether -1 means a row of `fill_value`, instead of the last row.
        fill_value : Sequence, optional
            By default a missing row.

        Returns
        -------
        SequenceArray
            One row per index, over the same frames.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> SequenceArray.from_sequences([[1.0], [2.0, 3.0]]).take([1, -1], allow_fill=True).lengths
        array([ 2, -1])
        """
        rows = take(np.arange(len(self)), np.asarray(indices), allow_fill=allow_fill, fill_value=-1)
        if not allow_fill or is_missing(fill_value):
            return self._select(rows)
        both = self._concat_same_type([self, self._from_sequence([fill_value], dtype=self.dtype)])
        return both._select(np.where(rows < 0, len(self), rows))

    def _select(self, rows):
        """Rows at these positions; -1 is a missing row."""
        return self._with_rows(np.append(self._starts, 0)[rows], np.append(self._lengths, -1)[rows])

    def _replace(self, mask, value):
        """Return an array with other values, a scalar or one for each row, where the mask is True."""
        if not is_list_like(value):
            value = [value]
        elif len(value) == len(self):
            value = value[mask]
        elif len(value) != 1:
            raise ValueError(f"Length of values ({len(value)}) does not match length of index ({len(self)}).")
        value = self._from_sequence(value, dtype=self.dtype)
        rows = np.arange(len(self))
        rows[mask] = len(self) + np.arange(mask.sum()) * (len(value) > 1)
        return self._concat_same_type([self, value])._select(rows)

    def _putmask(self, mask, value):
        self[mask] = value

    def _where(self, mask, value):
        return self._replace(~np.asarray(mask), value)

    def fillna(self, value, limit=None, copy=True):
        """Return an array with missing rows replaced.

        Parameters
        ----------
        value : Sequence or array-like of Sequence of shape (n_rows,)
            The replacement.
        limit : int, optional
            The largest number of rows to replace, from the first.
        copy : bool, default=True
            Ignored: frames are never copied without need, and self never changes.

        Returns
        -------
        SequenceArray
            Of the same length, dtype and rate.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> SequenceArray.from_sequences([[1.0], None]).fillna(Sequence([2.0, 3.0])).lengths
        array([1, 2])
        """
        mask = self.isna()
        if limit is not None:
            mask &= np.cumsum(mask) <= limit
        if isinstance(value, dict):
            raise TypeError("ExtensionArray.fillna does not support filling with a dict.")
        if is_list_like(value) and len(value) != len(self):
            raise ValueError(f"Length of 'value' does not match. Got ({len(value)})  expected {len(self)}.")
        return self._replace(mask, value) if mask.any() else self.copy()

    @classmethod
    def _from_sequence(cls, scalars, *, dtype=None, copy=False):
        dtype = None if dtype is None else pandas_dtype(dtype)
        scalars = getattr(scalars, "array", scalars)
        if isinstance(scalars, cls):
            return scalars.copy() if dtype is None or dtype == scalars.dtype else scalars._cast(dtype)
        if dtype is None:
            return cls.from_sequences(scalars)
        return cls.from_sequences(scalars, dtype.subtype, dtype.width, dtype.rate_hz)._cast(dtype)

    @classmethod
    def _from_scalars(cls, scalars, *, dtype):
        if not all(isinstance(cell, Sequence) or is_missing(cell) for cell in scalars):
            raise TypeError("Some values are neither sequences nor missing.")
        array = cls.from_sequences(scalars) if any(isinstance(c, Sequence) for c in scalars) else None
        if array is not None and array.dtype != dtype:
            raise ValueError(f"The sequences are of {array.dtype}, not of {dtype}.")
        return cls._from_sequence(scalars, dtype=dtype)

    @classmethod
    def _from_factorized(cls, values, original):
        return cls._from_sequence(values, dtype=original.dtype)

    def astype(self, dtype, copy=True):
        """Convert to another dtype.

        Parameters
        ----------
        dtype : str, numpy dtype or pandas dtype
            Another `SequenceDtype` of the same width changes the floating dtype, or sets or drops the rate;
            object and str work on the cells.
        copy : bool, default=True
            If False, the array itself is returned where nothing changes.

        Returns
        -------
        SequenceArray or other array
            What `dtype` stands for, of the same length.

        Raises
        ------
        ValueError
            If the width or the rate is another: that takes a transformer.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> SequenceArray.from_sequences([[1.0]]).astype("sequence[float32, 1, 25Hz]").dtype
        sequence[float32, 1, 25Hz]
        """
        dtype = pandas_dtype(dtype)
        if isinstance(dtype, SequenceDtype) and dtype != self.dtype:
            return self._cast(dtype)
        return super().astype(dtype, copy=copy)

    def _cast(self, dtype):
        if dtype.width != self.width:
            raise ValueError(
                f"Sequences of width {self.width} cannot become sequences of width {dtype.width}."
            )
        if None not in (self.rate_hz, dtype.rate_hz) and self.rate_hz != dtype.rate_hz:
            raise ValueError(
                f"Sequences at {self.rate_hz:g} Hz cannot be relabelled as {dtype.rate_hz:g} Hz. Use Align."
            )
        frames, starts = self._frames, self._starts
        if dtype.subtype != self._dtype.subtype:
            frames, starts = trim(frames, starts, self._lengths)
        return self._trusted(frames.astype(dtype.subtype, copy=False), starts, self._lengths, dtype.rate_hz)

    @classmethod
    def _concat_same_type(cls, to_concat):
        parts = [(array._frames, array._starts, array._lengths) for array in to_concat]
        return cls._trusted(*concatenate(parts), to_concat[0].rate_hz)

    def __eq__(self, other):
        if isinstance(other, (pd.Series, pd.Index, pd.DataFrame)):
            return NotImplemented
        if is_list_like(other):
            if len(other) != len(self):
                raise ValueError(f"Lengths must match to compare: {len(self)} and {len(other)}.")
        else:
            other = [other] * len(self)
        return np.array(
            [isinstance(a, Sequence) and isinstance(b, Sequence) and a == b for a, b in zip(self, other)],
            bool,
        )

    def __ne__(self, other):
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else ~equal

    def unique(self):
        """Return the distinct rows in order of appearance, without copying frames.

        Returns
        -------
        SequenceArray
            The first row of each content; one row at most is missing.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> SequenceArray.from_sequences([[1.0], [2.0], [1.0]]).unique().starts
        array([0, 1])
        """
        return self[~self.duplicated()]

    def _explode(self):
        """Return a line for each step, and the number of lines of each row; called by pandas' ``explode``.

        Steps of one feature become numbers, those of several sequences of one step. A row without any step
        is one missing line, as pandas has it.
        """
        counts = np.maximum(self._lengths, 1)
        row, step = within_rows(counts)
        there = (self._lengths > 0)[row]
        if self.width > 1:
            ones = np.where(there, 1, -1)
            return self._with_rows(np.where(there, self._starts[row] + step, 0), ones), counts.astype(
                np.uint64
            )
        values = np.full(len(row), np.nan, dtype=self._frames.dtype)
        values[there] = self.pack()._frames[:, 0]
        return pd.Series(values).array, counts.astype(np.uint64)

    def _cast_pointwise_result(self, values):
        try:
            if any(isinstance(cell, Sequence) for cell in values) and all(
                isinstance(cell, Sequence) or is_missing(cell) for cell in values
            ):
                return self.from_sequences(values)
        except (TypeError, ValueError):  # of several widths or rates
            pass
        return super()._cast_pointwise_result(values)

    def _hash_pandas_object(self, *, encoding, hash_key, categorize):
        cells = (b"" if cell is pd.NA else cell.digest() for cell in self)
        return np.array([int.from_bytes(digest[:8], "little") for digest in cells], dtype=np.uint64)

    def _values_for_json(self):
        cells = (None if cell is pd.NA else cell.frames.tolist() for cell in self)
        return np.fromiter(cells, dtype=object, count=len(self))

    def _formatter(self, boxed=False):
        return str if boxed else repr

    def __arrow_array__(self, type=None):
        """Convert to an Arrow array, which shares the frames of packed rows."""
        rows = self.pack()
        array = to_arrow(self.dtype, rows._frames, rows._lengths)
        return array if type is None or type == array.type else array.storage.cast(type)

    @classmethod
    def _from_arrow(cls, array, dtype):
        chunks = array.chunks if hasattr(array, "chunks") else [array]
        parts = [cls(*from_arrow(chunk))._cast(dtype) for chunk in chunks]
        return cls._concat_same_type(parts or [cls._from_sequence([], dtype=dtype)])
