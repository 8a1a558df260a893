"""Cells in lists of Arrow: where the frames of each row lie in its buffers, without a loop over rows."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._buffers import check_rows, within_rows
from avfusion.sequences._cells import is_missing
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._narrowing import narrowed
from avfusion.sequences._plain_arrays import has_more
from avfusion.sequences._readings import check_axes
from avfusion.sequences.arrow import SequenceType, from_arrow

OURS = {"frames", "rate_hz", "start_s", "times_s"}  # the fields of `SequenceType`, where its name was lost
VIEWS = (pa.types.is_list_view, pa.types.is_large_list_view)
LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def holds_cells(kind):
    """Return whether values of a type of Arrow are cells: lists of numbers, or of lists of them, or ours.

    Parameters
    ----------
    kind : pyarrow.DataType, or dtype of pandas

    Returns
    -------
    bool

    Examples
    --------
    >>> holds_cells(pa.list_(pa.list_(pa.float32()))), holds_cells(pa.list_(pa.string()))
    (True, False)
    """
    kind = getattr(kind, "pyarrow_dtype", kind)
    if not isinstance(kind, pa.DataType):
        return False
    if isinstance(kind, SequenceType):
        return True
    kind = _storage(kind)
    if pa.types.is_struct(kind):
        return {field.name for field in kind} >= OURS
    return _is_list(kind) and _is_number(_innermost(kind))


def without_views(column):
    """Return a column of Arrow with lists in place of views of lists, which pandas cannot hold.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray

    Returns
    -------
    pyarrow.Array or pyarrow.ChunkedArray

    Examples
    --------
    >>> without_views(pa.array([[1.0], None], pa.list_view(pa.float32()))).type
    LargeListType(large_list<item: float>)
    """
    if not _has_view(column.type):
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([without_views(chunk) for chunk in column.chunks])
    missing = column.is_null().to_numpy(zero_copy_only=False)
    begin, size = _extent(column)
    size = np.where(missing, 0, size)
    row, within = within_rows(size)
    values = without_views(column.values).take(pa.array(begin[row] + within))  # a cast loses steps (Arrow 26)
    offsets = pa.array(np.concatenate([[0], np.cumsum(size)]))
    return pa.LargeListArray.from_arrays(offsets, values, mask=pa.array(missing))


def _has_view(kind):
    return any(is_view(kind) for is_view in VIEWS) or (_is_list(kind) and _has_view(kind.value_type))


def read_lists(cells, where, width=None, dtype=None, name=None):
    """Make a column of cells of Arrow, over their memory where that is one piece of floating numbers.

    Parameters
    ----------
    cells : pyarrow.Array, pyarrow.ChunkedArray, or Series or array of pandas that holds one
        Lists of steps, each a number or a list of features. A null is a missing row; a null step, or number,
        was not observed, and becomes NaN.
    where : callable
        Names the row of a given position in error messages.
    width : int, optional
        Features per step, which decides where lists of numbers may be either steps or features.
    dtype : numpy dtype, optional
        Floating dtype to cast to.
    name : str, optional
        The modality, for messages.

    Returns
    -------
    SequenceArray

    Raises
    ------
    TypeError
        If lists hold no numbers, or lists of lists of lists.
    ValueError
        If steps have not all as many features, or lists of one size can be read in two ways.

    Examples
    --------
    >>> read_lists(pa.array([[[1.0, 2.0], [3.0, None]], None]), "row {}".format)[0].frames
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    cells = getattr(cells, "array", cells)
    cells = cells.__arrow_array__() if isinstance(cells, pd.api.extensions.ExtensionArray) else cells
    cells = without_views(cells)
    chunks = [chunk for chunk in getattr(cells, "chunks", [cells]) if len(chunk)]
    shown = next(filter(None, map(_shown_width, chunks)), 1) if len(chunks) > 1 else 1
    parts, first = [], 0
    for chunk in chunks:
        parts.append(_read_chunk(chunk, lambda row, first=first: where(first + row), width, name, shown))
        first += len(chunk)
    column = _joined(parts, where)
    if dtype is None or column.dtype.subtype == np.dtype(dtype):
        return column
    kind = column.dtype
    narrowed(column.frames, dtype)
    return column._cast(SequenceDtype(dtype, kind.width, kind.rate_hz, kind.clock))


def nested_lists(cells):
    """Return cells that are lists, or arrays of arrays, as lists of Arrow: ten times as fast as one by one.

    Parameters
    ----------
    cells : list

    Returns
    -------
    pyarrow.Array or None
        None where they are anything else, or not alike.

    Examples
    --------
    >>> nested_lists([[[1.0, 2.0]], None]).type, nested_lists([np.zeros((2, 2))])
    (ListType(list<item: list<item: double>>), None)
    """
    for cell in cells:
        if not (isinstance(cell, (list, tuple)) or _is_objects(cell) or is_missing(cell)):
            return None
        if not is_missing(cell) and any(map(has_more, cell)):  # Arrow does not look at masks
            return None
    try:
        lists = pa.array([None if is_missing(cell) else cell for cell in cells])
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None
    return lists if holds_cells(lists.type) else None


