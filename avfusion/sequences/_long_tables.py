"""Long tables: one row per step, and columns that tell the recordings apart and say when a step is."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion._warnings import warn_user
from avfusion.sequences._array import SequenceArray
from avfusion.sequences._bookkeeping import bookkeeping_columns, named_bookkeeping
from avfusion.sequences._clock import per_row
from avfusion.sequences._messages import quoted
from avfusion.sequences._narrowing import narrowed, watching
from avfusion.sequences._table_clock import Steps, check_order, from_frames, from_times, known
from avfusion.sequences._table_columns import choose_clock, valid_rows, with_index_levels
from avfusion.sequences._time_values import seconds, time_values

FILE_INDEX = ("file", "start", "end")  # how openSMILE's Python package names the levels of its index
BLOCK = 1 << 21  # numbers that are read at a time
FLAGS = ("a quality of detection", "an index", "a clock", "a frame number")  # no metadata, constant or not


def read_long_table(table, modalities, dtype, recording, *, time=None, frame=None, rate_hz=None, valid=None):
    """Gather the rows of each recording into one.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per step; the rows of a recording need not be neighbours, but are in order of time. Levels of
        its index count as columns.
    modalities : mapping of str to list of str
        The columns of each modality.
    dtype : numpy dtype
        Floating dtype of the sequences.
    recording : str or list of str
        Column that identifies the recording, or columns that do so together.
    time, frame, rate_hz, valid
        As in `as_sequences`.

    Returns
    -------
    pandas.DataFrame
        A row per recording, in order of first appearance, with its name as label (several names with a space
        between them): the recording, other columns that are constant within every recording, and a column of
        sequences per modality.

    Raises
    ------
    TypeError
        If `table` is not a DataFrame, or a feature is not a number.
    ValueError
        If columns are unknown, a recording is not named, times repeat or go back, or columns are neither
        features nor constant nor bookkeeping.

    Warns
    -----
    UserWarning
        If columns are set aside as bookkeeping, or steps are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"film": ["a", "b", "a"], "rms": [1.0, 2.0, 3.0]})
    >>> read_long_table(table, {"audio": ["rms"]}, "float32", "film")["audio"]["a"].frames
    array([[1.],
           [3.]], dtype=float32)
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"recording={recording!r} names a column, but the data is not a DataFrame. Give one.")
    table = with_index_levels(table)
    if not table.columns.is_unique:
        twice = quoted(dict.fromkeys(table.columns[table.columns.duplicated()]), limit=3)
        raise ValueError(f"The table has several columns of one name: {twice}. Rename them.")
    streams = _streams(table, modalities)
    keys = known(recording, table, "recording=")
    codes, names = _recordings(table, keys)
    order = None if (np.diff(codes) >= 0).all() else _stable_order(codes, len(names))
    clock = choose_clock(table, keys, streams, time, frame, rate_hz, order)
    sorted_codes = codes if order is None else codes[order]
    lengths = np.bincount(codes, minlength=len(names))
    steps = _steps(table, clock, order, sorted_codes, lengths, lambda code: quoted(names.iloc[code]))
    keep, said = valid_rows(table, streams, valid)
    used = {*keys, *(column for columns in streams.values() for column in columns)}
    clocks = {*(clock.time or ()), clock.frame} - {None}
    metadata, aside = _metadata(table, used | clocks | set(said), codes, len(names), order)
    X = names.assign(**metadata) if metadata else names
    target = _target(steps, order, lengths)
    for name, columns in streams.items():
        with watching(name):
            n_steps = int(steps.lengths.sum())
            frames, observed = _frames(table, columns, target, n_steps, keep.get(name), dtype)
        seen = np.zeros(len(lengths), dtype=bool)
        seen[codes[observed]] = True
        X[name] = _stream(frames, columns, steps, seen, clock)
    found = [] if clock.named else [name for name in [*(clock.time or ()), clock.frame] if name is not None]
    X.index = _names_of_rows(names, keys)
    _say(aside, [] if set(found) == set(FILE_INDEX[1:]) else found, said, steps)
    return X


