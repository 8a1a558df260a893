"""Find the recordings in named arrays: archives, MATLAB files, HDF5 groups and pickled dicts alike.

Names decide where there are conventional ones (`_names`); where two readings are possible, none is taken.
"""

from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from avfusion.formats._batches import is_batch, parts_of_batch
from avfusion.formats._contents import contents_of, is_array, scalar_of
from avfusion.formats._format import Part
from avfusion.formats._names import ROLES, is_a, plain, stream_of, target_name
from avfusion.formats._steps import part_of, texts_of
from avfusion.sequences._messages import brief, quoted

DEEPEST = 8  # mappings in mappings
N_GROUPS = 100  # that are looked at for what their names are


@dataclass(frozen=True)
class Place:
    """Where in a file a mapping stands, and what the mappings around it say.

    Parameters
    ----------
    stem : str
        Name of the file without its suffix.
    recording, stream : str, optional
    about, about_of, targets : dict
        Of all recordings; of each.
    rate_hz, start_s : float, optional
    arrays_are : str, optional
        What arrays in groups are named after, as their neighbours show: "recordings" or "streams".
    depth : int, default=0

    Examples
    --------
    >>> Place("clips").recording is None
    True
    """

    stem: str
    recording: str | None = None
    stream: str | None = None
    about: dict = field(default_factory=dict)
    about_of: dict = field(default_factory=dict)
    targets: dict = field(default_factory=dict)
    rate_hz: float | None = None
    start_s: float | None = None
    arrays_are: str | None = None
    depth: int = 0

    def within(self, found, **changes):
        """Return the place of a mapping in this one."""
        if self.depth >= DEEPEST:
            raise ValueError(f"It holds groups in groups, more than {DEEPEST} deep.")
        own = {key: value for key in ("rate_hz", "start_s") if (value := getattr(found, key)) is not None}
        about = self.about | changes.pop("about", {})
        return replace(self, depth=self.depth + 1, about=about, **own | changes)

    def of_recording(self, name):
        """Return the changes for a recording of this name in the place."""
        return {"recording": name if self.recording is None else f"{self.recording}_{name}"}

    @property
    def is_of_one_stream(self):
        """True if the place or the file is named after a stream: arrays in it are recordings."""
        named = stream_of(self.stem) is not None or ROLES.get(plain(self.stem)) == "labels"
        return self.stream is not None or (named and self.recording is None)

    def known(self, found):
        """Return the fields of a part that stands here."""
        numbers = {target_name(name): scalar_of(value) for name, value in found.labels.items()}
        own = {name: number for name, number in numbers.items() if number is not None}
        return {
            "recording": self.recording,
            "stream": self.stream,
            "rate_hz": self.rate_hz if found.rate_hz is None else found.rate_hz,
            "start_s": self.start_s if found.start_s is None else found.start_s,
            "about": self.about | self.about_of.get(self.recording, {}) | found.about,
            "targets": self.targets.get(self.recording, {}) | own,
        }


def parts_of(mapping, stem, place=None):
    """Find the recordings of a mapping.

    Parameters
    ----------
    mapping : mapping of str to object
        Arrays, read or not; lists of arrays; mappings, numbers and words.
    stem : str
        Name of the file without its suffix, by which recordings without a name are numbered.
    place : Place, optional
        Where the mapping stands in the file.

    Yields
    ------
    Part

    Raises
    ------
    ValueError
        If there are no recordings, or what is there has more than one reading.

    Notes
    -----
    One array is the stream of the recording that the file is named after. Of several, each is a recording if
    they have features in common, and names of their own; a modality, if their names are those of modalities
    (``audio``, ``video``); a target, if they are called ``valence`` and ``arousal``. Groups are recordings,
    modalities or partitions (``train``), by their names; those within a recording are named after both.

    Examples
    --------
    >>> arrays = {"clip01": np.zeros((3, 2)), "clip02": np.zeros((5, 2))}
    >>> [(part.recording, part.n_steps) for part in parts_of(arrays, "features")]
    [('clip01', 3), ('clip02', 5)]
    """
    place = Place(stem) if place is None else place
    found = contents_of(mapping)
    groups = {name: group for name, group in found.groups.items() if not is_a("aside", name)}
    if groups or not (found.arrays or found.ragged):
        found.groups = groups or found.groups
    else:
        found.groups = {}
    if found.groups or any(map(_has_arrays, found.labels.values())):
        yield from _parts_of_groups(found, place)
    elif is_batch(found):
        yield from parts_of_batch(found, place)
    elif len(found.arrays) == 1:
        yield from _parts_of_stream(found, place)
    elif found.arrays:
        yield from _parts_of_several(found, place)
    elif any(is_array(value) for value in found.labels.values()):
        yield from _parts_of_labels(found, place, None)
    elif ROLES.get(plain(place.stem)) == "labels" and _are_numbers(found.about):
        yield from _parts_of_numbers(found.about, place)
    else:
        raise ValueError("It holds no array of numbers.")


