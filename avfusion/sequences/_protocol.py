"""The interface to pandas and Arrow, in terms of rows of a shared buffer."""

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionArray, take
from pandas.api.types import is_list_like, pandas_dtype

from avfusion.sequences._buffers import concatenate, trim, within_rows
from avfusion.sequences._cells import is_missing
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._row_times import RowTimes
from avfusion.sequences._sequence import Sequence
from avfusion.sequences._undefined import WithoutNumbers
from avfusion.sequences.arrow import from_arrow, to_arrow


class ColumnProtocol(WithoutNumbers, RowTimes, ExtensionArray):
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
        return self._with_rows(lambda values, fill: np.append(values, fill)[rows])

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
        if isinstance(dtype, pd.ArrowDtype):
            return pd.arrays.ArrowExtensionArray(self.__arrow_array__(dtype.pyarrow_dtype))
        return super().astype(dtype, copy=copy)

    def _cast(self, dtype):
        if dtype.width != self.width:
            raise ValueError(
                f"Sequences of width {self.width} cannot become sequences of width {dtype.width}."
            )
        array = (
            self if (dtype.rate_hz, dtype.clock) == (self.rate_hz, self.dtype.clock) else self._retimed(dtype)
        )
        frames, starts, times_s = array._frames, array._starts, array._times_s
        if dtype.subtype != self._dtype.subtype:
            frames, moved = trim(frames, starts, array._lengths)
            times_s = None if times_s is None else trim(times_s, starts, array._lengths)[0]
            starts = moved
        frames = frames.astype(dtype.subtype, copy=False)
        return self._trusted(**array._parts(frames=frames, starts=starts, times_s=times_s))

    @classmethod
    def _concat_same_type(cls, to_concat):
        to_concat = list(to_concat)
        named = {array._features for array in to_concat if not array.isna().all()}  # empty ones go with all
        features = None if None in named else next((a._features for a in to_concat if a._features), None)
        if features is not None:
            to_concat = [array.in_order(features) for array in to_concat]
        timed = to_concat[0]._times_s is not None
        parts = [
            ((array._frames, array._times_s) if timed else (array._frames,), array._starts, array._lengths)
            for array in to_concat
        ]
        buffers, starts, lengths = concatenate(parts)
        more = {}
        if any(array._starts_s is not None for array in to_concat):
            more["starts_s"] = np.concatenate([array.starts_s for array in to_concat])
        if to_concat[0]._rates_hz is not None:
            more["rates_hz"] = np.concatenate([array._rates_hz for array in to_concat])
        more["times_s"] = buffers[1] if timed else None
        return cls._trusted(buffers[0], starts, lengths, to_concat[0].rate_hz, features=features, **more)

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
            lines = self._select(np.where(there, row, -1))._parts(lengths=np.where(there, 1, -1))
            lines["starts"] = lines["starts"] + step
            if self._times_s is None and self._dtype.timed:
                lines["starts_s"] = np.nan_to_num(self.starts_s)[row] + step / self.rates_hz[row]
            return self._trusted(**lines), counts.astype(np.uint64)
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
        return self._lists(slice(None))

    def _lists(self, steps):
        """Return rows as nested lists, for JSON."""
        cells = map(self._cell, range(len(self)))
        lists = (None if cell is pd.NA else cell.frames[steps].tolist() for cell in cells)
        return np.fromiter(lists, dtype=object, count=len(self))

    def _formatter(self, boxed=False):
        return str if boxed else repr

    def __arrow_array__(self, type=None):
        """Convert to an Arrow array, which shares the frames of packed rows."""
        array = to_arrow(self)
        if type is None or type == array.type:
            return array
        if pa.types.is_struct(type):
            return array.storage.cast(type)
        try:
            return array.storage.field("frames").cast(type)
        except pa.ArrowNotImplementedError:
            raise TypeError(
                f"A column of {self.dtype} cannot become an Arrow array of {type}. Lists of steps are "
                f"{array.type.storage_type.field('frames').type}; for other tables use avfusion.to_long(X)."
            ) from None

    @classmethod
    def _from_arrow(cls, array, dtype):
        chunks = array.chunks if hasattr(array, "chunks") else [array]
        parts = [cls._from_chunk(chunk, dtype) for chunk in chunks if len(chunk)]
        if not parts:
            return cls._from_sequence([], dtype=dtype)
        known = [part for part in parts if not part.isna().all()] or parts
        if len({part.dtype.timed for part in known}) > 1:
            raise ValueError(
                "Some rows have a rate or times, and others have none. Read the files one by one, and "
                "declare the rates with as_sequences(X, rate_hz=...)."
            )
        common = known[0].dtype._get_common_dtype([part.dtype for part in known])
        parts = [
            part._cast(SequenceDtype(dtype.subtype, dtype.width, common.rate_hz, common.clock))
            for part in parts
        ]
        return cls._concat_same_type(parts)._with_common_rate()

    @classmethod
    def _from_chunk(cls, chunk, dtype):
        frames, starts, lengths, more = from_arrow(chunk)
        if (lengths < 0).all():
            return cls._from_sequence([None] * len(lengths), dtype=dtype)
        if not isinstance(chunk, pa.ExtensionArray):  # plain lists know nothing of time, but we may be told
            return cls(frames, starts, lengths)._cast(dtype)
        rates = more.get("rate_hz")
        if rates is not None and np.isnan(rates[lengths >= 0]).any():
            raise ValueError("Some rows have a rate, and others have none. Read the files one by one.")
        return cls(frames, starts, lengths, **more)._with_common_rate()
