"""Take arrays of many recordings apart: packed, padded, or lists, as MMSA, MFN and MulT keep them."""

import warnings

import numpy as np

from avfusion.formats._names import plain, stream_of, target_name
from avfusion.formats._steps import part_of
from avfusion.sequences._messages import brief
from avfusion.sequences._readings import pads_front

_REPEATED = "Two of its recordings have the id {}: rename one of them."
N_LOOKED_AT = 100  # recordings in which a mask is compared with what it masks


def is_batch(found):
    """Return whether the arrays of a mapping are of many recordings.

    Parameters
    ----------
    found : Contents

    Returns
    -------
    bool

    Examples
    --------
    >>> from avfusion.formats._contents import contents_of
    >>> is_batch(contents_of({"features": np.zeros((2, 5, 3)), "lengths": np.array([5, 4])}))
    True
    >>> is_batch(contents_of({"features": np.zeros((5, 3)), "id": "clip01"}))
    False
    """
    deep = [value for value in found.arrays.values() if _n_axes(value) > 2]
    if found.ragged or (found.arrays and found.lengths):
        return True
    if found.arrays and found.mask is not None and deep:
        return True
    ids = found.ids or (found.either if deep else None)
    return bool(ids) and any(len(value) == len(ids) for value in found.arrays.values())


def _n_axes(value):
    shape = value.shape
    return len(shape) if len(shape) < 3 or 1 not in shape else max(2, len([n for n in shape if n != 1]))


def parts_of_batch(found, place):
    """Yield the streams of each recording of a batch.

    Parameters
    ----------
    found : Contents
        Arrays (n, T, D) or lists of n arrays, with ``lengths`` or a mask; or arrays of all steps one after
        the other, with ``lengths``, or with an id for each step; or arrays (n, D) of one step.
    place : Place

    Yields
    ------
    Part

    Raises
    ------
    ValueError
        If the numbers of recordings or steps disagree.

    Notes
    -----
    Steps beyond the lengths are padding, in front where all of it is zero or NaN there and not behind. Where
    there are neither lengths nor a mask, the mask of the words of BERT (``text_bert[:, 1]``) is taken if all
    that it leaves out is zero; else steps at both ends that are zero in *all* modalities, if these have as
    many steps. Other zeros are kept.

    Examples
    --------
    >>> from avfusion.formats._named_arrays import Place
    >>> from avfusion.formats._contents import contents_of
    >>> packed = {"features": np.zeros((5, 3)), "lengths": np.array([3, 2])}
    >>> [(p.recording, p.n_steps) for p in parts_of_batch(contents_of(packed), Place("train"))]
    [('train_0', 3), ('train_1', 2)]
    """
    bert = found.arrays.pop("text_bert", None)
    if not (found.arrays or found.ragged):
        raise ValueError("It holds no features beside its ids and lengths.")
    _set_runs(found)
    n_rows = _n_rows(found)
    streams = {
        _stream(name, place, len(found.arrays) + len(found.ragged)): _rows_of(name, value, found, n_rows)
        for name, value in (found.arrays | found.ragged).items()
    }
    present = _present(streams, found, bert, n_rows)
    targets, labels = _labels(found, streams, n_rows)
    names = _recordings(found, place, n_rows)
    for row in range(n_rows):
        known = place.known(found) | _about_row(found, place, names, row)
        known["targets"] = place.targets.get(names[row], {}) | {n: float(v[row]) for n, v in targets.items()}
        for stream, rows in (streams | labels).items():
            steps = _cut(rows[row], present(stream, row))
            if steps is not None and len(steps):
                own = found.names or (found.either if found.ids else None) if len(streams) == 1 else None
                yield part_of(steps, own if stream not in labels else None, **known | {"stream": stream})


def _stream(name, place, n_streams):
    """Return the modality of an array; that of the place, or of the folder, where it is the only one."""
    return place.stream or (stream_of(name) or name if n_streams > 1 else stream_of(name))


