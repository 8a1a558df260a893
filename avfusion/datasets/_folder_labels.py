"""Labels in a folder of recordings: per step or per clip, of one annotator or several."""

import re

import numpy as np
import pandas as pd

from avfusion.datasets._recording_tables import read_recording_table, warn_of_others
from avfusion.formats._csv import as_numbers
from avfusion.sequences._bookkeeping import counts_steadily, named_bookkeeping
from avfusion.sequences._messages import brief, quoted

_WORD = "(rater|annotator|annot|anno|ann|coder|judge|label+er|observer|expert|worker|evaluator|assessor)"
_RATER = re.compile(
    rf"((?P<target>.+)[ _.-])?([fm]{{1,2}}\d+|[ar]\d+|{_WORD}([ _.-]?\d+|[ _.-][a-z]))"
    rf"|{_WORD}[ _.-]?(\d+|[a-z])[ _.-](?P<rated>.+)",
    re.IGNORECASE,
)


def read_labels(folder, names, streams, rated, targets, raters):
    """Return the labels of a folder.

    Parameters
    ----------
    folder : pathlib.Path
    names : pandas.Index
        The recordings.
    streams : dict of (str or None) to Stream
        Labels per step, by dimension or annotator where each is in a file or folder of its own.
    rated : dict of str to dict
        Labels per clip that files of features hold, by recording.
    targets, raters : as in `load_folder`

    Returns
    -------
    y : pandas.DataFrame or None
    aside : list of str
        Columns that were set aside.

    Raises
    ------
    ValueError
        As `load_folder`.
    """
    per_clip = folder / "labels.csv"
    if raters not in (None, "mean"):
        raise ValueError(f"raters={brief(raters)} must be 'mean', or None.")
    streams = {own: stream for own, stream in streams.items() if stream.rows}
    if streams and per_clip.is_file():
        raise ValueError(
            f"There are labels per step in {folder / 'labels'} and per clip in {per_clip}: remove one of "
            "them."
        )
    if per_clip.is_file():
        return _per_clip(per_clip, names, targets, raters)
    if streams:
        return _per_step(folder / "labels", names, streams, targets, raters)
    if any(rated.values()):
        table = pd.DataFrame.from_dict(rated, orient="index", dtype=np.float64).reindex(names)
        values = _chosen(dict(table.items()), targets, folder)
        return pd.DataFrame(_averaged(values, targets, raters, folder), index=names), []
    return None, []


def _per_clip(path, names, targets, raters):
    table = read_recording_table(path, names)
    aside = [name for name in named_bookkeeping(table.columns) if name not in (targets or ())]
    table = table.drop(columns=aside)
    if targets is not None and set(targets) <= set(table.columns):
        table = table[list(targets)]
    values = {}
    for name, column in table.items():
        try:
            values[name] = as_numbers(column, name)
        except TypeError as error:
            raise ValueError(
                f"{path}, column {name!r}: labels are numbers. Move the column to metadata.csv."
            ) from error
    counting = [name for name in values if name not in (targets or ()) and counts_steadily(values[name])]
    if len(counting) < len(values):
        aside += counting
        values = {name: column for name, column in values.items() if name not in counting}
    _check_any(path, values, aside)
    values = _averaged(_chosen(values, targets, path), targets, raters, path)
    return pd.DataFrame(values, index=names), aside


def _per_step(folder, names, streams, targets, raters):
    columns, aside = {}, []
    for own, stream in streams.items():
        where = folder / own if own else folder
        _check_all_labelled(stream, names, where)
        warn_of_others(stream.rows, names, where)
        for name, column in _columns(stream, names, own).items():
            if name in columns:
                raise ValueError(f"{where} has labels of the name {name!r}, as another file of {folder} has.")
            columns[name] = column
        aside += [name for name in stream.aside if name not in aside]
    chosen = _chosen(columns, targets, folder)
    frames = {name: column.frames[:, 0] for name, column in chosen.items()}
    if raters is not None and len({column.lengths.tobytes() for column in chosen.values()}) > 1:
        raise ValueError(f"raters='mean', but the annotators in {folder} have not the same number of labels.")
    values = _averaged(frames, targets, raters, folder)
    clocks = {name: chosen.get(name, next(iter(chosen.values()))) for name in values}
    labels = {name: clocks[name].with_frames(values[name][:, None]) for name in values}
    return pd.DataFrame(labels, index=names), aside


def _check_all_labelled(stream, names, where):
    for name in names:
        if name not in stream.rows:
            raise ValueError(
                f"The recording {name!r} has no labels: {where / name}.csv (or .npy) is missing. Put it "
                "there, with empty cells where there is no label, or remove the recording's features."
            )


def _columns(stream, names, own):
    """Return the labels of a stream, a column for each target."""
    column = stream.column(names).pack()
    width = column.dtype.width
    targets = stream.names or (["label"] if width == 1 else [f"label {k}" for k in range(width)])
    if own is not None and width == 1:
        targets = [own if targets[0].lower() in ("label", "value", "rating", own.lower()) else targets[0]]
    plain = column.with_features(None)
    return {name: plain.with_frames(frames[:, None]) for name, frames in zip(targets, column.frames.T)}


def _check_any(path, values, aside):
    if not values:
        raise ValueError(
            f"{path} holds nothing but bookkeeping: its columns are {quoted(aside)}. Put the labels beside "
            "them, or name those in targets that are some."
        )


def _chosen(values, targets, path):
    """Return the columns that targets name; all where it is None."""
    if targets is None:
        return values
    unknown = [name for name in targets if name not in values]
    if unknown:
        raise ValueError(
            f"targets names {quoted(unknown, limit=3)}, but {path} has only the columns {quoted(values)}."
        )
    return {name: values[name] for name in targets}


def _averaged(values, targets, raters, path):
    """Average the columns of several annotators, or ask about them."""
    by_target = {}
    for name in values:
        match = _RATER.fullmatch(str(name))
        if match:
            by_target.setdefault(match["target"] or match["rated"] or "", []).append(name)
    several = {target: own for target, own in by_target.items() if len(own) > 1}
    if raters is None:
        if several and targets is None:
            own = next(iter(several.values()))
            raise ValueError(
                f"{path}: the columns {quoted(own, limit=3)} look like several annotators of one target. "
                "raters='mean' averages them (--raters mean); targets (--target) names those to predict."
            )
        return values
    if not several:
        raise ValueError(f"raters='mean', but {path} has no columns of several annotators: {quoted(values)}.")
    result = {}
    for name, column in values.items():
        target = next((target for target, own in several.items() if name in own), None)
        if target is None:
            result[name] = column
        elif name == several[target][0]:
            result[target or "label"] = _mean([values[other] for other in several[target]])
    return result


def _mean(columns):
    """Average the labels that there are."""
    known = ~np.isnan(columns)
    total = np.where(known, columns, 0.0).sum(axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(total.shape, np.nan), where=known.any(axis=0))
