"""The recordings of one modality, taken file by file, until they are a column of sequences."""

import warnings
from dataclasses import dataclass, field

import numpy as np

from avfusion.datasets._stream_file import stream_of
from avfusion.sequences import SequenceArray
from avfusion.sequences._bookkeeping import N_INTEGERS, counts_steadily
from avfusion.sequences._messages import quoted
from avfusion.sequences._narrowing import Watch


class InMemory:
    """Frames of a stream, kept in memory.

    Parameters
    ----------
    dtype : numpy dtype
    name : str, optional
        The modality, for a warning where the type cannot hold its numbers.

    Examples
    --------
    >>> frames = InMemory(np.float32)
    >>> frames.append(np.zeros((2, 1))), frames.append(np.ones((3, 1)))
    (0, 1)
    """

    written = False

    def __init__(self, dtype, name=None):
        self.dtype, self.watch = np.dtype(dtype), Watch(name, "leave it out")
        self.blocks = []

    def append(self, frames, times_s=None, names=None):
        """Keep the frames of a recording, and return their number."""
        frames = np.asarray(frames)
        self.watch.see(frames, self.dtype)
        with np.errstate(over="ignore"):  # of which the warning says more
            self.blocks.append(frames.astype(self.dtype, copy=False))
        return len(self.blocks) - 1

    def column(self, rows, dropped, names, rate_hz):
        """Return the column of sequences.

        Parameters
        ----------
        rows : list of Row or None
        dropped : list of int
            Columns that are left out.
        names : list of str or None
            Of the others.
        rate_hz : float or None
            Steps per second of rows that do not say.

        Returns
        -------
        SequenceArray
        """
        self.watch.drop(dropped)
        self.watch.warn()
        frames, starts = self._packed(dropped)
        lengths = [-1 if row is None else row.n_steps for row in rows]
        column = SequenceArray(frames, [0 if row is None else starts[row.number] for row in rows], lengths)
        return column.with_clock(**clock(rows, starts, len(frames), rate_hz)).with_features(names)

    def _packed(self, dropped):
        """Return all frames in one buffer, and where each recording starts in it."""
        kept = np.setdiff1d(np.arange(self.blocks[0].shape[1]), dropped)
        lengths = np.array([len(block) for block in self.blocks])
        frames = np.empty((lengths.sum(), len(kept)), self.dtype)
        for k, stop in enumerate(np.cumsum(lengths)):
            frames[stop - lengths[k] : stop] = self.blocks[k] if not dropped else self.blocks[k][:, kept]
            self.blocks[k] = None  # not twice in memory
        return frames, np.cumsum(lengths) - lengths


class InStore:
    """Frames of a stream, written to a store as they come.

    Parameters
    ----------
    store : StoreWriter
    name : str
        The stream.

    Examples
    --------
    >>> InStore(None, "audio").name
    'audio'
    """

    written = True  # times, too, as soon as they come

    def __init__(self, store, name):
        self.store, self.name = store, name

    def append(self, frames, times_s=None, names=None):
        """Write the frames of a recording, and return the number of their row."""
        return self.store.append(self.name, frames, times_s=times_s, names=names)

    def column(self, rows, dropped, names, rate_hz):
        """Put the rows of the store in their order; see `InMemory.column`."""
        self.store.drop_columns(self.name, dropped)
        times = clock(rows, None, 0, rate_hz)
        numbers = [None if row is None else row.number for row in rows]
        self.store.order_rows(self.name, numbers, rate_hz=times.get("rate_hz"), start_s=times.get("start_s"))


@dataclass
class Row:
    """A recording in a stream: the number of its frames, how many they are, when they are, and where from."""

    number: int
    n_steps: int
    ticks: object
    path: object
    about: dict = field(default_factory=dict)
    targets: dict = field(default_factory=dict)