def _set_runs(found):
    """Turn an id for each step into an id and a length for each recording."""
    ids = found.ids
    if ids is None or found.lengths or len(set(ids)) == len(ids) or found.ragged:
        return
    if any(_n_axes(value) > 2 for value in found.arrays.values()):
        raise ValueError(_REPEATED.format(brief(_repeated(ids))))
    begins = [k for k, name in enumerate(ids) if k == 0 or name != ids[k - 1]]
    found.ids = [ids[k] for k in begins]
    if len(set(found.ids)) < len(found.ids):
        raise ValueError(f"The steps of its recording {brief(_repeated(found.ids))} are not in one piece.")
    found.lengths[""] = np.diff([*begins, len(ids)])


def _repeated(names):
    return next(name for k, name in enumerate(names) if name in names[:k])


def _n_rows(found):
    """Return the number of recordings, on which all that counts them must agree."""
    counts = {"ids": len(found.ids)} if found.ids else {}
    counts |= {f"{name}_lengths".strip("_"): len(lengths) for name, lengths in found.lengths.items()}
    counts |= {name: len(rows) for name, rows in found.ragged.items()}
    if not counts:
        counts |= {name: len(value) for name, value in found.arrays.items() if _n_axes(value) > 2}
    if not counts and found.either:
        counts["names"] = len(found.either)
    if len(set(counts.values())) != 1:
        said = ", ".join(f"{number} by {brief(name, 30)}" for name, number in list(counts.items())[:3])
        raise ValueError(f"Its numbers of recordings disagree: {said}.")
    return next(iter(counts.values()))


def _lengths_of(name, found):
    return found.lengths.get(stream_of(name) or "", found.lengths.get(""))


def _rows_of(name, value, found, n_rows):
    """Return what is indexed by recordings: an array (n, T, D) or (n, T), or a list."""
    if isinstance(value, list):
        return value
    lengths = _lengths_of(name, found)
    packed = lengths is not None and len(value) == lengths.sum()
    if packed and _n_axes(value) < 3 and (len(value) != n_rows or set(found.lengths) == {""}):
        return np.split(np.asarray(value), np.cumsum(lengths)[:-1])
    if len(value) != n_rows:
        steps = f", and {lengths.sum()} steps by their lengths" if lengths is not None else ""
        raise ValueError(f"Its array {brief(name)} has {len(value)} rows for {n_rows} recordings{steps}.")
    value = value if hasattr(value, "__getitem__") else np.asarray(value)
    if len(value.shape) < 3 and lengths is None:
        return np.asarray(value).reshape(n_rows, 1, -1)
    return value


def _n_steps(rows):
    """Return the number of steps that each row of an array has, with its padding; None in a list."""
    return None if isinstance(rows, list) else rows.shape[1]


def _present(streams, found, bert, n_rows):
    """Return the function that says which steps of a stream exist in a row: a slice or a mask."""
    padded = {name: rows for name, rows in streams.items() if not isinstance(rows, list)}
    ends = {name: _ends(rows, name, found) for name, rows in padded.items()}
    mask = _mask_of(found, padded, n_rows)
    lone = len(padded) > 1 and mask is None and not found.lengths
    if lone and len({rows.shape[1] for rows in padded.values()}) > 1:
        warnings.warn(
            f"Arrays of several recordings have no lengths ({', '.join(map(brief, padded))}): zeros at their "
            "ends are kept. Add the lengths of each, such as audio_lengths.",
            stacklevel=2,
        )
        lone = False

    def present(stream, row):
        if ends.get(stream) is not None:
            return ends[stream][row]
        if mask is not None:
            return mask[row]
        return _without_padding([rows[row] for rows in padded.values()], bert, row) if lone else slice(None)

    return present


def _ends(rows, name, found):
    """Return a slice for each row of a padded array with lengths."""
    lengths = _lengths_of(name, found)
    if lengths is None:
        return None
    n_steps = rows.shape[1]
    if lengths.max() > n_steps:
        row = int(lengths.argmax())
        raise ValueError(f"Its row {row} has {n_steps} steps, but its length says {lengths[row]}.")
    shift = n_steps - lengths if len(rows.shape) > 2 and pads_front(rows, lengths) else 0 * lengths
    return [slice(begin, begin + length) for begin, length in zip(shift, lengths)]


