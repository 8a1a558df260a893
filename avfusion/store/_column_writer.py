"""One column of a store while it is written: its frames go to the disk at once, what rows are is kept."""

import numpy as np

from avfusion.sequences._buffers import BLOCK, used_spans
from avfusion.sequences._clock import check_rate, check_times, per_row
from avfusion.sequences._messages import quoted
from avfusion.sequences._narrowing import Watch
from avfusion.sequences._paging import release
from avfusion.sequences._sequence import as_float_frames, check_features
from avfusion.store._array_file import ArrayFile


class ColumnWriter:
    """A column whose rows are appended.

    Parameters
    ----------
    folder : pathlib.Path
    number : int
        Of the column: its files are named after it, not after the column.
    name : str
        What messages call the column.
    dtype : numpy dtype
        Of the frames.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     column = ColumnWriter(Path(folder), 0, "audio", "float32")
    ...     column.append([[1, 2], [3, 4]], 25), column.append(None), column.repeat(0)
    (0, 1, 2)
    """

    def __init__(self, folder, number, name, dtype):
        self._folder, self._number, self._name, self._dtype = folder, number, name, np.dtype(dtype)
        self._frames = self._times = None
        self._rows = []  # start, length, rate_hz, start_s of each
        self._features, self._clock, self._common_rate = None, None, True
        self._empty, self._watch = True, Watch(name, "leave it out")

    def __len__(self):
        return len(self._rows)

    def append(self, frames, rate_hz=None, start_s=None, times_s=None, names=None):
        """Write a row, and return its number; None is a missing row. See `StoreWriter.append`."""
        if frames is None:
            self._rows.append((0, -1, np.nan, np.nan))
            return len(self) - 1
        where = f"column {self._name!r}, row {len(self)}"
        try:
            frames = as_float_frames(frames)
            names = check_features(names, frames.shape[1])
            rate_hz, start_s = check_rate(rate_hz), per_row(start_s, 1, "start_s")
            if times_s is not None and (rate_hz is not None or start_s is not None):
                raise ValueError(
                    "times_s tells the time of every step. Give no rate_hz and no start_s beside it."
                )
            times = None if times_s is None else check_times(times_s, len(frames))
        except (TypeError, ValueError) as error:
            raise type(error)(f"In {where}: {error}") from None
        frames = self._in_order(frames, names, where)
        self._open(frames.shape[1], rate_hz, times, where)
        self._watch.see(frames, self._dtype)
        start = self._frames.n_rows
        _write(self._frames, frames)
        if times is not None:
            self._times.append(times)
        rate_hz = np.nan if rate_hz is None else rate_hz
        self._rows.append((start, len(frames), rate_hz, np.nan if start_s is None else start_s[0]))
        return len(self) - 1

    def repeat(self, row):
        """Add a row with the frames of another, and return its number."""
        if not 0 <= row < len(self):
            raise ValueError(f"Column {self._name!r} has {len(self)} rows so far, and none of number {row}.")
        self._rows.append(self._rows[row])
        return len(self) - 1

    def order(self, rows, rate_hz=None, start_s=None):
        """Put rows in another order, with rates and starts. See `StoreWriter.order_rows`."""
        for row in rows:
            if row is not None and not 0 <= row < len(self):
                raise ValueError(f"Column {self._name!r} has {len(self)} rows, and none of number {row}.")
        missing = (0, -1, np.nan, np.nan)
        ordered = np.array([missing if row is None else self._rows[row] for row in rows]).reshape(-1, 4)
        if (rate_hz is not None or start_s is not None) and self._clock == "times":
            raise ValueError(f"Column {self._name!r} has a time for each step: give no rate and no start.")
        for place, given in ((2, rate_hz), (3, start_s)):
            if given is not None:
                ordered[:, place] = np.where(ordered[:, 1] < 0, np.nan, given)
        if rate_hz is not None:
            self._clock = "rate"
        self._rows = [(int(start), int(length), *more) for start, length, *more in ordered.tolist()]

    def put(self, array):
        """Write the rows of a `SequenceArray`, which become those of the column; shared frames stay so."""
        starts, lengths, moved = used_spans(array.starts, array.lengths)
        self._dtype, self._features, self._clock = array.dtype.subtype, array.features, array.dtype.clock
        self._empty, self._common_rate = False, array.dtype.clock is None
        if array.rate_hz is not None:
            self._clock = "rate"
        self._start_files(array.width, array.dtype.clock == "times")
        for start, length in zip(starts.tolist(), lengths.tolist()):
            _write(self._frames, array.frames[start : start + length])
            if self._times is not None:
                _write(self._times, array._times_s[start : start + length])
        starts_s = np.full(len(array), np.nan) if self._clock == "times" else array.starts_s
        self._rows = list(zip(moved.tolist(), array.lengths.tolist(), array.rates_hz, starts_s))

    def drop(self, columns):
        """Leave features out, by their positions, of all rows that are there."""
        columns = set(columns)
        width = 0 if self._frames is None else self._frames.width
        if not all(isinstance(k, (int, np.integer)) and 0 <= k < width for k in columns):
            raise ValueError(
                f"Column {self._name!r} has the features 0 to {width - 1}, not {quoted(columns)}."
            )
        if len(columns) == width:
            raise ValueError(f"Column {self._name!r} has no other features. Leave the column out instead.")
        if columns:
            self._frames = self._frames.without(columns)
            self._watch.drop(columns)
            if self._features is not None:
                self._features = tuple(n for k, n in enumerate(self._features) if k not in columns)

    def finish(self, table):
        """Finish the files, and return what the manifest says of the column.

        Parameters
        ----------
        table : TableWriter
            Gets what rows are.
        """
        if self._frames is None:  # all rows are missing
            self._start_files(1, False)
        self._watch.warn()
        parts = [np.array(part) for part in zip(*self._rows)] or [np.zeros(0)] * 4
        starts, lengths, rates, starts_s = parts
        rate_hz = None
        if self._clock == "rate":
            known = np.unique(rates[~np.isnan(rates)])
            rate_hz = known[0].item() if len(known) == 1 and self._common_rate else None
        own_rates = self._clock is not None and rate_hz is None and self._clock != "times"
        name = self._name
        return {
            "frames": self._frames.finish(),
            "times": None if self._times is None else self._times.finish(),
            "dtype": self._dtype.name,
            "width": self._frames.width,
            "n_frames": self._frames.n_rows,
            "features": None if self._features is None else list(self._features),
            "rate_hz": rate_hz,
            "starts": table.add(f"{name}: first frame", starts.astype(np.int64)),
            "lengths": table.add(f"{name}: frames", lengths.astype(np.int64)),
            "rates": table.add(f"{name}: rate_hz", rates) if own_rates else None,
            "starts_s": None if np.isnan(starts_s).all() else table.add(f"{name}: start_s", starts_s),
        }

    def close(self):
        """Close the files as they are."""
        for file in (self._frames, self._times):
            if file is not None:
                file.close()

    def _start_files(self, width, timed):
        self._frames = ArrayFile(self._folder / f"frames_{self._number:03}.npy", self._dtype, width)
        if timed:
            self._times = ArrayFile(self._folder / f"times_{self._number:03}.npy", np.float64, 2)

    def _open(self, width, rate_hz, times, where):
        """Start the files with the first row, and hold later rows to its width and clock."""
        clock = "times" if times is not None else None if rate_hz is None else "rate"
        if self._empty:
            self._empty, self._clock = False, clock
            self._start_files(width, clock == "times")
        if width != self._frames.width:
            raise ValueError(
                f"In {where}: {width} features per step, but the rows before have {self._frames.width}. All "
                "rows need the same features."
            )
        if clock != self._clock:
            said = {None: "no clock", "rate": "a rate", "times": "a time for each step"}
            raise ValueError(
                f"In {where}: the row has {said[clock]}, and the rows before have {said[self._clock]}. Give "
                "all rows rates, or all of them times, or none."
            )

    def _in_order(self, frames, names, where):
        """Match features by name with the rows before; where one row has no names, the column has none."""
        if self._empty:
            self._features = names
        elif names is None or self._features is None:
            self._features = None
        elif names != self._features:
            if set(names) != set(self._features):
                odd = quoted(sorted(set(names) ^ set(self._features)), limit=3)
                raise ValueError(
                    f"In {where}: the features have other names than in the rows before: {odd} in one of "
                    "them only. All rows need the same features."
                )
            return frames[:, [names.index(name) for name in self._features]]
        return frames


def _write(file, rows):
    """Append rows in blocks, so that what is mapped or has to be converted never is in memory as a whole."""
    size = max(1, BLOCK // file.width)
    for begin in range(0, len(rows), size):
        block = rows[begin : begin + size]
        file.append(block)
        release(block, 0, len(block))
