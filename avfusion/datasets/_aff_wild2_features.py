"""Features of the videos of Aff-Wild2: by frame number, or at a rate of their own."""

import re
import warnings

import numpy as np
import pandas as pd

from avfusion.datasets._layout import Source
from avfusion.datasets._streams import InMemory, Stream
from avfusion.formats._format import Part
from avfusion.formats._registry import DamagedFileError, format_of, read_parts, split_name
from avfusion.sequences import SequenceArray
from avfusion.sequences._messages import quoted

PERSON = re.compile(r"_(left|right)$")
SETS = ("Train_Set", "Validation_Set", "Test_Set")
_NUMBER = re.compile(r"(?:^|\D)(\d+)$")
N_MORE, SHARE_MORE = 50, 0.1  # steps, and share of them, that streams may differ from frames without a rate


def sound_of(name):
    """Return the name of the video of a person.

    Examples
    --------
    >>> sound_of("video2_left"), sound_of("video1")
    ('video2', 'video1')
    """
    return PERSON.sub("", name)


def feature_folders(folder, features, annotations):
    """Return the folder of each modality.

    Parameters
    ----------
    folder : pathlib.Path
    features : dict of str to path, or None
    annotations : pathlib.Path
        Not one of them.

    Returns
    -------
    dict of str to pathlib.Path

    Raises
    ------
    ValueError
        If one is no folder, or there is none.
    """
    if features is None:
        inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and path != folder]
        others = [path for path in inside if path != annotations and path not in annotations.parents]
        found = {path.name: path for path in others if not path.name.startswith(".") and sources_in(path)}
    else:
        found = {name: folder / path for name, path in features.items()}
    for name, path in found.items():
        if not path.is_dir():
            raise ValueError(f"features[{name!r}]: there is no folder {path}.")
    if not found:
        raise ValueError(
            f"{folder} holds no features: put a folder for each modality beside the annotations, with a file "
            "for each video, or name them, features={'video': ...}."
        )
    return found


def sources_in(folder):
    """Return what holds the features of each video: a file, or a folder with a file for each frame.

    Parameters
    ----------
    folder : pathlib.Path
        Of a modality; perhaps with the folders of the sets in it.

    Returns
    -------
    dict of str to pathlib.Path
    """
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            inner = sources_in(path) if path.name in SETS else {path.name: path} if _has_frames(path) else {}
        else:
            inner = {split_name(path.name)[0]: path} if format_of(path) is not None else {}
        twice = [name for name in inner if name in found]
        if twice:
            raise ValueError(
                f"{found[twice[0]]} and {inner[twice[0]]} are the same video: remove one of them."
            )
        found |= inner
    return found


def _has_frames(folder):
    return any(format_of(path) is not None for path in folder.iterdir() if not path.name.startswith("."))


class _Padded(InMemory):
    """Frames of which each recording has at least as many as the video; those too many are NaN."""

    n_frames = 0

    def append(self, frames, times_s=None, names=None):
        short = self.n_frames - len(frames)
        if short > 0:
            frames = np.concatenate([frames, np.full((short, frames.shape[1]), np.nan)])
        return super().append(frames)


def read_features(modality, folder, lengths, rate_hz, fps, asked):
    """Read the features of one modality.

    Parameters
    ----------
    modality : str
    folder : pathlib.Path
    lengths : dict of str to int or None
        The frames of each person's video, where known, in the order of the rows.
    rate_hz : float or None
        Steps per second; None where each video frame has a step.
    fps : float, ndarray or None
        Video frames per second.
    asked : dict
        valid and keep, as in `load_folder`.

    Returns
    -------
    SequenceArray

    Raises
    ------
    ValueError
        If a file cannot be read, none is of these videos, or there are many more or fewer steps than frames.
    """
    sources = sources_in(folder)
    of_person = {name: _source_of(name, sources, rate_hz) for name in lengths}
    used = {name: source for name, source in of_person.items() if source is not None}
    if not used:
        raise ValueError(
            f"{folder} holds features of {quoted(sources, limit=3) or 'no video'}, but none of "
            f"{quoted(lengths, limit=3)}: name files as the annotations are."
        )
    frames = _Padded(np.float32)
    stream, numbered = Stream(frames, rate_hz=rate_hz, **asked), set()
    for source in dict.fromkeys(used.values()):
        people = [name for name, own in used.items() if own == source]
        frames.n_frames = max([lengths[name] or 0 for name in people]) if rate_hz is None else 0
        part, by_number = _read(sources[source], max([lengths[name] or 0 for name in people]))
        stream.add(people[0], part, Source(sources[source], people[0]))
        if by_number:
            numbered.update(people)
        for name in people[1:]:
            stream.share(name, people[0])
    column = stream.column(lengths)
    if rate_hz is not None or _has_own_rate(stream, lengths, fps):
        return column
    _check_lengths(modality, stream, lengths, numbered)
    _tell_of_shared(modality, of_person)
    n_frames = [_n_frames(stream.rows.get(name), n) for name, n in lengths.items()]
    fps = column.rate_hz if fps is None else fps
    return SequenceArray(column.frames, column.starts, n_frames, fps, features=column.features)


