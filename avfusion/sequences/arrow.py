"""Columns of sequences in Arrow, and thereby in Parquet and Feather files."""

import contextlib
import json

import numpy as np
import pyarrow as pa

from avfusion.sequences._buffers import check_rows, within_rows
from avfusion.sequences._clock import check_rate
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._messages import brief

NAME = "avfusion.sequence"
_REMEDY = "Write the file again with DataFrame.to_parquet."


class SequenceType(pa.ExtensionType):
    """The Arrow type of a column of sequences: frames as lists of steps, and what each row knows of time.

    Storage is ``struct<frames, rate_hz, start_s, times_s>``, where ``frames`` is
    ``large_list<fixed_size_list<float, width>>``, so that programs that know nothing of this package still
    read the numbers. Time is stored with each row, not in the type: files of different rates have one type,
    and are read as one without any taking the rate of another. A null is a missing row.

    Parameters
    ----------
    dtype : SequenceDtype
    features : tuple of str, optional
        Names of the features. Arrow does not join types of other names, or of another order.
    storage : pyarrow.StructType, optional
        Of a file that another program wrote: of lists of other offsets, or of parts of other names.

    Examples
    --------
    >>> SequenceType(SequenceDtype("float32", 2, 25)).storage_type.field("frames").type
    LargeListType(large_list<item: fixed_size_list<item: float not null>[2] not null>)
    """

    def __init__(self, dtype, features=None, storage=None):
        self._dtype, self._features = dtype, features
        kinds = {
            "frames": _steps(pa.from_numpy_dtype(dtype.subtype), dtype.width),
            "rate_hz": pa.float64(),
            "start_s": pa.float64(),
            "times_s": _steps(pa.float64(), 2),
        }
        super().__init__(pa.struct(list(kinds.items())) if storage is None else storage, NAME)

    def __arrow_ext_serialize__(self):
        return json.dumps({"rate_hz": self._dtype.rate_hz, "features": self._features}).encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        frames = _checked_storage(storage_type).type.value_type
        # the rate counts for a table without rows only: of all others each knows its own
        rate_hz, features = _checked_description(serialized, frames.list_size)
        dtype = SequenceDtype(frames.value_type.to_pandas_dtype(), frames.list_size, rate_hz)
        own = cls(dtype, features)
        return own if own.storage_type == storage_type else cls(dtype, features, storage_type)

    def __eq__(self, other):
        return (
            isinstance(other, SequenceType)
            and other.storage_type == self.storage_type
            and other._features == self._features
        )

    def __ne__(self, other):  # that of Arrow does not go by `__eq__`
        return not self == other

    def __hash__(self):  # some versions of pandas, Arrow and dask look types up in a dict when they read
        return hash((self._dtype.subtype, self._dtype.width, self._features))

    def to_pandas_dtype(self):
        """Return the `SequenceDtype`, which lets Arrow make the pandas column; the rows know the clock."""
        return self._dtype


def _checked_storage(kind):
    """Return the field of frames of a storage type; refuse what another program wrote under our name."""
    fields = {field.name: field for field in kind} if pa.types.is_struct(kind) else {}
    lacking = [name for name in ("frames", "rate_hz", "start_s", "times_s") if name not in fields]
    if lacking:
        raise ValueError(f"A column says that it is {NAME}, but has no {lacking[0]}. {_REMEDY}")
    for name, width in (("frames", None), ("times_s", 2)):
        own = fields[name].type
        if not _is_of_steps(own) or own.value_type.list_size not in ((width,) if width else range(1, 2**31)):
            raise ValueError(
                f"A column says that it is {NAME}, but {name} are {brief(str(own), 80)[1:-1]}. {_REMEDY}"
            )
    for name in ("rate_hz", "start_s"):
        if not pa.types.is_floating(fields[name].type):
            raise ValueError(f"A column says that it is {NAME}, but {name} is {fields[name].type}. {_REMEDY}")
    return fields["frames"]


def _checked_description(serialized, width):
    """Return rate and names of features of a column, as its type says them."""
    try:
        known = json.loads(serialized)
        rate_hz, features = check_rate(known["rate_hz"]), known["features"]
    except (TypeError, ValueError, LookupError, RecursionError) as error:
        raise ValueError(
            f"A column says that it is {NAME}, but not its rate and features, or wrong ones. {_REMEDY}"
        ) from error
    if features is None:
        return rate_hz, None
    if not (isinstance(features, list) and all(isinstance(name, str) for name in features)):
        raise ValueError(f"A column says that it is {NAME}, but its features have no names. {_REMEDY}")
    if len(set(features)) != width or len(features) != width:
        raise ValueError(
            f"A column says that it is {NAME}, of {width} features, but has {len(set(features))} names of "
            f"them. {_REMEDY}"
        )
    return rate_hz, tuple(features)