def _are_numbers(values):
    return bool(values) and all(isinstance(value, float) for value in values.values())


def _parts_of_numbers(values, place):
    """Yield the label of each recording, in a file called after labels, without steps."""
    for name, value in values.items():
        known = place.of_recording(name) | {"stream": "labels", "about": place.about}
        yield Part(np.empty((0, 0)), targets={"label": value}, **known)


def _parts_of_stream(found, place):
    """Yield the only stream of a recording, and its labels."""
    ((name, values),) = found.arrays.items()
    known = place.known(found)
    in_recording = place.recording is not None and place.arrays_are != "recordings"
    if place.depth and not in_recording and not _is_of_features(name):
        known = replace(place, **place.of_recording(name)).known(found)
    if place.arrays_are == "streams":
        known["stream"] = place.stream or stream_of(name) or name
    if sum(length != 1 for length in values.shape) > 2 and min(values.shape):
        raise ValueError(
            f"Its array {brief(name, 30)} has the shape {brief(tuple(values.shape))}. If the first axis "
            "counts recordings, add 'lengths' and 'ids'."
        )
    steps = _valid(values, found.mask)
    if found.either and steps.ndim == 2 and len(found.either) == len(steps) != steps.shape[1]:
        raise ValueError("Its names may be of features or of recordings: call them 'feature_names' or 'ids'.")
    yield part_of(steps, found.names or found.either, _times(found, len(steps)), **known)
    yield from _parts_of_labels(found, place, len(steps))


def _is_of_features(name):
    return ROLES.get(plain(name)) == "features" or stream_of(name) is not None


def _parts_of_labels(found, place, n_steps):
    """Yield labels per step; those of the recording as a whole are targets of its streams."""
    for value in found.labels.values():
        if is_array(value) and scalar_of(value) is None:
            values = np.asarray(value)
            times = _times(found, len(values)) if n_steps in (None, len(values)) else None
            yield part_of(values, times=times, **place.known(found) | {"stream": "labels"})


def _valid(values, mask):
    """Set steps that a mask leaves out to NaN."""
    values = np.asarray(values)
    if mask is None:
        return values
    mask = np.asarray(mask)
    if mask.size != len(values) and mask.shape != values.shape:
        raise ValueError(f"Its mask has the shape {mask.shape}, but its features {values.shape}.")
    if mask.shape != values.shape:
        mask = mask.reshape(len(values), *[1] * (values.ndim - 1))
    return np.where(mask.astype(bool), values, np.nan).astype(np.result_type(values, np.float32), copy=False)


def _times(found, n_steps):
    """Return the times of n steps, where there are so many."""
    if found.times is None:
        return None
    times = np.asarray(found.times)
    times = times.reshape(-1) if 1 in times.shape and times.size == n_steps else times
    return times if len(times) == n_steps else None


def _parts_of_several(found, place):
    arrays = found.arrays
    widths = {_width(value) for value in arrays.values()}
    streams = {name: stream_of(name) for name in arrays}
    targets = [name for name in arrays if is_a("target", name)]
    if all(streams.values()) or (place.recording is not None and len(widths) > 1):
        for name, value in arrays.items():
            known = place.known(found) | {"stream": streams[name] or name}
            yield part_of(value, None, _times(found, len(value)), **known)
        yield from _parts_of_labels(found, place, None)
    elif len(targets) == len(arrays) and len({np.size(value) for value in arrays.values()}) == 1:
        columns = np.column_stack([np.asarray(value).reshape(-1) for value in arrays.values()])
        yield part_of(columns, list(arrays), _times(found, len(columns)), **place.known(found))
    elif len(widths) == 1 and not found.labels and (place.is_of_one_stream or not _is_ambiguous(arrays)):
        for name, value in arrays.items():
            found.about = {}
            known = replace(place, **place.of_recording(name)).known(found)
            yield part_of(value, found.names or found.either, **known)
    else:
        raise ValueError(_ambiguous(arrays))


def _width(value):
    shape = [length for length in value.shape[1:] if length != 1]
    return tuple(shape)


