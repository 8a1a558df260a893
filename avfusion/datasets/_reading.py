"""The reading of all files of a folder, once each and in order, and what is noticed on the way."""

import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from avfusion._plain_file import check_plain_file, has_content
from avfusion.datasets._layout import LABELS, describe_damage, describe_passed_over, no_recordings
from avfusion.datasets._similar_names import describe_near_matches, near_matches
from avfusion.datasets._streams import InMemory, Stream
from avfusion.formats._read_ahead import read_ahead
from avfusion.formats._registry import DamagedFileError, brief_reason, split_name
from avfusion.sequences._clock import check_rate
from avfusion.sequences._messages import brief, quoted

LARGEST_RATES, MOST_NUMBERS = 1 << 20, 10_000  # bytes of rates.toml, and full stops in it
EPOCH = 1e8  # seconds, from which on a clock counts since 1970
MODALITIES = frozenset(
    [
        "audio",
        "video",
        "visual",
        "vision",
        "face",
        "faces",
        "facial",
        "text",
        "transcript",
        "speech",
        "voice",
        "sound",
        "labels",
        "label",
    ]
)


class Reading:
    """All files of a folder, read once each.

    Parameters
    ----------
    folder : pathlib.Path
    layout : Layout
        Of the folder.
    rates : dict of str to float
        Steps per second by modality, which override those of ``rates.toml``.
    skip_damaged : bool
    frames : callable, optional
        Takes the name of a modality and the dtype of its numbers, and returns where its frames are kept; by
        default in memory.

    Attributes
    ----------
    streams : dict of str to Stream
        By modality.
    labels : dict of (str or None) to Stream
        By dimension or annotator, where each has a file or a folder of its own; else under None.
    damaged : list of DamagedFileError
    lost : set of str
        Recordings of which a file is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from avfusion.datasets._layout import Layout
    >>> Reading(Path("mine"), Layout(), {}, skip_damaged=False).streams
    {}
    """

    def __init__(self, folder, layout, rates, skip_damaged, frames=None):
        self.folder, self.layout, self.skip_damaged = folder, layout, skip_damaged
        self.of_file = _rates_of(folder)
        self.given = _given_rates(rates)
        self.frames = frames or (lambda name, dtype: InMemory(dtype, name))
        self.streams, self.labels, self.damaged, self.lost = {}, {}, [], set()
        self.of_wholes = []  # name and part of recordings of which a file has labels, but no steps

    def all_files(self, for_features, for_labels):
        """Read the files of all modalities, and of labels.

        Parameters
        ----------
        for_features, for_labels : dict
            Parameters of `Stream`.

        Raises
        ------
        ValueError
            If a file is damaged, its columns are not those of the others, there are no recordings, or a rate
            is of no modality.
        """
        self.how = {False: for_features, True: for_labels}
        first, again = {}, []
        for name, source in self._jobs():
            same = (name, source.path, source.rate_hz, source.start_s)
            if same in first:
                again.append((name, source.recording, first[same][1].recording))
            else:
                first[same] = (name, source)
        for (name, source), parts in zip(first.values(), read_ahead(same[1] for same in first)):
            try:
                self._take(name, source, parts)
            except DamagedFileError as error:
                if self._is_note(name, source):
                    self.layout.passed_over[source.path] = "it is no table"
                elif self.skip_damaged:
                    self._skip(error, source)
                else:
                    raise
        for name, recording, other in again:
            stream = self._stream(name)
            if other in stream.rows:
                stream.share(recording, other)
            else:
                self.lost.add(recording)
        if not self.streams:
            raise self.damaged[0] if self.damaged else no_recordings(self.folder, self.layout)
        self._check_rates()
        self._count_from_first()
        self._check_leads()

    def _count_from_first(self):
        """Let the clocks of a recording that count since 1970 count from the first of its streams."""
        streams = [*self.streams.values(), *self.labels.values()]
        first = {}
        for stream in streams:
            for name, row in stream.rows.items():
                if row.ticks.begin_s >= EPOCH:
                    first[name] = min(row.ticks.begin_s, first.get(name, np.inf))
        for stream in streams:
            for name, begin in first.items():
                row = stream.rows.get(name)
                if row is None or row.ticks.begin_s < EPOCH:
                    continue
                if row.ticks.times_s is not None and stream.frames.written:
                    raise ValueError(
                        f"{row.path} has times since 1970 at no rate, which are not imported: subtract the "
                        "begin of the recording, or read the folder with load_folder."
                    )
                stream.rows[name] = replace(row, ticks=row.ticks.shifted(-begin))

    def _check_leads(self):
        """Refuse streams whose numbers of frames begin differently, and that have no rate to tell when."""
        first = {}
        for stream in (*self.streams.values(), *self.labels.values()):
            for name, row in stream.rows.items():
                other = first.setdefault(name, row) if row.ticks.lead else row
                if other.ticks.lead != row.ticks.lead:
                    raise ValueError(
                        f"{other.path} begins with frame {other.ticks.lead + 1}, and {row.path} with frame "
                        f"{row.ticks.lead + 1}: say rate_hz (--rate) of both, to pair them by time."
                    )

    def _jobs(self):
        for name, sources in self.layout.streams.items():
            yield from ((name, source) for source in sources)
        yield from ((None, source) for source in self.layout.containers)

    def _stream(self, name):
        """Return the stream of a modality, or of labels."""
        rate = (self.of_file | self.given).get(name)
        if name == LABELS or name.startswith(f"{LABELS}/"):
            own = name[len(LABELS) + 1 :] or None
            if own not in self.labels:
                rate = (self.of_file | self.given).get(LABELS)
                self.labels[own] = Stream(self.frames(LABELS, np.float64), rate_hz=rate, **self.how[True])
            return self.labels[own]
        if name not in self.streams:
            self.streams[name] = Stream(self.frames(name, np.float32), rate_hz=rate, **self.how[False])
        return self.streams[name]

    def _take(self, name, source, parts):
        """Take all recordings of a file."""
        for part in parts:
            recording = part.recording if part.recording is not None else source.recording
            if recording is None and part.stream is not None:  # the streams of one recording
                recording = split_name(source.path.name)[0]
            if recording is None:
                self.layout.passed_over[source.path] = "it does not name recordings"
                return
            if source.start_s is not None:
                part = replace(part, start_s=source.start_s)
            if source.rate_hz is not None and self.given.get(name, source.rate_hz) != source.rate_hz:
                raise ValueError(
                    f"rate_hz is {self.given[name]:g} for {name!r}, but recordings.csv has "
                    f"{source.rate_hz:g} for {source.recording!r}: leave one of them out."
                )
            if not part.n_steps:
                self.of_wholes.append((recording, part))
                continue
            stream = LABELS if part.stream == LABELS else name or part.stream
            if name == LABELS and part.recording is not None:  # of all recordings, a dimension in each file
                stream = f"{LABELS}/{split_name(source.path.name)[0]}"
            stream = stream or split_name(source.path.name)[0]
            self._stream(stream).add(recording, part, source)

    def _is_note(self, name, source):
        """Return whether a text that is no table lies among files of another kind."""
        others = {other.path.suffix.lower() for other in self.layout.streams.get(name, ())}
        return source.path.suffix.lower() == ".txt" and len(others) > 1

    def _skip(self, error, source):
        self.damaged.append(error)
        self.lost.add(source.recording)
        for stream in (*self.streams.values(), *self.labels.values()):
            self.lost.update(stream.forget(source.path))
        self.streams = {name: stream for name, stream in self.streams.items() if not stream.is_new}
        self.labels = {name: stream for name, stream in self.labels.items() if not stream.is_new}

    def _check_rates(self):
        known = sorted({*self.streams, LABELS})
        for where, names in ((str(self.folder / "rates.toml"), self.of_file), ("rate_hz", self.given)):
            for name in names:
                if name not in known:
                    raise ValueError(f"{where} names {name!r}, but there are only {', '.join(known)}.")

    def names(self, metadata=None):
        """Return the names of the recordings.

        Parameters
        ----------
        metadata : pandas.DataFrame, optional
            The table of recordings, whose order is taken; else they are sorted.

        Returns
        -------
        pandas.Index
        """
        for stream in self.labels.values():
            for name in self.lost:
                stream.rows.pop(name, None)
        found = {name for stream in self.streams.values() for name in stream.rows} - self.lost
        self._check_not_swapped(found)
        if metadata is None:
            self._check_names()
            return pd.Index(sorted(found), name="recording")
        known = found | self.lost
        without = [name for name in metadata.index if name not in known]
        if without:
            warnings.warn(
                f"{self.folder / 'recordings.csv'} has recordings without features, which are left out: "
                f"{quoted(without, limit=3)}.",
                stacklevel=4,
            )
        return pd.Index([name for name in metadata.index if name in found], name="recording")

    def _check_not_swapped(self, found):
        """Refuse a folder for each recording, with a file for each modality."""
        swapped = {name.lower() for name in found} <= MODALITIES
        if found and swapped and not any(name.lower() in MODALITIES for name in self.streams):
            name, modality = next(iter(self.streams)), min(found)
            raise ValueError(
                f"{self.folder} has a folder for each recording ({quoted(self.streams, limit=3)}) with files "
                f"called {quoted(sorted(found), limit=3)}. It is read the other way round: put "
                f"{name}/{modality} into {modality}/{name}, or write a table recordings.csv."
            )

    def _check_names(self):
        names = {modality: set(stream.rows) for modality, stream in self.streams.items()}
        for stream in self.labels.values():
            names[LABELS] = set(stream.rows) | names.get(LABELS, set())
        pairs = near_matches(names)
        if pairs and not set.intersection(*names.values()):
            raise ValueError(f"No recording has all of {quoted(names)}: {describe_near_matches(pairs)}")
        if pairs:
            warnings.warn(describe_near_matches(pairs), stacklevel=5)

    def collect(self, what):
        """Return what files of features hold beside steps, by recording.

        Parameters
        ----------
        what : str
            "about" for metadata, "targets" for labels per clip.

        Returns
        -------
        dict of str to dict
        """
        found = {}
        for stream in self.streams.values():
            for name, row in stream.rows.items():
                found.setdefault(name, {}).update(getattr(row, what))
        for name, part in self.of_wholes:
            if name in found:
                found[name].update(getattr(part, what))
        return found

    def tell(self):
        """Warn of what was not read."""
        if self.layout.passed_over:
            warnings.warn(
                f"Not read: {describe_passed_over(self.layout.passed_over, self.folder)}.", stacklevel=4
            )
        if self.damaged:
            warnings.warn(describe_damage(self.damaged), stacklevel=4)


def _given_rates(rates):
    if not isinstance(rates, Mapping):
        raise TypeError(f"rate_hz must be a dict such as {{'audio': 25}}, not {brief(rates)}.")
    return {name: check_rate(rate) for name, rate in rates.items() if rate is not None}


def _rates_of(folder):
    path = folder / "rates.toml"
    if not has_content(path):
        return {}
    try:
        check_plain_file(path, LARGEST_RATES, what="It")
        text = path.read_text(encoding="utf-8-sig")
        if text.count(".") > MOST_NUMBERS:  # tomllib takes the square of the names in a name
            raise ValueError(f"It has more than {MOST_NUMBERS} full stops.")
        rates = tomllib.loads(text)
        return {name: check_rate(rate) for name, rate in rates.items()}
    except (TypeError, ValueError, RecursionError) as error:  # of values nested without end
        raise ValueError(
            f"{path} cannot be read: {brief_reason(error)}. It holds lines such as audio = 25."
        ) from error
