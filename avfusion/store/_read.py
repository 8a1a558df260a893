"""Open a store."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from avfusion._atomic import leftovers
from avfusion.sequences._array import SequenceArray
from avfusion.sequences._clock import check_rate
from avfusion.sequences._messages import brief
from avfusion.sequences._target_form import TargetForm
from avfusion.store._manifest import (
    NAME,
    TABLE,
    check_hashes,
    identity_of,
    name_from_json,
    names_from_json,
    read_manifest,
)
from avfusion.store._mapped_frames import map_frames
from avfusion.store._table import read_column, read_index

_TRIES = 20


def read_store(path, verify=None) -> tuple:
    """Open a store that `write_store` or `StoreWriter` wrote; frames stay on the disk.

    Parameters
    ----------
    path : str or path-like
        The store, a folder. It must stay where it is, and may be open in any number of processes.
    verify : bool, optional
        Compare all files with their hashes (a second for each 2 GB), or none. By default sizes of all files
        are checked, and the hashes of the table and of small files, 16 MB together.

    Returns
    -------
    X : pandas.DataFrame
        As it was written. Its frames are memory maps: they are read when they are used, and workers of
        joblib map the same files.
    y : DataFrame, Series, ndarray or None
        As it was written.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If the store is damaged, or of a later version of this package.

    Examples
    --------
    >>> import numpy as np
    >>> import avfusion as av
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> av.write_store(f"{folder.name}/store", {"audio": [np.zeros((300, 88)), None]})
    >>> X, y = av.read_store(f"{folder.name}/store")
    >>> X["audio"].array.lengths, y
    (array([300,  -1]), None)
    """
    path = Path(path).resolve()
    if not (path / NAME).is_file():
        raise FileNotFoundError(_absent(path))
    for last in (*[False] * _TRIES, True):  # another process may put a new store in its place meanwhile
        before = _identity(path)
        try:
            sides = _opened(path, verify)
        except Exception as error:  # a manifest that somebody else wrote may say anything
            if last or before == _identity(path):
                told = isinstance(error, (OSError, ValueError)) and not isinstance(error, UnicodeError)
                reason = str(error).removesuffix(".") if told else f"{NAME} is not that of a store"
                raise ValueError(
                    f"The store {path} cannot be opened: {brief(reason, 150)[1:-1]}. Write the store again."
                ) from error
            continue
        if before == _identity(path):
            return sides
    raise ValueError(f"The store {path} is written again and again by another process. Open it afterwards.")


def _identity(path):
    try:
        return identity_of(path)
    except Exception:  # that is said when it is opened
        return None


def _opened(path, verify):
    about = read_manifest(path)
    check_hashes(path, about, verify)
    table = _read_table(path)
    streams = [_open_stream(path, stream, table, about["sha256"]) for stream in about["streams"]]
    X = _frame(about["X"], streams, table, None)
    return X, None if about["y"] is None else _labels(about["y"], streams, table, X.index)


def _absent(path):
    old = [own for own in leftovers(path) if own.with_name(f"{own.name}.old").is_dir()]
    if old and not path.exists():
        return (
            f"There is no store {path}: its replacement was interrupted. The former one is whole; rename "
            f"{old[0].name}.old to {path.name}."
        )
    return f"{path} is no store: it has no {NAME}. Write one with avfusion.write_store."


def _read_table(path):
    try:
        with open(path / TABLE, "rb") as file:  # whose name need not be UTF-8
            return pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{TABLE} cannot be read.") from error


def _open_stream(path, about, table, identity):
    """Return a column of sequences over a memory map."""
    n_frames = about["n_frames"]
    frames = map_frames(path, about["frames"], about["dtype"], (n_frames, about["width"]), identity)
    starts, lengths = (read_column(table, about[name]).to_numpy() for name in ("starts", "lengths"))
    rate_hz, starts_s = check_rate(about["rate_hz"]), None
    if about["rates"] is not None:
        rate_hz = read_column(table, about["rates"]).to_numpy()
    if about["starts_s"] is not None:
        starts_s = read_column(table, about["starts_s"]).to_numpy()
    array = SequenceArray(frames, starts, lengths, rate_hz, start_s=starts_s, features=about["features"])
    if about["times"] is None:
        return array
    times = map_frames(path, about["times"], np.float64, (n_frames, 2), identity)
    return array._trusted(**array._parts(rate_hz=None, rates_hz=None, starts_s=None, times_s=times))


def _frame(about, streams, table, index):
    index = index if about["index"] is None else read_index(table, about["index"])
    columns = [
        streams[column["stream"]] if "stream" in column else read_column(table, column).set_axis(index)
        for column in about["columns"]
    ]
    frame = pd.DataFrame(dict(enumerate(columns)), index=index)
    frame.columns = names_from_json(about["names"])
    return frame


def _labels(about, streams, table, index):
    frame, form = _frame(about, streams, table, index), about["form"]
    if form["kind"] == "frame":
        return frame
    if form["kind"] == "series":
        return frame.iloc[:, 0].rename(name_from_json(form["name"]))
    form = TargetForm(
        form["per_frame"],
        None,
        form["n_targets"],
        form["container"],
        tuple(form["widths"]),
        tuple(form["flat"]),
    )
    if not form.per_frame:
        return form.wrap(frame.to_numpy())
    column = frame.iloc[:, 0].array
    return form.wrap(np.array(column.frames), column.lengths)