class Stream:
    """All recordings of one modality.

    Parameters
    ----------
    frames : object
        Where frames are kept: `InMemory`, or a stream of a store.
    keep, valid, only, rate_hz
        As in `stream_of`.

    Attributes
    ----------
    rows : dict of str to Row
        By recording.
    names : list of str or None
        Names of the columns, the same in all files.
    aside : list of str
        Columns that were set aside.
    n_failed : dict of str to int
        Steps that each column told to have failed, whose features are NaN.
    packed : tuple or None
        A file with a counter of rows that lacks some, and the name of the counter.
    strided : tuple or None
        By how much numbers of frames go on from step to step, where not by 1, and the rate that is declared.
    n_steps, n_missing : int
        All steps, and those of frames that are missing in the files, all of whose features are NaN.

    Examples
    --------
    >>> Stream(InMemory(np.float32)).rows
    {}
    """

    def __init__(self, frames, *, keep=(), valid=None, only=None, rate_hz=None):
        self.frames, self.keep, self.valid, self.only, self.rate_hz = frames, keep, valid, only, rate_hz
        self.rows, self.names, self.aside, self.n_failed = {}, None, [], {}
        self.n_steps = self.n_missing = 0
        self.packed = self.strided = None
        self._first = self._counting = self._unnamed = self._disordered = None

    def add(self, recording, part, source):
        """Take the steps of a recording.

        Parameters
        ----------
        recording : str
        part : Part
        source : Source

        Raises
        ------
        DamagedFileError, ValueError
            If they are no numbers, their columns are not those of the others, or the recording is there
            already.
        """
        if recording in self.rows and self.rows[recording].path == source.path:
            raise ValueError(
                f"{source.path} holds {recording!r} twice, or several modalities of it: put such a file "
                "beside the folders of modalities, not into one, or write a file for each."
            )
        if recording in self.rows:
            raise ValueError(
                f"{self.rows[recording].path} and {source.path} are the same recording, {recording!r}: "
                "remove one of them."
            )
        rate = source.rate_hz if source.rate_hz is not None else self.rate_hz
        file = stream_of(part, source.path, self.keep, self.valid, self.only, rate)
        frames = self._in_order(file)
        self._watch(frames)
        for name, failed in file.failed.items():
            frames[failed] = np.nan
            self.n_failed[name] = self.n_failed.get(name, 0) + int(failed.sum())
        self.aside += [name for name in file.aside if name not in self.aside]
        self.n_steps += len(frames)
        self.n_missing += file.n_missing
        if rate is not None and file.stride > 1 and file.ticks.start_s is None:
            self.strided = (file.stride, rate)
        self.packed = self.packed or (None if file.packed is None else (file.path, file.packed))
        number = self.frames.append(frames, file.ticks.times_s, self.names)
        row = Row(number, len(frames), file.ticks, source.path, part.about, part.targets)
        self.rows[recording] = row

    def share(self, recording, other):
        """Give a recording the frames of another one, of the same file."""
        self.rows[recording] = self.rows[other]

    def forget(self, path):
        """Leave out the recordings of a file, which proved damaged, and return their names."""
        names = [name for name, row in self.rows.items() if row.path == path]
        for name in names:
            del self.rows[name]
        return names

    def _in_order(self, file):
        """Return the frames of a file with its columns in the order of the other files'."""
        if self._first is None:
            self._first, self.names = (file.path, file.frames.shape[1]), file.names
        path, width = self._first
        if file.frames.shape[1] != width:
            raise ValueError(
                f"{file.path} has {file.frames.shape[1]} columns per step, but {path} has {width}. All "
                "recordings have the same columns: write one of the two files again."
            )
        self._unnamed = self._unnamed or (file.path if file.names is None else None)
        if self.names is None or file.names is None or self.names == file.names:
            self.names = file.names if self.names is None else self.names
            return file.frames
        self._disordered = file.path
        odd = [name for name in file.names if name not in self.names]
        if odd:
            raise ValueError(
                f"{file.path} has the column {odd[0]!r}, but {path} has not. All recordings have the same "
                "columns: write one of the two files again."
            )
        return file.frames[:, [file.names.index(name) for name in self.names]]

    def _check_unnamed(self):
        """Warn of a file without names that goes by the order of others; refuse it where they have two."""
        if self._unnamed is None or self.names is None:
            return
        order = f"{self._unnamed} has no names of columns; others of its modality have"
        if self._disordered is not None:
            raise ValueError(
                f"{order}, and not all in one order ({self._disordered.name} has another than "
                f"{self._first[0].name}): write it with names, or all files in one order."
            )
        warnings.warn(f"{order}: its columns are taken for {quoted(self.names, limit=3)}.", stacklevel=5)

    def _watch(self, frames):
        """Keep the columns that have increased in all recordings so far: they may be counters."""
        if self._counting is None:
            names = self.names or list(range(frames.shape[1]))
            self._counting = {k: [] for k, name in enumerate(names) if str(name) not in self.keep}
        head = frames[:N_INTEGERS]
        rising = (head[1:] > head[:-1]).all(axis=0)
        self._counting = {
            k: [*values, frames[:, k].copy()] for k, values in self._counting.items() if rising[k]
        }

    @property
    def is_new(self):
        """Return whether no steps of any recording were read."""
        return self._first is None

    def counting(self):
        """Return the columns that count steadily through all recordings, unless nothing else is left."""
        if not self.rows:  # all of them were in files that are damaged
            return []
        first = np.concatenate([np.arange(row.n_steps) == 0 for row in self._distinct()])
        longest = max(row.n_steps for row in self._distinct())
        columns = [
            k
            for k, values in (self._counting or {}).items()
            if longest >= N_INTEGERS
            and len(values) == len(self._distinct())
            and counts_steadily(np.concatenate(values), first)
        ]
        return [] if len(columns) == self._first[1] else columns

    def _distinct(self):
        return list({row.number: row for row in self.rows.values()}.values())

    def column(self, recordings):
        """Return the column of sequences for some recordings.

        Parameters
        ----------
        recordings : iterable of str
            In this order; those without steps are missing.

        Returns
        -------
        SequenceArray or None
            None where frames are in a store, whose rows are put in this order.
        """
        self._check_unnamed()
        dropped = self.counting()
        names = self.names or [f"column {k}" for k in range(self._first[1])]
        self.aside += [names[k] for k in dropped]
        if self.names is not None:
            self.names = [name for k, name in enumerate(self.names) if k not in dropped]
        rows = [self.rows.get(name) for name in recordings]
        return self.frames.column(rows, dropped, self.names, self.rate_hz)


