"""Write a store row by row."""

import os
from contextlib import suppress
from typing import Self

import numpy as np
import pandas as pd

from avfusion._atomic import StagedFolder, named
from avfusion.sequences._messages import quoted
from avfusion.store._column_writer import ColumnWriter
from avfusion.store._manifest import NAME, VERSION, is_store, is_store_file, names_to_json, render
from avfusion.store._table import TableWriter


class StoreWriter:
    """Write recordings to a store one by one, in bounded memory.

    The store appears under its name when the ``with`` block ends without an error; until then, and after an
    error or a kill at any moment, there is nothing under it, or the store that was there before.

    Parameters
    ----------
    path : str or path-like
        The store, a folder.
    overwrite : bool, default=False
        Replace a store that is there; other files in its folder stay. Anything else is never replaced.

    Raises
    ------
    FileExistsError
        If there is something under the name already.
    FileNotFoundError
        If there is no folder to put it into.

    See Also
    --------
    write_store : The same for data that are there already.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import avfusion as av
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> with av.StoreWriter(f"{folder.name}/store") as store:
    ...     for clip in range(3):
    ...         row = store.append("audio", np.zeros((40, 2)), rate_hz=25, names=["rms", "pitch"])
    ...         row = store.append("video", None if clip == 1 else np.zeros((40, 8)), rate_hz=25)
    ...         row = store.append("arousal", np.zeros(40), rate_hz=25, label=True)
    ...     store.set_table(pd.DataFrame({"subject": ["s1", "s2", "s2"]}))
    >>> X, y = av.read_store(f"{folder.name}/store")
    >>> X
      subject          audio          video
    0      s1  40 x 2, 1.6 s  40 x 8, 1.6 s
    1      s2  40 x 2, 1.6 s           <NA>
    2      s2  40 x 2, 1.6 s  40 x 8, 1.6 s
    """

    def __init__(self, path, overwrite=False):
        self._folder = StagedFolder(path, is_store if overwrite else None, is_store_file, "store")
        self._columns = {}
        self._index = self._metadata = self._labels = self._given = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace):
        try:
            with named(self._folder.path, self._folder.part):
                if isinstance(error, OSError):  # of a full disk: it names a hidden file
                    raise error
                if kind is None:
                    self._finish(self._given or self._sides())
                    self._folder.commit()
        finally:
            for column in self._columns.values():
                with suppress(OSError):  # what is not finished is thrown away
                    column.close()
            self._folder.discard()

    def append(
        self, stream, frames, *, rate_hz=None, start_s=None, times_s=None, names=None, label=False
    ) -> int:
        """Write the next row of a stream.

        Parameters
        ----------
        stream : str
            The column.
        frames : array-like of shape (T, D) or (T,), or None
            The steps, stored as float32, labels as float64; None where the recording does not have it.
        rate_hz : float, optional
            Steps per second, in all rows or in none.
        start_s : float, optional
            When the first step begins, in seconds.
        times_s : array-like of shape (T,) or (T, 2), optional
            Instead of both: the instant of each step, or its begin and end, in seconds.
        names : iterable of str, optional
            Names of the features. They are matched by name with those of the rows before.
        label : bool, default=False
            Whether the column belongs to y, not to X.

        Returns
        -------
        int
            Number of the row, for `repeat`.

        Raises
        ------
        TypeError, ValueError
            If the frames are not numbers, or features or clock do not go with the rows before.
        """
        return self._column(stream, label).append(frames, rate_hz, start_s, times_s, names)

    def repeat(self, stream, row, *, label=False) -> int:
        """Give the next row of a stream the frames of one before: of two faces, the same sound.

        Parameters
        ----------
        stream : str
            The column.
        row : int
            Number of the row, from `append`.
        label : bool, default=False
            As in `append`.

        Returns
        -------
        int
            Number of the new row.
        """
        return self._column(stream, label).repeat(row)

    def drop_columns(self, stream, indices, *, label=False) -> None:
        """Leave features of a stream out, when all rows are there and show that they are none.

        Its file is written again, a part at a time.

        Parameters
        ----------
        stream : str
            The column.
        indices : iterable of int
            Positions of the features.
        label : bool, default=False
            As in `append`.

        Raises
        ------
        ValueError
            If there is no such feature, or no other.
        """
        self._column(stream, label).drop(indices)

    def order_rows(self, stream, rows, *, rate_hz=None, start_s=None, label=False) -> None:
        """Put the rows of a stream in another order, when all of them are there, and say when they are.

        Parameters
        ----------
        stream : str
            The column.
        rows : list of int or None
            Numbers of rows, from `append`. None is a row without steps; a number may be there twice.
        rate_hz, start_s : float or array-like of shape (n_rows,), optional
            Steps per second, and when the first step begins, in the new order. By default those of `append`.
        label : bool, default=False
            As in `append`.

        Raises
        ------
        ValueError
            If there is no such row, or rows have times of their own.
        """
        self._column(stream, label).order(rows, rate_hz, start_s)

    def set_table(self, metadata=None, clip_labels=None, index=None) -> None:
        """Set what is known of the rows beside their streams.

        Parameters
        ----------
        metadata : pandas.DataFrame, optional
            Other columns of X, a row for each of the streams.
        clip_labels : pandas.DataFrame, optional
            A label for each row, in place of labels per frame: y.
        index : pandas.Index or array-like, optional
            Labels of the rows of X and y; by default those of `metadata`, then of `clip_labels`.

        Raises
        ------
        TypeError
            If a column cannot be stored as it is.
        """
        given = next((table.index for table in (metadata, clip_labels) if table is not None), None)
        self._index = given if index is None else pd.Index(index)
        self._metadata, self._labels = metadata, clip_labels
        check = TableWriter()  # before anything else is written
        for table in (metadata, clip_labels):
            for name, values in () if table is None else table.items():
                check.add(name, values)
        if self._index is not None:
            check.add_index(self._index)

    def _column(self, name, label, dtype=None):
        key = (label, name)
        if key not in self._columns:
            dtype = dtype or (np.float64 if label else np.float32)
            self._columns[key] = ColumnWriter(self._folder.part, len(self._columns), name, dtype)
        return self._columns[key]

    def _sides(self):
        """Return what X and y consist of: a dict of columns, their names, the index, and the form of y."""
        counts = {name: len(column) for (_, name), column in self._columns.items()}
        more = {"metadata": self._metadata, "clip_labels": self._labels, "the index": self._index}
        counts |= {name: len(table) for name, table in more.items() if table is not None}
        if len(set(counts.values())) > 1:
            few, many = min(counts, key=counts.get), max(counts, key=counts.get)
            raise ValueError(
                f"{few!r} has {counts[few]} rows, but {many!r} has {counts[many]}. Append a row to every "
                "stream for each recording, None where it is absent."
            )
        if not any(counts.values()):
            raise ValueError("The store has no rows. Append at least one.")
        index = pd.RangeIndex(max(counts.values())) if self._index is None else self._index
        sides = []
        for label, table in ((False, self._metadata), (True, self._labels)):
            columns = {name: column for (side, name), column in self._columns.items() if side == label}
            more = {} if table is None else dict(table.items())
            twice = set(columns) & set(more)
            if twice or (table is not None and not table.columns.is_unique):
                raise ValueError(
                    f"Two columns have the same name: {quoted(twice or table.columns)}. Rename one."
                )
            columns = more | columns
            names = pd.Index(list(columns), tupleize_cols=False)
            sides.append({"columns": list(columns.values()), "names": names, "index": index})
        sides[1]["form"] = {"kind": "frame"}
        return sides if sides[1]["columns"] else [sides[0], None]

    def _finish(self, sides):
        """Write table and manifest; `sides` are X and y, see `_sides`."""
        table = TableWriter()
        writers = list(self._columns.values())
        about = {"format": "avfusion store", "version": VERSION}
        about["streams"] = [column.finish(table) for column in writers]
        for name, side in zip("Xy", sides):
            about[name] = None if side is None else _described(side, writers, table)
        about["table"] = table.write(self._folder.part)
        with open(self._folder.part / NAME, "x", encoding="utf-8") as file:
            file.write(render(about))
            file.flush()
            os.fsync(file.fileno())


def _described(side, writers, table):
    columns = []
    for name, column in zip(side["names"], side["columns"]):
        if isinstance(column, ColumnWriter):
            columns.append({"stream": writers.index(column)})
        else:
            columns.append(table.add(name, column))
    about = {"columns": columns, "names": names_to_json(side["names"])}
    about["index"] = None if side["index"] is None else table.add_index(side["index"])
    return about | {"form": side.get("form")}
