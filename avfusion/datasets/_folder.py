"""Read recordings from a folder with a sub-folder for each modality and a file for each recording."""

import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from avfusion.sequences import Sequence, SequenceArray
from avfusion.sequences._messages import quoted

LABELS = "labels"
_SUFFIXES = (".npy", ".csv")


def load_folder(folder, rate_hz=None) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Read recordings, their labels and their metadata from a folder.

    The layout, where ``clip01`` is the name of a recording::

        audio/clip01.npy       features (steps, features) or (steps,), one folder for each modality;
        audio/clip02.csv       one row per step, a column per feature, with or without a header
        video/clip01.npy       a recording without a file in a modality's folder lacks that stream
        labels/clip01.csv      labels per step, a column per target (or .npy); every recording has one
        labels.csv             or instead labels per clip: the column "recording", and a column per target
        metadata.csv           optional: the column "recording", and any others (subject, session)
        rates.toml             optional: steps per second, as in ``audio = 25`` and ``labels = 1``

    Missing numbers (NaN, empty cells) are features that were not observed, or steps without a label.

    Parameters
    ----------
    folder : str or path-like
        The folder.
    rate_hz : dict of str to float, optional
        Steps per second by modality, and of ``labels``. They override those of ``rates.toml``.

    Returns
    -------
    X : pandas.DataFrame
        A row per recording, with its name as index: metadata, and a float32 sequence column per modality.
    y : pandas.DataFrame or None
        A column per target: float64 sequences, or numbers; None where there are no labels.

    Raises
    ------
    ValueError
        If a file cannot be read or holds no numbers, widths or names of features differ between recordings, a
        recording has no labels or no metadata where others do, or `rate_hz` names something that is not
        there. The message names the file and the remedy.
    OSError
        If the folder cannot be read.

    Warns
    -----
    UserWarning
        If there are labels or metadata of recordings without features; they are left out.

    See Also
    --------
    avfusion.as_sequences : The same from arrays and tables in memory.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from avfusion.datasets import load_folder
    >>> with TemporaryDirectory() as folder:
    ...     for name, frames in {"audio": np.zeros((50, 4)), "labels": np.zeros(2)}.items():
    ...         Path(folder, name).mkdir()
    ...         np.save(Path(folder, name, "clip01.npy"), frames)
    ...     X, y = load_folder(folder, rate_hz={"audio": 25, "labels": 1})
    >>> X
                       audio
    recording
    clip01     50 x 4, 2.0 s
    >>> y
                       label
    recording
    clip01      2 x 1, 2.0 s
    """
    folder = Path(folder)
    modalities = {
        path.name: _files(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name != LABELS and not path.name.startswith(".")
    }
    if not modalities:
        raise ValueError(
            f"{folder} holds no recordings. It needs a sub-folder for each modality (audio, video) with a "
            ".npy or .csv file for each recording."
        )
    rates = _rates(folder, rate_hz or {}, {*modalities, LABELS})
    names = pd.Index(
        sorted({name for files in modalities.values() for name in files}), name="recording", dtype=object
    )
    X = _metadata(folder, names)
    for modality, files in modalities.items():
        if modality in X.columns:
            raise ValueError(
                f"{folder / 'metadata.csv'}: the column {modality!r} has the name of a modality; rename it."
            )
        cells, _ = _read_streams([files.get(name) for name in names])
        X[modality] = SequenceArray.from_sequences(cells, dtype=np.float32, rate_hz=rates.get(modality))
    return X, _labels(folder, names, rates.get(LABELS))


def _files(folder):
    """Return the file of each recording in the folder of a modality."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in files:
            raise ValueError(f"{files[path.stem]} and {path} are the same recording: remove one of them.")
        files[path.stem] = path
    if not files:
        raise ValueError(
            f"{folder} holds no .npy or .csv file: put one for each recording there, or remove the folder."
        )
    return files


def _rates(folder, given, known):
    path = folder / "rates.toml"
    rates = {}
    if path.is_file():
        try:
            rates = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} cannot be read: {error}. It holds lines such as audio = 25.") from error
    for where, names in ((str(path), rates), ("rate_hz", given)):
        for name in names:
            if name not in known:
                raise ValueError(f"{where} names {name!r}, but there are only {', '.join(sorted(known))}.")
    return rates | given


def _metadata(folder, names):
    path = folder / "metadata.csv"
    if not path.is_file():
        return pd.DataFrame(index=names)
    return _table_of_recordings(path, names)