def clock(rows, starts, n_frames, rate_hz=None):
    """Return the clock of a column of sequences, given that of each of its rows.

    Parameters
    ----------
    rows : list of Row or None
    starts : ndarray of int or None
        Where the frames of each number of row begin.
    n_frames : int
    rate_hz : float, optional
        Steps per second of rows that do not say.

    Returns
    -------
    dict
        Parameters of `SequenceArray`: rate_hz, and start_s where a row begins later, or times_s.
    """
    present = [row for row in rows if row is not None]
    if any(row.ticks.times_s is not None for row in present):
        if starts is None:  # a store has them already
            return {}
        times = np.full((n_frames, 2), np.nan)
        for row in present:
            times[starts[row.number] : starts[row.number] + row.n_steps] = _times(row)
        return {"times_s": times}
    rates = _rates([row.ticks.rate_hz if row.ticks.rate_hz is not None else rate_hz for row in present])
    if rates is None:
        _check_rates(present, rate_hz)
        _check_no_starts(present)
        return {}
    begins = np.array([row.ticks.start_s or 0.0 if row is not None else 0.0 for row in rows])
    if not np.isscalar(rates):
        of_rows = iter(rates)
        rates = np.array([np.nan if row is None else next(of_rows) for row in rows])
    return {"rate_hz": rates} | ({"start_s": begins} if begins.any() else {})


def _check_no_starts(rows):
    """Refuse to drop when a recording begins because its steps have no rate."""
    late = next((row for row in rows if row.ticks.start_s), None)
    if late is not None:
        raise ValueError(
            f"{late.path} begins at {late.ticks.start_s:g} s, but the steps of its modality have no rate, or "
            "not all: say rate_hz (--rate), or, in recordings.csv, rate_hz for each row."
        )


def _rates(rates):
    """Return one rate if all that are known are the same, those of rows if all are known, else None."""
    known = {rate for rate in rates if rate is not None}
    if len(known) == 1:
        return known.pop()
    return rates if known and None not in rates else None


def _check_rates(rows, rate_hz):
    """Refuse files without a clock beside files of different rates, which would all lose theirs."""
    rates = {row.ticks.rate_hz for row in rows}
    if rate_hz is None and None in rates and len(rates) > 2:
        bare = next(row for row in rows if row.ticks.rate_hz is None)
        raise ValueError(
            f"{bare.path} has no clock, but other files of its modality have different rates: say rate_hz of "
            "each recording in a table recordings.csv, or write a clock into the file."
        )


def _times(row):
    if row.ticks.times_s is not None:
        return row.ticks.times_s
    if row.ticks.rate_hz is None:
        raise ValueError(f"{row.path} has no times, but other files of its modality have: add them.")
    begin = (row.ticks.start_s or 0.0) + np.arange(row.n_steps) / row.ticks.rate_hz
    return np.column_stack([begin, begin + 1 / row.ticks.rate_hz])