def _mask_of(found, padded, n_rows):
    if found.mask is None:
        return None
    mask = np.asarray(found.mask)
    shapes = {(n_rows, rows.shape[1]) for rows in padded.values()}
    if mask.ndim == 3 and len(shapes) == 1 and mask.shape[:2] in shapes:
        mask = mask.any(axis=2)
    if {mask.shape} != shapes or not np.isin(mask, (0, 1)).all():
        raise ValueError(f"Its mask has the shape {mask.shape}, or other values than 0 and 1.")
    mask = mask.astype(bool)
    for rows in padded.values():
        looked = np.asarray(rows[:N_LOOKED_AT])
        taken, left = looked[mask[: len(looked)]], looked[~mask[: len(looked)]]
        if taken.size and left.size and not np.any(taken) and np.any(left[~np.isnan(left)]):
            raise ValueError("Its mask is True where all steps are zero, and others are not: give ~mask.")
    return mask


def _without_padding(rows, bert, row):
    """Return which steps exist where neither lengths nor a mask were given: see `parts_of_batch`."""
    empty = np.logical_and.reduce(
        [(np.nan_to_num(steps) == 0).reshape(len(steps), -1).all(1) for steps in rows]
    )
    if bert is not None and len(bert.shape) == 3 and bert.shape[1:] == (3, len(empty)):
        words = np.asarray(bert[row])[1] > 0
        if words.any() and empty[~words].all():
            return words
    kept = np.flatnonzero(~empty)
    return slice(kept[0], kept[-1] + 1) if len(kept) else slice(0, 0)


def _cut(steps, present):
    """Return the steps that exist; NaN where they do not between others."""
    if steps is None:
        return None
    steps = np.asarray(steps)
    if isinstance(present, slice):
        return steps[present]
    kept = np.flatnonzero(present)
    if not len(kept):
        return steps[:0]
    inner = slice(kept[0], kept[-1] + 1)
    steps, present = steps[inner], present[inner]
    if present.all():
        return steps
    present = present.reshape(-1, *[1] * (steps.ndim - 1))
    return np.where(present, steps, np.nan).astype(np.result_type(steps, np.float32), copy=False)


def _labels(found, streams, n_rows):
    """Return labels of recordings by target, and labels per step by row."""
    targets, per_step = {}, {}
    classes = [name for name in found.labels if plain(name).startswith("class")]
    n_steps = {steps for rows in streams.values() if (steps := _n_steps(rows)) is not None} - {1}
    for name, value in found.labels.items():
        if not hasattr(value, "shape") or (name in classes and len(found.labels) > len(classes)):
            continue
        value = np.asarray(value)
        if (
            any(isinstance(rows, list) and _agree(rows, value) for rows in streams.values())
            and len(value) != n_rows
        ):
            lengths = [len(steps) for steps in next(r for r in streams.values() if isinstance(r, list))]
            per_step["labels"] = np.split(value, np.cumsum(lengths)[:-1])
        elif len(value) != n_rows:
            raise ValueError(f"Its {brief(name)} have the shape {value.shape} for {n_rows} recordings.")
        elif value.ndim > 1 and value.shape[1] in n_steps:
            per_step["labels"] = value
        else:
            targets |= _columns(name, value.reshape(n_rows, -1))
    return targets, per_step


def _agree(rows, value):
    return all(steps is not None for steps in rows) and sum(map(len, rows)) == len(value)


def _columns(name, values):
    """Name the targets of labels (n, K)."""
    base = target_name(name)
    if values.shape[1] == 1:
        return {base: values[:, 0]}
    return {f"{base} {k}": column for k, column in enumerate(values.T)}


def _recordings(found, place, n_rows):
    """Return the names of the recordings; those of the file, numbered, where there are none."""
    ids = found.ids or (found.either if found.either and len(found.either) == n_rows else None)
    if ids is not None:
        if len(set(ids)) < len(ids):
            raise ValueError(
                f"Two of its recordings have the id {brief(_repeated(ids))}: rename one of them."
            )
        return ids
    partition = place.about.get("partition", "")
    stem = place.recording or "_".join(filter(None, (place.stem, partition)))
    return [f"{stem}_{row}" for row in range(n_rows)]


def _about_row(found, place, names, row):
    about = place.about | place.about_of.get(names[row], {}) | found.about
    about |= {name: words[row] for name, words in found.words.items() if len(words) == len(names)}
    video = found.videos[row] if found.videos else names[row].partition("$_$")[0]
    if found.videos or "$_$" in names[row]:
        about["video"] = video
    return {"recording": names[row], "about": about}
