"""One door for what people have: everything becomes a DataFrame with columns of sequences."""

import contextlib
from collections.abc import Mapping
from functools import partial
from numbers import Integral

import numpy as np
import pandas as pd

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._arrow_lists import holds_cells, nested_lists, read_lists
from avfusion.sequences._by_recording import is_named_table, join_by_recording, read_tables
from avfusion.sequences._cell_arrays import frame_of_cells, is_cell_array
from avfusion.sequences._cell_columns import holds_sequences
from avfusion.sequences._cells import is_missing, located, n_axes, plain_cell, stack_cells
from avfusion.sequences._clock import check_rate
from avfusion.sequences._declare import declare_time
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._long_tables import FILE_INDEX, read_long_table
from avfusion.sequences._messages import quoted
from avfusion.sequences._narrowing import watched
from avfusion.sequences._other_tables import as_pandas
from avfusion.sequences._padded import frames_and_extent, is_padded_pair, read_padded
from avfusion.sequences._plain_arrays import check_numbers
from avfusion.sequences._readings import check_one_step, steps_first
from avfusion.sequences._text_files import remedy_for_cells

ONLY = "features"  # the name of the modality of data that has no names


def sequence_columns(X) -> list[str]:
    """List the columns of a DataFrame that hold sequences: the modalities.

    Parameters
    ----------
    X : pandas.DataFrame
        A row per recording or clip; other columns are metadata.

    Returns
    -------
    list of str
        In the order of the columns.

    Raises
    ------
    TypeError
        If `X` is not a DataFrame.

    Examples
    --------
    >>> X = as_sequences({"audio": [[1, 2], [3]]}).assign(subject=["a", "b"])
    >>> sequence_columns(X)
    ['audio']
    """
    if not isinstance(X, pd.DataFrame):
        raise TypeError(
            f"X must be a DataFrame with sequence columns, not {type(X).__name__}. "
            "Make one with avfusion.as_sequences."
        )
    return [name for name, dtype in X.dtypes.items() if isinstance(dtype, SequenceDtype)]