def _names_of_rows(names, keys):
    """Return recordings as labels of rows, by which labels from another table are told apart."""
    if len(keys) == 1:
        return pd.Index(names[keys[0]].array, name=None)
    return pd.Index([" ".join(map(str, row)) for row in names[keys].itertuples(index=False)])


def _say(aside, clocks, said, steps):
    """Warn, once, of what was set aside and of what is missing."""
    parts = [f"Times are taken from {quoted(clocks)}."] if clocks else []
    columns = list(dict.fromkeys([*aside, *said]))
    if columns:
        parts.append(
            f"Taken for bookkeeping, not features: {quoted(columns)} (name them in modalities to use them)."
        )
    for column, n in said.items():
        if n:
            parts.append(f"{n} steps are NaN because {column!r} says that nothing was detected.")
    if steps.n_missing:
        parts.append(f"{steps.n_missing} steps have no row in the table and are NaN.")
    if parts:
        warn_user(" ".join(parts))


def _recordings(table, keys):
    """Return the recording of each row as a number, and a table of what they are called."""
    missing = table[keys].isna().any(axis=1).to_numpy()
    if missing.any():
        row = int(missing.argmax())
        column = next(key for key in keys if pd.isna(table[key].iloc[row]))
        raise ValueError(
            f"Row {row} of the table has no recording in the column {column!r}. Fill it in, or drop the row."
        )
    if len(keys) == 1:
        codes, names = pd.factorize(table[keys[0]])
        return codes, pd.DataFrame({keys[0]: names})
    codes = table.groupby(keys, sort=False, observed=True).ngroup().to_numpy()
    first = np.unique(codes, return_index=True)[1]
    return codes, table[keys].iloc[first].reset_index(drop=True)


def _steps(table, clock, order, codes, lengths, label):
    """Find the step of each row, in the order of recordings."""
    rates = None if clock.rate_hz is None else np.full(len(lengths), clock.rate_hz)
    column = clock.frame or (clock.time[0] if clock.time else None)
    if column is None or not len(table):
        return Steps(None, lengths)
    rows = np.arange(len(table)) if order is None else order
    if clock.frame is not None:
        values = time_values(table[column], "")[0][rows]
    else:
        ordered = [table[name] if order is None else table[name].iloc[order] for name in clock.time]
        parts = [seconds(part, part.name, clock.rate_hz, units=True) for part in ordered]
        values = parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
    check_order(values if values.ndim == 1 else values[:, 0], codes, rows, column, label)
    if clock.frame is not None:
        if clock.tick is None:
            return from_frames(values, lengths, rates)
        return from_frames(np.rint((values - values.min()) / clock.tick), lengths, rates, lead=False)
    return from_times(values, lengths, column, rates)


def _streams(table, modalities):
    if not isinstance(modalities, Mapping):
        raise ValueError(
            'A long table needs the columns of each modality, as in modalities={"audio": ["rms"]}.'
        )
    streams = {}
    for name, columns in modalities.items():
        if isinstance(columns, (int, np.integer)):
            raise ValueError(f"Modality {name!r} is given a width, {columns}. Give the names of its columns.")
        streams[name] = [columns] if isinstance(columns, str) else list(columns)
        if not streams[name]:
            raise ValueError(f"Modality {name!r} names no column. Name at least one.")
        known(streams[name], table, f"modality {name!r}")
    clash = [name for name in streams if name in table.columns and name not in streams[name]]
    if clash:
        raise ValueError(f"A column of the table has the name of the modality {clash[0]!r}. Rename one.")
    return streams


