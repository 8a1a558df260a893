"""Read Parquet, Feather and Arrow files of plain columns, or with a list of steps in each row."""

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from avfusion._checksums import check_table
from avfusion.formats._format import Format, Part
from avfusion.formats._recording_names import recording_columns, recording_names
from avfusion.sequences._bookkeeping import columns_of
from avfusion.sequences._messages import brief, quoted

_INFLATED, _RATIO = 1 << 28, 100  # bytes that a file may hold in any case, and times its own size
_OURS = "avfusion.sequence"
_INDEX = "__index_level_"
FEATHER_1 = b"FEA1"
OF_FEATHER_1 = (  # Arrow's reader of it ends the process where a file is damaged
    "It is of the first version of Feather, which is not read: write it again with DataFrame.to_feather."
)


def read(path):
    """Read a table of columns, with its index where this has a name.

    Rows are steps. They are recordings where cells hold lists of steps, each of them a list of features, or
    lists of numbers that are not all of one length; then each such column is a stream, if there are several.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of Part

    Raises
    ------
    ValueError
        If it holds columns of sequences, or cells of which nothing says whether they are steps.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.parquet")
    ...     pd.DataFrame({"clip": ["a", "b"], "F0": [[100.0, 120.0], [80.0]]}).to_parquet(path)
    ...     [(part.recording, part.n_steps) for part in read(path)]
    [('a', 2), ('b', 1)]
    """
    table = _opened(path)
    table.validate(full=True)
    if not table.num_rows or not table.num_columns:
        raise ValueError("It holds no rows, or no columns.")
    table = _with_plain_names(table)
    lists = [field.name for field in table.schema if _is_list(field.type)]
    if not lists:
        return [Part(_frame(table), named=not _are_numbered(table.column_names))]
    if _are_steps(table, lists):
        return [Part(_with_vectors(table, lists), named=True)]
    return list(_of_rows(table, lists))


def _opened(path):
    check_table(path)
    limit = _limit(path)
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if not is_parquet:
        return _arrow(path, limit)
    with pa.parquet.ParquetFile(path, page_checksum_verification=True) as file:
        _check_columns(file.schema_arrow)
        _check_unpacked(file.metadata, limit)
        return file.read()


def check_unpacked(path):
    """Raise a ValueError for a Parquet file that takes far more memory than its size justifies.

    Parameters
    ----------
    path : pathlib.Path

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.parquet")
    ...     pa.parquet.write_table(pa.table({"F0": [0.0] * 10}), path)
    ...     check_unpacked(path)
    """
    _check_unpacked(pa.parquet.read_metadata(path), _limit(path))


def _limit(path):
    return max(_INFLATED, _RATIO * path.stat().st_size)


def _check_unpacked(metadata, limit):
    """Compare what a file unpacks to, and its numbers: pages count those that repeat only once."""
    groups = [metadata.row_group(k) for k in range(metadata.num_row_groups)]
    n_numbers = sum(group.column(k).num_values for group in groups for k in range(group.num_columns))
    if max(sum(group.total_byte_size for group in groups), 8 * n_numbers) > limit:
        raise ValueError(f"It unpacks to more than {limit / 1e6:.0f} MB.")


def _arrow(path, limit):
    """Read a file of Arrow, in either of its two forms, batch by batch."""
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(FEATHER_1):
        raise ValueError(OF_FEATHER_1)
    is_file = head == b"ARROW1"
    with pa.OSFile(str(path)) as file, (pa.ipc.open_file if is_file else pa.ipc.open_stream)(file) as reader:
        _check_columns(reader.schema)
        numbered = map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader
        batches, n_bytes = [], 0
        for batch in numbered:
            batch.validate(full=True)  # before anything is computed of it: offsets may lead anywhere
            batches.append(batch)
            n_bytes += batch.get_total_buffer_size()
            if n_bytes > limit:
                raise ValueError(f"It unpacks to more than {limit / 1e6:.0f} MB.")
        return pa.Table.from_batches(batches, reader.schema)


def _check_columns(schema):
    """Refuse columns of sequences, and types that are neither numbers, words, times nor lists of numbers."""
    for field in schema:
        own = (field.metadata or {}).get(b"ARROW:extension:name", b"").decode(errors="replace")
        if isinstance(field.type, pa.BaseExtensionType) or own:
            name = getattr(field.type, "extension_name", own)
            if name == _OURS:
                raise ValueError(
                    f"Its column {brief(field.name, 30)} holds sequences: read it with pandas.read_parquet "
                    "or read_feather, or give the command the file itself."
                )
            raise ValueError(f"Its column {brief(field.name, 30)} is of the type {brief(name, 30)}.")
        inner = _innermost(field.type)
        if pa.types.is_nested(inner) or (_is_list(field.type) and not _is_number(inner)):
            raise ValueError(f"Its column {brief(field.name, 30)} holds no numbers, but {field.type}.")


def _is_list(kind):
    return (
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _is_number(kind):
    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)


def _innermost(kind):
    for _ in range(2):
        kind = kind.value_type if _is_list(kind) else kind
    return kind


