"""A table of recordings, ``recordings.csv``, which says what file is whose and overrules guessing."""

import os
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

import pandas as pd

from avfusion.datasets._layout import LABELS, Source, reason_against
from avfusion.datasets._recording_tables import RECORDING
from avfusion.formats._csv import as_numbers, read_table
from avfusion.formats._registry import brief_reason, check_recording_name, split_name
from avfusion.sequences._messages import brief, quoted

NAME = "recordings.csv"
_SETTINGS = {"rate_hz": "rate_hz", "rate": "rate_hz", "start_s": "start_s", "start": "start_s"}


def read_manifest(folder, layout):
    """Read ``recordings.csv`` of a folder, and take the files that it names in the place of all others.

    Its columns are "recording"; one for each modality whose files do not have the names of the recordings,
    with paths within the folder; ``rate_hz`` and ``start_s`` of all modalities, or of one, as in
    ``audio_rate_hz``; all others are metadata. Rows may name the same file.

    Parameters
    ----------
    folder : pathlib.Path
    layout : Layout
        Of the folder.

    Returns
    -------
    layout : Layout
    metadata : pandas.DataFrame or None
        A row per recording, in the order of the table; None where there is no table.

    Raises
    ------
    ValueError
        If the table cannot be read, has two rows for a recording, or names a file that is not there or is
        outside the folder.
    """
    path = folder / NAME
    if not path.is_file():
        return layout, None
    table = _table(path, layout, folder)
    files = {name: column for name, column in table.items() if _is_modality(name, column, folder, layout)}
    known = {*files, *layout.streams}
    settings = {name: place for name in table if (place := _setting(name, known)) is not None}
    _check_columns(table, known, files, settings, path)
    numbers = {name: _numbers(table[name], name, path) for name in settings}
    streams, used = {}, set()
    for modality in sorted(known):
        named = files.get(modality)
        own = {source.recording: source for source in layout.streams.get(modality, ())}
        by_stem = {} if named is None else _by_stem(folder / modality)
        sources = []
        for row, recording in enumerate(table.index):
            if named is None:
                source = own.get(recording)
            else:
                source = _source(folder, modality, recording, named.iloc[row], path, by_stem)
            if source is not None:
                sources.append(replace(source, **_set(numbers, settings, modality, row)))
                used.add(source.path)
        streams[modality] = sources
    unlisted = {
        source.path: f"{NAME} does not list it"
        for sources in layout.streams.values()
        for source in sources
        if source.path not in used
    }
    layout = replace(layout, streams=streams, passed_over=layout.passed_over | unlisted)
    return layout, table.drop(columns=[*files, *settings])


def _table(path, layout, folder):
    try:
        columns = read_table(path, text=(RECORDING,))[0].columns
        texts = [name for name in columns if name in layout.streams]
        table, _ = read_table(path, text=(RECORDING, *texts))
    except (ValueError, UnicodeError) as error:
        raise ValueError(f"{path} cannot be read: {brief_reason(error)}.") from error
    table = table.loc[:, [not str(name).startswith("Unnamed: ") for name in table.columns]]
    if RECORDING not in table.columns:
        raise ValueError(f"{path} needs the column 'recording'; its columns are {quoted(table.columns)}.")
    blank = [not isinstance(name, str) or not name.strip() for name in table[RECORDING]]
    if any(blank):
        row = blank.index(True)
        raise ValueError(f"{path} has no name for the recording in row {row}: write one.")
    table[RECORDING] = table[RECORDING].str.strip()
    for name in table[RECORDING]:
        try:
            check_recording_name(name)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    repeated = table[RECORDING][table[RECORDING].duplicated()]
    if len(repeated):
        raise ValueError(
            f"{path} has two rows for the recording {repeated.iloc[0]!r}: name each differently. Two faces "
            "with one sound are two recordings that name the same file."
        )
    table.index = pd.Index(table.pop(RECORDING), name=RECORDING)
    return table


def _is_modality(name, column, folder, layout):
    """Return whether a column names files: that of a folder here, or of paths that exist."""
    if name in layout.streams:
        return True
    values = [value for value in column if isinstance(value, str) and value.strip()]
    return bool(values) and all(split_name(value)[1] and os.path.isfile(folder / value) for value in values)


def _setting(name, modalities):
    """Return of which modality (None: of all) a column says what, or None if it is none of a setting."""
    if name in _SETTINGS:
        return None, _SETTINGS[name]
    modality = next((m for m in modalities if str(name).startswith(f"{m}_")), None)
    what = _SETTINGS.get(str(name)[len(modality) + 1 :]) if modality is not None else None
    return None if what is None else (modality, what)


def _check_columns(table, modalities, files, settings, path):
    """Refuse columns that seem to name files or clocks of a modality, and would be metadata."""
    for name in table.columns:
        words = str(name).strip().lower().replace(" ", "_")
        if name in settings or name in files:
            continue
        meant = next((m for m in modalities if words in _spellings(m) and m not in files), None)
        if meant is not None:
            raise ValueError(f"{path} has a column {name!r}: rename it {meant!r}, whose files it names.")
        if words.endswith(("_rate_hz", "_start_s")):
            raise ValueError(
                f"{path} has a column {name!r}, but there is no modality of this name: there are "
                f"{quoted(sorted(modalities))}."
            )


def _spellings(modality):
    plain = str(modality).lower()
    return {plain, *(f"{plain}_{word}" for word in ("file", "path", "filename", "filepath", "name"))}


def _numbers(column, name, path):
    try:
        return as_numbers(column, name)
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error


def _set(numbers, settings, modality, row):
    """Return what the table says of a modality in a row; what it says of all is not of labels."""
    found = {}
    for name, (whose, what) in sorted(settings.items(), key=lambda item: item[1][0] is not None):
        value = numbers[name][row]
        if whose in (modality, None) and value == value and not (whose is None and modality == LABELS):
            found[what] = float(value)
    return found


def _by_stem(folder):
    """Return the files of a folder by their names without suffix."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        found.setdefault(split_name(path.name)[0], []).append(path)
    return found


def _source(folder, modality, recording, value, table, by_stem):
    if not isinstance(value, str) or not value.strip():
        return None
    value = value.strip()
    plain, foreign = PurePosixPath(value), PureWindowsPath(value)
    if plain.is_absolute() or foreign.is_absolute() or ".." in (*plain.parts, *foreign.parts):
        raise ValueError(
            f"{table}: {brief(value)}, of the recording {brief(recording)}, leads out of the folder."
        )
    candidates = [folder / value, folder / modality / value, *by_stem.get(value, ())]
    path = next((path for path in candidates if os.path.isfile(path)), None)  # also of names too long
    reason = "it does not exist" if path is None else reason_against(path)
    if reason is not None:
        raise ValueError(
            f"{table}: the file {brief(value)} of {modality!r}, of the recording {brief(recording)}, cannot "
            f"be read: {reason}."
        )
    return Source(path, recording)