def _metadata(table, used, codes, n_recordings, order):
    """Return the columns that are constant within recordings, and the names of those that are bookkeeping."""
    rest = [column for column in table.columns if column not in used]
    first = np.empty(n_recordings, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last one written is the first row
    constant, varying = {}, []
    for column in rest:
        labels = pd.factorize(table[column], use_na_sentinel=False)[0]
        if (labels == labels[first][codes]).all():
            constant[column] = table[column].iloc[first].array
        else:
            varying.append(column)
    ordered = slice(None) if order is None else order
    aside = set(bookkeeping_columns(table[varying].iloc[ordered], codes[ordered]))
    flags = named_bookkeeping(list(constant))
    aside |= {name for name, reason in flags.items() if reason in FLAGS}
    _check_known([column for column in varying if column not in aside])
    kept = {name: values for name, values in constant.items() if name not in aside}
    return kept, [name for name in rest if name in aside]


def _check_known(unknown):
    if len(unknown) == 1:
        raise ValueError(
            f"Column {unknown[0]!r} is in no modality and varies within a recording. Add it to one, or "
            f"drop it first with data.drop(columns={unknown[0]!r})."
        )
    if unknown:
        raise ValueError(
            f"{len(unknown)} columns are in no modality and vary within a recording: {quoted(unknown)}. Add "
            'them to one, or keep only what you need, as in table[["clip", "AU12_r"]].'
        )


def _stable_order(codes, n_recordings):
    """Sort rows by recording; small integers are sorted by radix, ten times as fast."""
    return np.argsort(codes.astype(np.uint16) if n_recordings <= 1 << 16 else codes, kind="stable")


def _target(steps, order, lengths):
    """Return the step of each row of the table among those of all recordings; None where it is the row."""
    if order is None and steps.positions is None:
        return None
    n_rows = int(lengths.sum())
    if steps.positions is None:
        sorted_target = np.arange(n_rows)
    else:
        sorted_target = np.repeat(np.cumsum(steps.lengths) - steps.lengths, lengths) + steps.positions
    if order is None:
        return sorted_target
    target = np.empty(n_rows, dtype=np.int64)
    target[order] = sorted_target
    return target


def _stream(frames, columns, steps, seen, clock):
    """Return the column of a modality, missing where nothing of it was seen in a recording."""
    present = np.where(seen, steps.lengths, -1)
    features = [str(column).strip() for column in columns]
    return SequenceArray(
        frames,
        np.cumsum(steps.lengths) - steps.lengths,
        present,
        _rates(steps, clock, present),
        start_s=per_row(steps.starts_s, len(present), "start_s"),
        times_s=steps.times_s,
        features=features if len(set(features)) == len(features) else None,
    )


def _rates(steps, clock, present):
    if steps.times_s is not None:
        return None
    rates = clock.rate_hz if steps.rates_hz is None else steps.rates_hz
    distinct = np.unique(rates) if rates is not None else []
    return float(distinct[0]) if len(distinct) == 1 else rates


def _frames(table, columns, target, n_steps, keep, dtype):
    """Return the features of all steps, and which rows of the table have any.

    Blocks of rows are read as they stand and written to their steps, whole frames at a time: gathering a
    column after the other from rows of many recordings takes five times as long.
    """
    for name, kind in table.dtypes[columns].items():
        if not pd.api.types.is_any_real_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
            raise TypeError(f"Column {name!r} must hold numbers, not {kind}. Convert it, or leave it out.")
    exact = dtype if all(kind == dtype for kind in table.dtypes[columns]) else np.float64
    shape = (n_steps, len(columns))
    frames = np.empty(shape, dtype) if n_steps == len(table) else np.full(shape, np.nan, dtype)
    observed = np.empty(len(table), dtype=bool)
    n_rows, places = max(1, BLOCK // len(columns)), table.columns.get_indexer_for(columns)
    for begin in range(0, len(table), n_rows):
        rows = slice(begin, begin + n_rows)
        where = rows if target is None else target[rows]
        values = narrowed(table.iloc[rows, places].to_numpy(dtype=exact, na_value=np.nan), dtype)
        observed[rows] = _any_observed(values)
        if keep is not None:
            values = np.where(keep[rows, None], values, np.nan)
            observed[rows] &= keep[rows]
        frames[where] = values
    return frames, observed


def _any_observed(values):
    """Return which rows are not all NaN; most are known by their first number."""
    observed = ~np.isnan(values[:, 0])
    rest = np.flatnonzero(~observed)
    observed[rest] = ~np.isnan(values[rest]).all(axis=1)
    return observed