def _with_plain_names(table):
    """Put the index of pandas to the front; without a name it is a clock, or left out."""
    described = (table.schema.pandas_metadata or {}).get("index_columns", [])
    named = [name for name in described if isinstance(name, str) and name in table.column_names]
    unnamed = [name for name in named if name.startswith(_INDEX)]
    if len(unnamed) == len(named) == 1 and "time" not in table.column_names and _is_time(table, unnamed[0]):
        table = table.rename_columns({unnamed[0]: "time"})
        named, unnamed = ["time"], []
    table = table.drop_columns(unnamed) if unnamed else table
    index = [name for name in named if name not in unnamed]
    names = [*index, *(name for name in table.column_names if name not in index)]
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise ValueError(f"Columns have names in common: {quoted(sorted(repeated), limit=3)}.")
    return table.select(names).replace_schema_metadata(None)


def _is_time(table, name):
    kind = table.schema.field(name).type
    return pa.types.is_timestamp(kind) or pa.types.is_duration(kind)


def _are_numbered(names):
    return names == [str(k) for k in range(len(names))]


def _frame(table):
    frame = table.to_pandas()
    return frame.set_axis(range(frame.shape[1]), axis=1) if _are_numbered(table.column_names) else frame


def _are_steps(table, lists):
    """Return whether the rows of a table with lists are steps, whose lists are vectors of features."""
    if any(_is_list(table.schema.field(name).type.value_type) for name in lists):
        return False
    if any(len(set(_lengths(table[name]))) > 1 for name in lists):
        return False
    plain = _frame(table.select([name for name in table.column_names if name not in lists]))
    if table.num_rows == 1 or (recording_columns(plain) and _is_unique(plain)):
        return False
    clocks = [name for role in ("clock", "frame") for name in columns_of(plain.columns, role)]
    repeated = any(plain[name].duplicated().any() for name in columns_of(plain.columns, "identity"))
    if (
        clocks
        or repeated
        or any(pa.types.is_fixed_size_list(table.schema.field(name).type) for name in lists)
    ):
        return True
    raise ValueError(
        f"Nothing says whether the rows of {quoted(lists, 2)} are steps or recordings: all lists are of one "
        "length. Add a column 'time', or 'recording'."
    )


def _is_unique(plain):
    return not plain.duplicated(recording_columns(plain)).any()


def _lengths(column):
    lengths = pa.compute.list_value_length(column).to_numpy()
    return lengths[~np.isnan(lengths)] if lengths.dtype.kind == "f" else lengths


def _with_vectors(table, lists):
    """Give each number of a vector a column of its own."""
    blocks = []
    for name in table.column_names:
        if name not in lists:
            blocks.append(_frame(table.select([name])))
            continue
        width = int(max(_lengths(table[name]), default=0))
        values = np.full((table.num_rows, width), np.nan)
        present = table[name].is_valid().to_numpy()
        numbers = pa.compute.list_flatten(table[name]).to_numpy()
        values[present] = numbers.reshape(-1, width)
        blocks.append(pd.DataFrame(values, columns=[f"{name}_{k}" for k in range(width)]))
    return pd.concat(blocks, axis=1)


def _of_rows(table, lists):
    """Yield the streams of each row; a cell without steps is a missing stream."""
    plain = _frame(table.select([name for name in table.column_names if name not in lists]))
    columns = recording_columns(plain) or [
        name for name in columns_of(plain.columns, "identity") if plain[name].is_unique
    ]
    keys = [recording_names(plain[name]) for name in columns[:1]]
    if table.num_rows > 1 and not (keys and len(set(keys[0])) == table.num_rows):
        raise ValueError(
            f"Nothing says of which recordings its {table.num_rows} rows are: add the column 'recording'."
        )
    about = plain.drop(columns=columns[:1])
    for row in range(table.num_rows):
        own = {str(name): value for name, value in about.iloc[row].items() if pd.notna(value)}
        for name in lists:
            cell = table[name][row]
            if cell.is_valid and len(cell.values):
                stream = name if len(lists) > 1 else None
                recording = keys[0][row] if keys else None
                yield Part(_steps(cell, name, row), recording=recording, stream=stream, about=own)


def _steps(cell, name, row):
    """Return the steps in a cell, a list of numbers or of lists."""
    values = cell.values
    if not _is_list(values.type):
        return values.to_numpy(zero_copy_only=False)
    width = set(pa.compute.list_value_length(values).to_pylist())
    if len(width) > 1 or None in width:
        raise ValueError(f"Steps in row {row} of its column {brief(name, 30)} have not all as many features.")
    if 0 in width:
        raise ValueError(f"Steps in row {row} of its column {brief(name, 30)} have no features.")
    numbers = pa.compute.list_flatten(values).to_numpy(zero_copy_only=False)
    return numbers.reshape(len(values), width.pop())


FORMAT = Format(
    "Parquet, Feather or Arrow table",
    (".parquet", ".feather", ".arrow"),
    read,
    "A table holds a row per step with a column per feature, or a row per recording with lists of steps.",
    many=True,
    recognises=lambda head: head[:4] == b"PAR1" or head[:6] == b"ARROW1",
)