def _source_of(name, sources, rate_hz):
    """Return the name under which the features of a person are, if there are any."""
    if name in sources:
        return name
    of_people = any(PERSON.search(other) for other in sources)
    return sound_of(name) if sound_of(name) in sources and (rate_hz is not None or not of_people) else None


def _n_frames(row, n_frames):
    return -1 if row is None else row.n_steps if n_frames is None else n_frames


def _read(path, n_frames):
    """Return the steps of a video, and whether they stand at their frame's number."""
    if path.is_dir():
        return Part(_numbered_frames(path, n_frames)), True
    parts = list(read_parts(path))
    if len(parts) != 1:
        raise ValueError(f"{path} holds {len(parts)} recordings, not one: write a file for each video.")
    by_number = isinstance(parts[0].values, pd.DataFrame) and "frame" in map(
        lambda name: str(name).lower().strip(), parts[0].values.columns
    )
    return parts[0], by_number


def _numbered_frames(folder, n_frames):
    """Return the features of a folder with a file for each frame, NaN where there is none."""
    files = {}
    for path in sorted(folder.iterdir()):
        number = _NUMBER.search(split_name(path.name)[0])
        if path.name.startswith(".") or format_of(path) is None:
            continue
        if number is None or int(number[1]) in files:
            raise ValueError(f"{path} is of no frame of its own: name files by frame, such as 00001.npy.")
        files[int(number[1])] = path
    first = min(min(files), 1)
    last, known = max(files), int(n_frames * (1 + SHARE_MORE)) + N_MORE
    if last > (known if n_frames else 4 * len(files) + 1000):
        raise ValueError(
            f"{files[last]} is frame {last}, but the video has {n_frames or 'only a few'} frames: name "
            "files by frame, such as 00001.npy."
        )
    result = None
    for number, path in files.items():
        vector = _one_frame(path)
        if result is None:
            result = np.full((last - first + 1, len(vector)), np.nan, dtype=np.float32)
        if len(vector) != result.shape[1]:
            raise ValueError(f"{path} has {len(vector)} features, but frames before it {result.shape[1]}.")
        result[number - first] = vector
    return result


def _one_frame(path):
    parts = list(read_parts(path))
    values = np.asarray(parts[0].values, dtype=np.float32) if len(parts) == 1 else np.empty((2, 2))
    if max(values.shape, default=1) != values.size:
        raise DamagedFileError(path, "A file of one frame holds its features, (features,) or (1, features).")
    return values.ravel()


def _far(n_steps, n_frames):
    return abs(n_steps - n_frames) > max(N_MORE, SHARE_MORE * n_frames)


def _differing(stream, lengths):
    """Yield name, steps and frames of the videos that have not as many of the one as of the other."""
    for name, n_frames in lengths.items():
        row = stream.rows.get(name)
        if row is not None and n_frames is not None and row.n_steps != n_frames:
            yield name, row.n_steps, n_frames


def _has_own_rate(stream, lengths, fps):
    """Return whether the files tell a rate, and it is not that of the video frames."""
    rates = [row.ticks.rate_hz for row in stream.rows.values()]
    if None in rates:
        return False
    if fps is not None:
        lowest, highest = np.min(fps) * (1 - SHARE_MORE), np.max(fps) * (1 + SHARE_MORE)
        return not all(lowest <= rate <= highest for rate in rates)
    return any(_far(*numbers) for _, *numbers in _differing(stream, lengths))


def _check_lengths(modality, stream, lengths, numbered):
    differing = [one for one in _differing(stream, lengths) if one[0] not in numbered or one[1] > one[2]]
    for name, n_steps, n_frames in differing:
        if _far(n_steps, n_frames):
            raise ValueError(
                f"{modality!r} of {name!r} has {n_steps} steps, but there are {n_frames} video frames. If "
                f"it has a rate of its own, say so: rate_hz={{{modality!r}: 100}}; if frames without a face "
                "were left out, write a column 'frame', or a file for each frame."
            )
    short = [one for one in differing if one[1] < one[2]]
    if short:
        name, n_steps, n_frames = max(short, key=lambda one: one[2] - one[1])
        warnings.warn(
            f"{modality!r} has fewer steps than there are video frames in {len(short)} of {len(lengths)} "
            f"videos (most in {name!r}: {n_steps} for {n_frames}). They are paired from the first on, the "
            "last are NaN; if frames without a face were left out, write a column 'frame'.",
            stacklevel=4,
        )


def _tell_of_shared(modality, of_person):
    shared = [name for name, source in of_person.items() if source not in (None, name)]
    if shared:
        warnings.warn(
            f"{modality!r}: {quoted(shared, limit=3)} ({len(shared)} in all) have the features of the whole "
            "video, as is right for sound, not for faces.",
            stacklevel=4,
        )