def as_sequences(
    data,
    modalities=None,
    dtype=np.float32,
    rate_hz=None,
    *,
    start_s=None,
    recording=None,
    time=None,
    frame=None,
    valid=None,
) -> pd.DataFrame:
    """Turn what people have into a DataFrame: a row per recording, a column of sequences per modality.

    Parameters
    ----------
    data : DataFrame, mapping, list or array
        One of

        - a DataFrame, or a table of polars or Arrow. Columns of sequences stay as they are, and so do all
          other columns (metadata) and the index; columns of arrays or nested lists become sequences;
        - a mapping of modality name to its rows: a list with an array (T, D) or (T,) or None (absent) for
          each row, or a mapping of recording to these; an array (n, T, D), in which nothing is padding; an
          array (n, D) of one step each;
          ``(array, lengths)`` or ``(array, mask)`` with an array (n, T, D) and lengths (n,) or a boolean
          mask (n, T), also as ``{"frames": array, "mask": mask}`` (or ``"lengths"``), where the steps that
          are masked out, anywhere, are left away; or a column of sequences, such as a `SequenceArray` over
          a memmap, which is used as it is. A single ``(array, lengths)`` needs no mapping. Arrays may be
          DataFrames: they are read like a long table, and features are matched by name;
        - an array of the cells of such a DataFrame, whose columns are then x0, x1... by position;
        - a list with a mapping of modality name to array for each row; a missing key or None is an absent
          stream;
        - a list with an array (T, D) or None for each row: one modality;
        - a plain array (n, T, D), or (n, D) of one step each: one modality, or as many as `modalities`
          splits its last axis into. A list of lists of numbers and a DataFrame of numbers are taken as
          such an array (n, D);
        - with `recording`, a long table: one row per step.
    modalities : list of str, or mapping of str to int or list of str, optional
        A list selects these modalities (all metadata is kept), or names the only one of a plain array or
        list. A mapping of names to widths splits a plain array, and checks the widths of all else; a
        modality that is absent in all rows gets its width from there. A mapping of names to column names
        says what to read from a table of numbers.
    dtype : numpy dtype, default=numpy.float32
        Floating dtype of new columns; a warning says where it cannot tell numbers apart. Tables of one-step
        sequences and columns that are sequences already keep theirs (integers become float64).
    rate_hz : float, array-like of shape (n_rows,), str, or mapping of str to these, optional
        Steps per second, of all modalities or of each: one, one for each row, or the column of metadata that
        has one for each row.
    start_s : float, array-like of shape (n_rows,), str, or mapping of str to these, optional
        When the first step begins, in seconds, in the same forms.
    recording : str or list of str, optional
        Column of a long table that names the recording of a row, or columns that do so together, such as clip
        and face. The names become the index, too. Named levels of an index count as columns. Rows of a
        recording keep their order. Other columns that are constant within recordings become metadata. A
        recording in which all values of a modality are NaN does not have it. A table with the index (file,
        start, end) of openSMILE's package needs none.
    time : str, pair of str, or False, optional
        Column of a long table with the time of a row in seconds (or as Timedelta), or the two with its begin
        and end. Where times tick at a rate, that is taken, and dropped rows become steps of NaN; else each
        step keeps its time. By default a column that is a clock by its name is used; False uses none.
    frame : str, optional
        Instead: column with the number of the frame. Dropped frames become steps of NaN, the first ones too.
    valid : str, mapping, or False, optional
        Column of a long table that is 1 where something was detected and 0 where not, or a mapping of columns
        to the smallest value that counts, as in ``{"confidence": 0.8}``, also by modality. Other steps become
        NaN. By default a column "success" is used where the table is of one modality; False uses none.

    Returns
    -------
    pandas.DataFrame
        Memory of arrays and of Arrow is shared where it can be.

    Raises
    ------
    TypeError
        If the data is none of these, or not of real numbers.
    ValueError
        If there are no rows, rows or widths disagree, a modality is unknown, or an array can be read in two
        ways.

    Warns
    -----
    UserWarning
        If columns of a table are set aside as bookkeeping, or steps are missing in it.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> as_sequences({"audio": [np.zeros((300, 88)), np.zeros((250, 88))],
    ...               "video": [np.zeros((12, 512)), None]}, rate_hz={"audio": 25, "video": 1})
                      audio             video
    0  300 x 88, 12.0 s  12 x 512, 12.0 s
    1  250 x 88, 10.0 s              <NA>
    >>> padded = np.zeros((2, 5, 3))
    >>> as_sequences({"text": (padded, [5, 2])})["text"].array.lengths
    array([5, 2])
    >>> as_sequences(np.zeros((4, 20, 600)), modalities={"audio": 88, "video": 512}).dtypes
    audio     sequence[float32, 88]
    video    sequence[float32, 512]
    dtype: object
    >>> table = pd.DataFrame({"film": ["a", "a", "b"], "rms": [0.1, 0.2, 0.3]})
    >>> as_sequences(table, modalities={"audio": ["rms"]}, recording="film", rate_hz=25)
      film         audio
    a    a  2 x 1, 0.08 s
    b    b  1 x 1, 0.04 s
    """
    data = as_pandas(data)
    if isinstance(modalities, str):
        raise TypeError(f"modalities={modalities!r} is a string. Give a list of names, or a mapping.")
    if recording is None and isinstance(data, pd.DataFrame) and set(FILE_INDEX) <= set(data.index.names):
        recording = "file"
    if recording is not None:
        scalar = rate_hz if np.ndim(rate_hz) == 0 and not isinstance(rate_hz, (str, Mapping)) else None
        clock = {"time": time, "frame": frame, "rate_hz": check_rate(scalar), "valid": valid}
        X = read_long_table(data, modalities, dtype, recording, **clock)
        modalities = None if modalities is None else list(modalities)
    else:
        given = [k for k, v in {"time": time, "frame": frame, "valid": valid}.items() if v is not None]
        if given:
            raise ValueError(f"{given[0]}= is for long tables. Name the recording of a row with recording=.")
        X = _read(data, modalities, dtype)
    if len(X) == 0:
        raise ValueError("The data has no rows. Give at least one recording.")
    X = _select(X, modalities)
    return declare_time(X, sequence_columns(X), rate_hz, start_s)


def _read(data, modalities, dtype):
    if isinstance(data, (pd.Series, SequenceArray)):
        data = {_only_name(modalities, getattr(data, "name", None)): data}
    data = frame_of_cells(data) if is_cell_array(data) else data
    widths = modalities if isinstance(modalities, Mapping) else {}
    widths = {name: width for name, width in widths.items() if isinstance(width, Integral)}
    if isinstance(data, pd.DataFrame):
        return _from_frame(data, modalities, dtype, widths)
    if isinstance(data, Mapping):
        return _from_columns(data, dtype, widths)
    if isinstance(data, np.ndarray) and data.dtype == object and data.ndim == 1:
        data = list(data)
    if is_padded_pair(data):
        return _from_columns({_only_name(modalities): data}, dtype, widths)
    if isinstance(data, (list, tuple)) and any(isinstance(row, Mapping) for row in data):
        return _from_columns(_columns_of_rows(data), dtype, widths)
    if isinstance(data, (list, tuple)) and any(_is_sequence(row) for row in data):
        return _from_columns({_only_name(modalities): list(data)}, dtype, widths)
    return _split(data, modalities, dtype)


