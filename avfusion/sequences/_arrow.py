"""Columns of sequences in Arrow, and thereby in Parquet and Feather files."""

import contextlib
import json

import numpy as np
import pyarrow as pa

from avfusion.sequences._dtype import SequenceDtype


class SequenceType(pa.ExtensionType):
    """The Arrow type of a column of sequences: lists of steps, which are lists of fixed size.

    Storage is ``large_list<fixed_size_list<float, width>>``, so that programs that know nothing of this
    package still read the numbers; the rate is metadata. A null is a missing row.

    Parameters
    ----------
    dtype : SequenceDtype

    Examples
    --------
    >>> SequenceType(SequenceDtype("float32", 2, 25)).storage_type
    LargeListType(large_list<item: fixed_size_list<item: float not null>[2] not null>)
    """

    def __init__(self, dtype):
        self._dtype = dtype
        step = pa.list_(pa.field("item", pa.from_numpy_dtype(dtype.subtype), nullable=False), dtype.width)
        super().__init__(pa.large_list(pa.field("item", step, nullable=False)), "avfusion.sequence")

    def __arrow_ext_serialize__(self):
        return json.dumps({"rate_hz": self._dtype.rate_hz}).encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        step = storage_type.value_type
        subtype = step.value_type.to_pandas_dtype()
        return cls(SequenceDtype(subtype, step.list_size, json.loads(serialized)["rate_hz"]))

    def __eq__(self, other):  # Arrow's own comparison leaves out the rate
        return isinstance(other, SequenceType) and other._dtype == self._dtype

    def __ne__(self, other):  # that of Arrow does not go by `__eq__`
        return not self == other

    def __hash__(self):  # some versions of pandas and Arrow look types up in a dict when they read
        return hash(self._dtype)

    def to_pandas_dtype(self):
        """Return the `SequenceDtype`, which lets Arrow make the pandas column."""
        return self._dtype


with contextlib.suppress(pa.ArrowKeyError):  # the module was imported before, in another guise
    pa.register_extension_type(SequenceType(SequenceDtype()))


def to_arrow(dtype, frames, lengths):
    """Make an Arrow array of packed rows, which shares their frames.

    Parameters
    ----------
    dtype : SequenceDtype
    frames : numpy.ndarray of shape (N, D)
        Those of all rows, in row order.
    lengths : numpy.ndarray of int64 of shape (n_rows,)
        -1 marks a missing row.

    Returns
    -------
    pyarrow.ExtensionArray

    Examples
    --------
    >>> import numpy as np
    >>> to_arrow(SequenceDtype("float64"), np.arange(3.0)[:, None], np.array([2, -1, 1])).null_count
    1
    """
    kind = SequenceType(dtype)
    steps = pa.FixedSizeListArray.from_arrays(pa.array(frames.ravel()), type=kind.storage_type.value_type)
    offsets = pa.array(np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))]), pa.int64())
    rows = pa.LargeListArray.from_arrays(offsets, steps, type=kind.storage_type, mask=pa.array(lengths < 0))
    return pa.ExtensionArray.from_storage(kind, rows)


def from_arrow(chunk):
    """Find the rows in an Arrow array of sequences, without copying frames.

    Parameters
    ----------
    chunk : pyarrow.Array
        Of `SequenceType`, or of plain lists of lists of fixed size.

    Returns
    -------
    frames : numpy.ndarray of shape (N, D)
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)
        A missing row has length -1.

    Raises
    ------
    TypeError
        If the array is of another type.
    ValueError
        If a step is null.

    Examples
    --------
    >>> import numpy as np
    >>> column = to_arrow(SequenceDtype("float64"), np.arange(3.0)[:, None], np.array([2, -1, 1]))
    >>> from_arrow(column[1:])[1:]
    (array([2, 2]), array([-1,  1]))
    """
    storage = chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk
    kind = storage.type
    if not (
        (pa.types.is_list(kind) or pa.types.is_large_list(kind))
        and pa.types.is_fixed_size_list(kind.value_type)
        and pa.types.is_floating(kind.value_type.value_type)
    ):
        raise TypeError(
            f"An Arrow array of {kind} cannot be read. It must have lists of fixed-size lists of floating "
            "numbers."
        )
    steps = storage.values
    if steps.null_count:
        raise ValueError("A step of a sequence is null. Write its features as NaN.")
    frames = steps.flatten().to_numpy(zero_copy_only=False).reshape(len(steps), kind.value_type.list_size)
    offsets = storage.offsets.to_numpy().astype(np.int64, copy=False)
    missing = storage.is_null().to_numpy(zero_copy_only=False)
    return frames, offsets[:-1], np.where(missing, -1, np.diff(offsets))