def _is_objects(cell):
    return isinstance(cell, np.ndarray) and cell.dtype.kind == "O"


def _joined(parts, where):
    """Join the columns of chunks; those without any frame take on the width of the others."""
    if len(parts) < 2:
        return parts[0] if parts else SequenceArray.from_sequences([])
    filled = [part for part in parts if part.lengths.max(initial=-1) > 0] or parts[:1]
    kind = filled[0].dtype
    row = 0
    for part in parts:
        if part.lengths.max(initial=-1) > 0 and part.width != kind.width:
            at = row + int((part.lengths > 0).argmax())
            raise ValueError(
                f"The sequence in {where(at)} has {part.width} features per step, but others have "
                f"{kind.width}. All rows need the same features."
            )
        row += len(part)
    common = kind._get_common_dtype([part.dtype for part in filled])
    if common is None:
        raise ValueError(
            "Some rows have a rate or times, and others have none. Read the files one by one, and declare "
            "the rates with as_sequences(X, rate_hz=...)."
        )
    return SequenceArray._concat_same_type([_like(part, common) for part in parts])


def _like(part, kind):
    if part.lengths.max(initial=-1) > 0:
        return part if part.dtype == kind else part._cast(kind)
    empty = SequenceArray.from_packed(np.empty((0, kind.width), kind.subtype), part.lengths)
    return empty if not kind.timed else empty._retimed(kind)


def _shown_width(chunk):
    """Return how many features the first step of a chunk has, None where none shows it."""
    if not (_is_list(chunk.type) and _is_list(chunk.type.value_type)):
        return None
    sizes = pc.list_value_length(chunk.flatten()).drop_null()
    return sizes[0].as_py() if len(sizes) else None


def _read_chunk(chunk, where, width, name, shown):
    if pa.types.is_struct(_storage(chunk.type)):
        frames, starts, lengths, more = from_arrow(_in_steps(chunk, where))
        return SequenceArray(frames, starts, lengths, **more)._with_common_rate()
    if isinstance(chunk.type, pa.FixedShapeTensorType):
        chunk = _tensor(chunk, where)
    while isinstance(chunk, pa.ExtensionArray):
        chunk = chunk.storage
    missing = chunk.is_null().to_numpy(zero_copy_only=False)
    starts, lengths = _extent(chunk)
    steps = chunk.values
    if not _is_list(steps.type):
        frames, starts, lengths = _of_numbers(chunk, steps, starts, lengths, missing, where, width, name)
    else:
        if _all_fixed(chunk.type) and width is None:
            check_axes((len(chunk), chunk.type.list_size, steps.type.list_size), name)
        frames, starts = _of_steps(steps, starts, np.where(missing, 0, lengths), where, shown)
        if _all_fixed(chunk.type) and width == chunk.type.list_size != frames.shape[1]:
            return _turned(frames, missing, width)
    return SequenceArray(frames, starts, np.where(missing, -1, lengths))


def _turned(frames, missing, width):
    """Return channels of a fixed number of steps as steps of features."""
    n_steps = frames.shape[1]
    frames = frames.reshape(-1, width, n_steps).swapaxes(1, 2).reshape(-1, width)
    return SequenceArray.from_packed(frames, np.where(missing, -1, n_steps))


def _of_numbers(chunk, numbers, starts, lengths, missing, where, width, name):
    """Read lists of numbers: steps of one feature, or, where `width` says so, one step of features."""
    fixed = pa.types.is_fixed_size_list(chunk.type) and chunk.type.list_size > 1
    n = chunk.type.list_size if fixed else None
    if fixed and width is None:
        name = name or "name"
        raise ValueError(
            f"The cell in {where(0)} is a list of {n} numbers, as all are by their type: {n} steps of one "
            f"feature or one step of {n}? Say which by the width: as_sequences(data, {{{name!r}: 1}}), or "
            f"{{{name!r}: {n}}}."
        )
    frames = _floats(numbers, where)[:, None]
    if width is None or width == 1 or not (lengths[~missing] == width).all():
        return frames, starts, lengths
    taken, _ = _features(frames.ravel(), starts[~missing], width)
    begin = np.zeros(len(chunk), dtype=np.int64)
    begin[~missing] = np.arange((~missing).sum())
    return taken, begin, np.ones(len(chunk), dtype=np.int64)


