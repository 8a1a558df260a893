"""Write X and y to a store."""

import numpy as np
import pandas as pd

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._cells import n_axes
from avfusion.sequences._convert import as_sequences
from avfusion.sequences._identity import check_same_order
from avfusion.sequences._targets import Targets, as_targets
from avfusion.store._manifest import name_to_json
from avfusion.store._writer import StoreWriter


def write_store(path, X, y=None, *, overwrite=False) -> None:
    """Write recordings to a store, a folder that `read_store` opens in milliseconds without loading it.

    There is one memory-mapped file for each column of sequences, and a Parquet table with all else. The
    folder appears under its name when it is complete.

    Parameters
    ----------
    path : str or path-like
        The store; its name must be free.
    X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
        Recordings, one per row, in memory or memory-mapped.
    y : per-frame or per-clip targets, optional
        Their labels, in any form that estimators take.
    overwrite : bool, default=False
        Replace a store that is there: it stays whole until the new one is. Anything else is never replaced.

    Raises
    ------
    FileExistsError
        If there is something under the name already.
    OSError
        If the folder cannot be written; nothing is left then.
    TypeError
        If a metadata column holds what a Parquet file cannot give back as it is.
    ValueError
        If X and y do not have the same rows.

    See Also
    --------
    StoreWriter : The same row by row, for what is larger than memory.

    Notes
    -----
    What a column knows of time, names of features, missing rows, rows that share frames, types of metadata,
    and index come back as they are; so does y, but for cells of plain arrays, which come back as float64.

    Examples
    --------
    >>> import avfusion as av
    >>> from tempfile import TemporaryDirectory
    >>> X, y = av.datasets.make_audiovisual_regression(4, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     av.write_store(f"{folder}/store", X, y)
    ...     again, labels = av.read_store(f"{folder}/store")
    ...     again.equals(X), labels.equals(y)
    (True, True)
    """
    X = as_sequences(X)
    if not X.columns.is_unique:
        twice = X.columns[X.columns.duplicated()][0]
        raise ValueError(f"Two columns have the name {twice!r}. Rename one.")
    sides = [{"frame": X, "index": X.index}, None]
    if y is not None:
        frame, form = _as_frame(y)
        if len(frame) != len(X):
            raise ValueError(
                f"X and y have inconsistent numbers of samples: X has {len(X)} rows, y has {len(frame)}."
            )
        check_same_order(X.index, frame.index if form["kind"] in ("frame", "series") else None)
        own = form["kind"] in ("frame", "series") and not frame.index.identical(X.index)
        sides[1] = {"frame": frame, "index": frame.index if own else None, "form": form}
    with StoreWriter(path, overwrite) as store:
        store._given = [side and _put(store, bool(label), **side) for label, side in enumerate(sides)]


def _put(store, label, frame, index, form=None):
    """Write the columns of X or y, and return what `StoreWriter._finish` needs to know of them."""
    columns = [frame.iloc[:, k] for k in range(frame.shape[1])]
    for k, column in enumerate(columns):
        if isinstance(column.array, SequenceArray):
            columns[k] = store._column(frame.columns[k], label)
            columns[k].put(column.array)
    return {"columns": columns, "names": frame.columns, "index": index, "form": form}


def _as_frame(y):
    """Return labels as a DataFrame, and what is needed to make their form of it again."""
    if isinstance(y, Targets):
        y = y.form.wrap(y.values, y.lengths, y.index, y.clock)
    if isinstance(y, pd.DataFrame):
        return _with_sequences(y), {"kind": "frame"}
    if isinstance(y, pd.Series):
        return _with_sequences(y.to_frame()), {"kind": "series", "name": name_to_json(y.name)}
    targets = as_targets(y)
    form = targets.form
    about = {name: getattr(form, name) for name in ("per_frame", "n_targets", "container")}
    about |= {"kind": "plain", "widths": list(form.widths), "flat": [bool(flat) for flat in form.flat]}
    if form.per_frame:
        return pd.DataFrame({"y": SequenceArray.from_packed(targets.values, targets.lengths)}), about
    return pd.DataFrame(targets.values), about


def _with_sequences(frame):
    """Turn columns of objects whose cells are arrays into columns of sequences."""
    columns = {}
    for k, name in enumerate(frame.columns):
        cells = frame.iloc[:, k]
        if pd.api.types.is_object_dtype(cells.dtype) and any(n_axes(cell) > 0 for cell in cells):
            columns[name] = SequenceArray.from_sequences(cells, np.float64)
    return frame.assign(**columns) if columns else frame