def _from_frame(X, modalities, dtype, widths):
    known = sequence_columns(X)
    cells = [name for name, column in X.items() if name not in known and holds_sequences(column)]
    if not known and not cells:
        return _from_numbers(X, modalities)
    if not X.columns.is_unique:
        raise ValueError(f"Two columns have the name {X.columns[X.columns.duplicated()][0]!r}. Rename one.")
    columns = {name: _column(X[name], name, dtype, widths.get(name)) for name in cells}
    return X.assign(**columns) if columns else X


def _from_numbers(X, modalities):
    """Read a DataFrame of numbers, one step per row."""
    levels = [level for level in X.index.names if level is not None]
    check_one_step(len(X), None, [*X.columns, *levels], X.index.nlevels > 1 or not X.index.is_unique)
    text = [name for name, kind in X.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if isinstance(modalities, Mapping) and not all(isinstance(w, Integral) for w in modalities.values()):
        columns = {name: _known_columns(X, names) for name, names in modalities.items()}
        parts = {name: _split(X[names], [name], None)[name].array for name, names in columns.items()}
        used = [name for names in columns.values() for name in names]
        return _assemble(X.drop(columns=used), parts)
    mixed = text and (len(text) < X.shape[1] or any(n_axes(cell) for name in text for cell in X[name]))
    remedy = remedy_for_cells(X, text)
    if mixed or remedy:
        raise ValueError(
            f"No column holds sequences, and some do not hold numbers: {quoted(text, limit=4)}. "
            + (remedy or 'Name the columns of each modality, as in modalities={"audio": ["rms", "pitch"]}.')
        )
    return _split(X, modalities, None).set_axis(X.index)


def _known_columns(X, names):
    names = [names] if isinstance(names, str) else [*names]
    for name in names:
        if name not in X.columns:
            raise ValueError(f"There is no column {name!r}. The columns are {quoted(X.columns)}.")
    return names


def _assemble(metadata, columns):
    """Metadata first, then the modalities; a name is used once."""
    for name in columns:
        if name in metadata.columns:
            raise ValueError(f"A metadata column has the name of the modality {name!r}. Rename one.")
    return metadata.assign(**columns)


def _from_columns(data, dtype, widths):
    if not data:
        raise ValueError("The mapping is empty. Give at least one modality.")
    index, data = join_by_recording(data)
    about = _metadata_of(data, widths)
    columns = {
        name: rows if name in about else _column(rows, name, dtype, widths.get(name))
        for name, rows in data.items()
    }
    first = next(iter(columns))
    for name, column in columns.items():
        if len(column) != len(columns[first]):
            raise ValueError(
                f"Modality {first!r} has {len(columns[first])} rows, but {name!r} has {len(column)}. "
                "All need the same rows; give None where a stream is absent."
            )
    return pd.DataFrame(columns, index=index)


def _metadata_of(data, widths):
    """Return the names of lists of words and numbers beside sequences: what a table's ``to_dict`` gives."""
    plain = [
        name
        for name, rows in data.items()
        if isinstance(rows, (list, pd.Series))
        and name not in widths
        and any(not is_missing(cell) for cell in rows)
        and all(pd.api.types.is_scalar(cell) and not n_axes(cell) for cell in rows)
    ]
    return plain if len(plain) < len(data) else []


def _columns_of_rows(rows):
    strange = [i for i, row in enumerate(rows) if not (isinstance(row, Mapping) or is_missing(row))]
    if strange:
        raise TypeError(f"Row {strange[0]} is no mapping of modality name to array. Give one for each row.")
    names = dict.fromkeys(name for row in rows if isinstance(row, Mapping) for name in row)
    return {name: [row.get(name) if isinstance(row, Mapping) else None for row in rows] for name in names}


@watched
def _column(rows, name, dtype, width=None):
    """One modality as a SequenceArray."""
    if not isinstance(name, str):
        raise TypeError(f"Names of modalities must be strings, not {name!r}. Rename the modality.")
    if isinstance(rows, pd.DataFrame):
        raise ValueError(
            f"Modality {name!r} is one table: is it one recording, or has it a row for each? Give "
            f"{{{name!r}: [table]}} for one recording, {{{name!r}: table.to_numpy()[:, None]}} for a row "
            "for each."
        )
    rows = as_pandas(rows)
    index = rows.index if isinstance(rows, pd.Series) else None
    if isinstance(rows, pd.Series) and holds_cells(rows.dtype):
        return read_lists(rows, partial(_name_cell, name, index), width, dtype, name)
    rows = getattr(rows, "array", rows) if isinstance(rows, pd.Series) else rows
    if isinstance(rows, SequenceArray):
        return rows
    try:
        if isinstance(rows, Mapping) or is_padded_pair(rows):
            return read_padded(*frames_and_extent(rows), dtype, width, name)
        if isinstance(rows, np.ndarray) and rows.dtype != object:
            if rows.ndim == 2:
                check_one_step(len(rows), name)
            return read_padded(rows, None, dtype, width, name)
        if not np.iterable(rows) or isinstance(rows, str):
            raise TypeError(
                f"A list of arrays or an array with three axes is needed, not {type(rows).__name__}."
            )
    except (TypeError, ValueError) as error:
        raise located(error, f"column {name!r}") from None
    rows = [as_pandas(plain_cell(row)) for row in rows]
    lists = nested_lists(rows)
    if lists is not None:
        with contextlib.suppress(TypeError, ValueError):  # taken one by one, cells are named as they are
            return read_lists(lists, partial(_name_cell, name, index), dtype=dtype)
    if all(is_missing(row) or is_named_table(row) for row in rows) and any(map(is_named_table, rows)):
        return read_tables(rows, dtype, partial(_name_cell, name, index))
    frames, lengths, more = stack_cells(rows, dtype, where=partial(_name_cell, name, index))
    return SequenceArray.from_packed(frames, lengths, **more)


def _name_cell(column, index, row):
    label = "" if index is None or index[row] == row else f" (index {index[row]!r})"
    return f"row {row}{label}, column {column!r}"


def _split(data, modalities, dtype):
    """Read a plain array, in whose last axis all modalities lie side by side."""
    array = check_numbers(data)
    if not isinstance(modalities, Mapping):
        name = _only_name(modalities)
        return pd.DataFrame({name: read_padded(array, None, dtype, name=name)})
    widths = list(modalities.values())
    if all(isinstance(width, (int, np.integer)) for width in widths):
        array = steps_first(array, sum(widths))
    if not all(isinstance(width, (int, np.integer)) and width > 0 for width in widths):
        raise ValueError("To split an array, modalities must map names to widths of at least 1 feature.")
    if sum(widths) != array.shape[-1]:
        raise ValueError(
            f"The widths in modalities sum to {sum(widths)}, but the data has {array.shape[-1]} features. "
            "Give a width to each modality so that all features are taken."
        )
    parts = zip(modalities, np.split(array, np.cumsum(widths)[:-1], axis=-1))
    return pd.DataFrame({k: read_padded(part, None, dtype, part.shape[-1], k) for k, part in parts})


def _only_name(modalities, name=None):
    names = [] if modalities is None else list(modalities)
    if len(names) > 1 and name is None:
        raise ValueError(f"modalities has {len(names)} names, but the data is one modality. Give one name.")
    return name if name is not None else names[0] if names else ONLY


def _is_sequence(cell):
    """Return whether a cell is (T, D) or (T,), not a row of numbers: lists count only if they hold lists."""
    return n_axes(cell) > (1 if isinstance(cell, (list, tuple)) else 0)


def _select(X, modalities):
    """Keep the modalities named, and all metadata; check widths where they are given."""
    known = sequence_columns(X)
    for name in known:
        if not isinstance(name, str):
            raise TypeError(f"Names of modalities must be strings, not {name!r}. Rename the modality.")
    if modalities is None:
        return X
    unknown = [name for name in modalities if name not in known]
    if unknown:
        raise ValueError(f"There is no modality {unknown[0]!r}. The modalities are {quoted(known)}.")
    for name, width in modalities.items() if isinstance(modalities, Mapping) else ():
        old = X.dtypes[name]
        if not isinstance(width, (int, np.integer)) or old.width == width:
            continue
        if not X[name].isna().all():  # without any row the width could not be seen
            raise ValueError(
                f"Column {name!r} has {old.width} features per step, not {width}, as modalities has it."
            )
        absent = SequenceArray.from_sequences([None] * len(X), old.subtype, width, old.rate_hz)
        X = X.assign(**{name: absent})
    dropped = [name for name in known if name not in modalities]
    return X.drop(columns=dropped) if dropped else X