def _is_of_steps(kind):
    """Return whether a type is that of lists of steps of one width, which are numbers."""
    return (
        (pa.types.is_list(kind) or pa.types.is_large_list(kind))
        and pa.types.is_fixed_size_list(kind.value_type)
        and pa.types.is_floating(kind.value_type.value_type)
    )


def _steps(number, width):
    step = pa.list_(pa.field("item", number, nullable=False), width)
    return pa.large_list(pa.field("item", step, nullable=False))


with contextlib.suppress(pa.ArrowKeyError):  # the module was imported before, in another guise
    pa.register_extension_type(SequenceType(SequenceDtype()))


def to_arrow(array):
    """Make an Arrow array of a column, which shares its frames where they are packed.

    Parameters
    ----------
    array : SequenceArray

    Returns
    -------
    pyarrow.ExtensionArray

    Examples
    --------
    >>> from avfusion.sequences import SequenceArray
    >>> to_arrow(SequenceArray.from_sequences([[1.0, 2.0], None, [3.0]])).null_count
    1
    """
    rows = array.pack()
    kind = SequenceType(rows.dtype, rows.features)
    missing = rows.isna()
    times = rows.step_times() if rows.dtype.clock == "times" else None
    if times is None:
        times = pa.nulls(len(rows), kind.storage_type.field("times_s").type)
    else:
        times = _as_lists(times, rows.lengths, kind.storage_type.field("times_s").type)
    starts_s = rows.starts_s if rows.dtype.clock != "times" else np.full(len(rows), np.nan)
    columns = [
        _as_lists(rows.frames, rows.lengths, kind.storage_type.field("frames").type),
        pa.array(rows.rates_hz, from_pandas=True),
        pa.array(starts_s, from_pandas=True),
        times,
    ]
    fields = list(kind.storage_type)
    return pa.ExtensionArray.from_storage(
        kind, pa.StructArray.from_arrays(columns, fields=fields, mask=pa.array(missing))
    )


def _as_lists(values, lengths, kind):
    steps = pa.FixedSizeListArray.from_arrays(
        pa.array(np.ascontiguousarray(values).ravel()), type=kind.value_type
    )
    offsets = pa.array(np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))]), pa.int64())
    return pa.LargeListArray.from_arrays(offsets, steps, type=kind, mask=pa.array(lengths < 0))


def from_arrow(chunk):
    """Read rows from an Arrow array of sequences, without copying frames.

    Parameters
    ----------
    chunk : pyarrow.Array
        Of `SequenceType`, or of plain lists of lists of fixed size.

    Returns
    -------
    frames : numpy.ndarray of shape (N, D)
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)
        A missing row has length -1.
    more : dict
        What is known of time and features: further arguments of `SequenceArray`.

    Raises
    ------
    TypeError
        If the array is of another type.
    ValueError
        If a step is null, or some rows have times and others none.

    Examples
    --------
    >>> from avfusion.sequences import SequenceArray
    >>> column = to_arrow(SequenceArray.from_sequences([[1.0, 2.0], None, [3.0]]))
    >>> from_arrow(column[1:])[1:3]
    (array([0, 2]), array([-1,  1]))
    """
    storage = chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk
    if not pa.types.is_struct(storage.type):
        return *_from_lists(storage), {}
    if "frames" not in storage.type.names:
        raise TypeError(f"An Arrow array of {storage.type} cannot be read. It must have the field 'frames'.")
    missing = storage.is_null().to_numpy(zero_copy_only=False)
    frames, starts, lengths = _from_lists(storage.field("frames"))
    lengths = np.where(missing, -1, lengths)
    features = chunk.type._features if isinstance(chunk.type, SequenceType) else None
    rates, begins = (
        storage.field(k).to_numpy(zero_copy_only=False).astype(float) for k in ("rate_hz", "start_s")
    )
    more = {"features": features}
    times = storage.field("times_s")
    if times.null_count < len(times):
        times, begin, count = _from_lists(times)
        more["times_s"] = _in_step(times, begin, np.where(missing, -1, count), frames, starts, lengths)
    if not np.isnan(rates).all():
        more["rate_hz"] = rates
    if not np.isnan(begins).all():
        more["start_s"] = begins
    return frames, starts, lengths, more


def _in_step(times, times_starts, times_lengths, frames, starts, lengths):
    """Lay the times of rows beside their frames."""
    if (times_lengths != lengths).any():
        raise ValueError(
            "Some rows have a time for each step, and others have none. Read the files one by one."
        )
    result = np.zeros((len(frames), 2))
    rows, within = within_rows(np.maximum(lengths, 0))
    result[starts[rows] + within] = times[times_starts[rows] + within]
    return result


def _from_lists(storage):
    kind = storage.type
    if not _is_of_steps(kind):
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
    lengths = np.where(missing, -1, np.diff(offsets))
    return frames, *check_rows(len(frames), offsets[:-1], lengths)