def _labels(folder, names, rate_hz):
    per_step, per_clip = folder / LABELS, folder / f"{LABELS}.csv"
    if per_step.is_dir() and per_clip.is_file():
        raise ValueError(
            f"There are labels per step in {per_step} and per clip in {per_clip}: remove one of them."
        )
    if per_clip.is_file():
        return _labels_per_clip(per_clip, names)
    return _labels_per_step(per_step, names, rate_hz) if per_step.is_dir() else None


def _labels_per_clip(path, names):
    table = _table_of_recordings(path, names)
    for name, kind in table.dtypes.items():
        if not pd.api.types.is_numeric_dtype(kind):
            raise ValueError(f"{path}, column {name!r}: labels are numbers. Move the column to metadata.csv.")
    return table.astype(np.float64)


def _labels_per_step(folder, names, rate_hz):
    files = _files(folder)
    for name in names:
        if name not in files:
            raise ValueError(
                f"The recording {name!r} has no labels: {folder / name}.csv (or .npy) is missing. Put it "
                "there, with empty cells where there is no label, or remove the recording's features."
            )
    _warn_of_others(files, names, folder)
    cells, columns = _read_streams([files[name] for name in names])
    if columns is None:
        width = cells[0].shape[1]
        columns = ["label"] if width == 1 else [f"label {k}" for k in range(width)]
    labels = {
        column: SequenceArray.from_sequences(
            [cell[:, [k]] for cell in cells], dtype=np.float64, rate_hz=rate_hz
        )
        for k, column in enumerate(columns)
    }
    return pd.DataFrame(labels, index=names)


def _table_of_recordings(path, names):
    """Read a table with a row for each recording, in the order of `names`."""
    try:
        table = pd.read_csv(path, dtype={"recording": str}, skipinitialspace=True)
    except (ValueError, UnicodeError) as error:  # pandas' errors of reading are ValueErrors
        raise ValueError(f"{path} cannot be read: {error}.") from error
    if "recording" not in table.columns or table.shape[1] < 2:
        raise ValueError(
            f"{path} needs the column 'recording', with the names of the files without .npy or .csv, and at "
            f"least one more; its columns are {quoted(table.columns)}."
        )
    repeated = table["recording"][table["recording"].duplicated()]
    if len(repeated):
        raise ValueError(f"{path} has two rows for the recording {repeated.iloc[0]!r}: remove one of them.")
    table = table.set_index("recording")
    missing = names.difference(table.index)
    if len(missing):
        raise ValueError(f"{path} has no row for {quoted(missing, limit=3)}: add one for every recording.")
    _warn_of_others(table.index, names, path)
    return table.loc[names].set_axis(names)


def _warn_of_others(found, names, path):
    others = [name for name in found if name not in set(names)]
    if others:
        warnings.warn(
            f"{path} has recordings without features, which are left out: {quoted(others, limit=3)}.",
            stacklevel=5,
        )


def _read_streams(paths):
    """Return the frames of each file, (steps, features) or None, and the names of the features."""
    cells, columns, first = [], None, None
    for path in paths:
        if path is None:
            cells.append(None)
            continue
        frames, names = _read_frames(path)
        if first is None:
            first, columns, width = path, names, frames.shape[1]
        if frames.shape[1] != width:
            raise ValueError(
                f"{path} has {frames.shape[1]} columns per step, but {first} has {width}. All recordings "
                "have the same columns: write one of the two files again."
            )
        if columns is not None and names is not None and names != columns:
            odd = next(a for a, b in zip(names, columns) if a != b)
            raise ValueError(
                f"{path} has the column {odd!r} where {first} has another: columns and order must agree."
            )
        columns = names if columns is None else columns
        cells.append(frames)
    return cells, columns


def _read_frames(path):
    try:
        values, names = (
            _read_csv(path) if path.suffix.lower() == ".csv" else (np.load(path, allow_pickle=False), None)
        )
        frames = Sequence(values).frames
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read: {str(error).rstrip('.')}. A file holds numbers, (steps, features) or "
            "(steps,): write it with numpy.save, or as comma-separated rows."
        ) from error
    return frames, names


def _read_csv(path):
    with path.open(encoding="utf-8-sig") as file:
        named = not all(map(_is_number, file.readline().split(",")))
    table = pd.read_csv(path, header=0 if named else None, skipinitialspace=True, encoding="utf-8-sig")
    for name, kind in table.dtypes.items():
        if not pd.api.types.is_numeric_dtype(kind) and not table[name].isna().all():
            raise TypeError(f"Column {name!r} holds text.")
    names = [str(name).strip() for name in table.columns] if named else None
    return table.to_numpy(dtype=np.float64, na_value=np.nan), names


def _is_number(text):
    try:
        float(text or "nan")
    except ValueError:
        return not text.strip()
    return True