def _is_ambiguous(arrays):
    """Return whether arrays of one width may be columns of one table, or are named by nobody."""
    if all(plain(name).startswith("arr") and plain(name)[3:].isdigit() for name in arrays):
        return True
    columns = all(len([n for n in value.shape if n != 1]) < 2 for value in arrays.values())
    return columns and len({len(value) for value in arrays.values()}) == 1


def _ambiguous(arrays):
    shapes = ", ".join(f"{brief(name, 20)} {tuple(value.shape)}" for name, value in islice(arrays.items(), 2))
    return (
        f"It holds {len(arrays)} arrays ({shapes}), which may be recordings, modalities or columns. Name one "
        "'features'."
    )


def _parts_of_groups(found, place):
    groups, aside = _set_apart(found.groups)
    if found.arrays or found.ragged:
        beside = quoted([*found.arrays, *found.ragged], limit=2)
        raise ValueError(f"It holds the arrays {beside} beside the groups {quoted(groups, limit=2)}.")
    rated = {name: values for name, values in aside.items() if is_a("target", name)}
    about = place.about_of | _by_recording({n: values for n, values in aside.items() if n not in rated})
    targets = place.targets | _by_recording(rated | found.labels)
    groups = groups | {name: value for name, value in found.labels.items() if _has_arrays(value)}
    for name, changes in _places(groups, place).items():
        inner = place.within(found, targets=targets, about_of=about, **changes)
        yield from parts_of(groups[name], place.stem, inner)


def _set_apart(groups):
    """Return the groups of frames, and those that say one thing of each recording."""
    known = [name for name in groups if _is_known(name)]
    if not known or len(known) == len(groups):
        return groups, {}
    aside = {name: group for name, group in groups.items() if name not in known and not _has_arrays(group)}
    return {name: group for name, group in groups.items() if name not in aside}, aside


def _is_known(name):
    return is_a("partition", name) or is_a("container", name) or stream_of(name) is not None


def _has_arrays(value):
    if not hasattr(value, "values"):
        return False
    return any(not isinstance(one, (str, bytes)) and scalar_of(one) is None for one in value.values())


def _by_recording(groups):
    """Return what mappings of recordings to numbers and words say of each recording."""
    found = {}
    for name, values in groups.items():
        if hasattr(values, "items") and not _has_arrays(values):
            for recording, value in values.items():
                known = texts_of([value])[0] if isinstance(value, (str, bytes)) else scalar_of(value)
                found.setdefault(str(recording), {})[target_name(name)] = known
    return found


def _places(groups, place):
    """Return what each group's name changes: its partition, its modality, nothing, or its recording."""
    if all(is_a("partition", name) for name in groups):
        return {name: {"about": {"partition": name}} for name in groups}
    streams = {name: "labels" if plain(name) in ("labels", "label") else stream_of(name) for name in groups}
    containers = [name for name in groups if is_a("container", name)]
    understood = all(stream or name in containers for name, stream in streams.items())
    if understood and len(containers) < 2 and (place.stream is None or containers):
        return {name: {"stream": stream} if stream else {} for name, stream in streams.items()}
    if place.stream is None and all(map(_is_of_recordings, islice(groups.values(), 3))):
        return {name: {"stream": name} if len(groups) > 1 else {} for name in groups}
    if len(groups) == 1 and place.recording is None and _holds_recordings(next(iter(groups.values()))):
        return {name: {} for name in groups}
    inner = _what_arrays_are(groups)
    return {name: place.of_recording(name) | {"arrays_are": inner} for name in groups}


def _what_arrays_are(groups):
    """Return what the arrays of several groups are named after, as far as that shows."""
    found = [contents_of(group).arrays for group in islice(groups.values(), N_GROUPS)]
    if any(_are_streams(arrays) for arrays in found):
        return "streams"
    alone = [next(iter(arrays)) for arrays in found if len(arrays) == 1]
    return "recordings" if len(alone) > 1 and len(set(alone)) == len(alone) else None


def _are_streams(arrays):
    return len(arrays) > 1 and (all(map(stream_of, arrays)) or len({*map(_width, arrays.values())}) > 1)


def _holds_recordings(group):
    """Return whether a group that is alone is no recording, but holds several."""
    found = contents_of(group)
    return bool(found.groups) or (len(found.arrays) > 1 and not _are_streams(found.arrays))


def _is_of_recordings(group):
    """Return whether a group holds the group "data", as computational sequences of CMU do."""
    return hasattr(group, "keys") and "data" in group.keys() and hasattr(group["data"], "keys")  # noqa: SIM118