def _of_steps(steps, starts, lengths, where, shown):
    """Read lists of lists: return the frames, and where those of each row begin."""
    if _is_list(steps.type.value_type):
        raise TypeError(
            f"Cells of {steps.type} within lists have more than two axes. A cell must have the axes (steps, "
            "features): flatten the others."
        )
    row, within = within_rows(lengths)
    used = starts[row] + within
    begin, size = _extent(steps)
    unseen = steps.is_null().to_numpy(zero_copy_only=False)[used]
    begin, size = begin[used], size[used]
    seen = size[~unseen]
    width = int(seen[0]) if len(seen) else steps.type.list_size if _all_fixed(steps.type) else shown
    wrong = np.flatnonzero(~unseen & (size != width))
    if len(wrong):
        at = wrong[0]
        own = size[row == row[at]]
        if (own == own[0]).all():
            raise ValueError(
                f"The sequence in {where(int(row[at]))} has {own[0]} features per step, but that in "
                f"{where(int(row[np.flatnonzero(~unseen)[0]]))} has {width}. All rows need the same "
                "features; cells that are (channels, steps) must be transposed."
            )
        raise ValueError(
            f"Step {within[at]} in {where(int(row[at]))} has {size[at]} features, but {width} came before. "
            "All steps need the same features: pad the short ones with NaN, or repair the row."
        )
    if width == 0:
        raise ValueError(f"Step 0 in {where(int(row[0]))} has no features. Give None where nothing is known.")
    numbers = _floats(steps.values, where)
    if not unseen.any():
        frames, first = _features(numbers, begin, width)
    else:
        frames, first = np.full((len(used), width), np.nan, numbers.dtype), 0
        frames[~unseen] = _features(numbers, begin[~unseen], width)[0]
    ends = np.cumsum(lengths)
    return frames, first + ends - lengths


def _features(numbers, begin, width):
    """Return steps of `width` numbers that begin at these positions, and which of them is the first."""
    if not len(begin):
        return np.empty((0, width), numbers.dtype), 0
    if (np.diff(begin) == width).all():
        return numbers[begin[0] : begin[-1] + width].reshape(-1, width), 0
    return numbers[begin[:, None] + np.arange(width)], 0


def _extent(lists):
    """Return where each list begins in ``lists.values``, and how long it is."""
    if pa.types.is_fixed_size_list(lists.type):
        size = lists.type.list_size
        begin = (np.arange(len(lists), dtype=np.int64) + lists.offset) * size
        return begin, np.full(len(lists), size, dtype=np.int64)
    offsets = lists.offsets.to_numpy().astype(np.int64, copy=False)
    if any(is_view(lists.type) for is_view in VIEWS):
        begin, size = offsets, lists.sizes.to_numpy().astype(np.int64, copy=False)
    else:
        begin, size = offsets[:-1], np.diff(offsets)
    missing = lists.is_null().to_numpy(zero_copy_only=False)
    check_rows(len(lists.values), begin, np.where(missing, -1, size))
    return begin, size


def _floats(numbers, where):
    """Return numbers of any kind as an array of floats, NaN where null."""
    kind = numbers.type
    if pa.types.is_dictionary(kind):
        numbers, kind = numbers.dictionary_decode(), kind.value_type
    if not _is_number(kind):
        raise TypeError(f"The cell in {where(0)} is in a column of {kind}, not of numbers. Convert it first.")
    if pa.types.is_floating(kind):
        return numbers.to_numpy(zero_copy_only=numbers.null_count == 0)
    if pa.types.is_boolean(kind):
        numbers = numbers.cast(pa.uint8())
    return numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _tensor(chunk, where):
    """Return tensors (steps, features) as lists of lists."""
    shape, kind = chunk.type.shape, chunk.type
    if kind.permutation is not None and list(kind.permutation) != list(range(len(shape))):
        raise ValueError(f"The tensor in {where(0)} has its axes permuted. Give it in C order.")
    storage = chunk.storage
    if len(shape) == 1:
        return storage
    if len(shape) != 2:
        raise ValueError(f"The tensor in {where(0)} has the shape {shape}. It must be (steps, features).")
    n = len(storage)
    numbers = storage.values.slice(storage.offset * shape[0] * shape[1], n * shape[0] * shape[1])
    steps = pa.FixedSizeListArray.from_arrays(numbers, shape[1])
    return pa.FixedSizeListArray.from_arrays(steps, shape[0], mask=storage.is_null())


def _in_steps(chunk, where):
    """Return our storage with steps of a fixed size, where another library made them lists of any length."""
    steps = _storage(chunk.type).field("frames").type
    if _is_list(steps) and pa.types.is_fixed_size_list(steps.value_type):
        return chunk
    names = ("frames", "rate_hz", "start_s", "times_s")
    fields = [chunk.field(name) for name in names]
    for k in (0, 3):
        if not pa.types.is_null(fields[k].type):
            part = read_lists(fields[k], where)
            width = part.width if part.lengths.max(initial=0) > 0 else 1 + k // 3
            fields[k] = part.astype(
                pd.ArrowDtype(pa.large_list(pa.list_(pa.float64(), width)))
            ).__arrow_array__()
    fields = [field.combine_chunks() if isinstance(field, pa.ChunkedArray) else field for field in fields]
    return pa.StructArray.from_arrays(fields, names, mask=chunk.is_null())


def _storage(kind):
    while isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return kind


def _is_list(kind):
    return any(is_list(kind) for is_list in LISTS + VIEWS)


def _all_fixed(kind):
    while pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    return not _is_list(kind)


def _innermost(kind):
    while _is_list(kind):
        kind = kind.value_type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_number(kind):
    return (
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )
