"""Describe recordings, or a saved model, as text."""

import numpy as np
import pandas as pd

from avfusion.sequences import as_targets, sequence_columns
from avfusion.sequences._label_markers import marker_message
from avfusion.sequences._messages import row_name
from avfusion.sequences._recording_checks import first_infinite


def describe_recordings(recordings, notes=()):
    """Describe recordings: modalities, targets and metadata, a table each, and what to look at.

    Parameters
    ----------
    recordings : Recordings
        What to describe.
    notes : iterable of str
        What was said when they were read, such as which columns were set aside.

    Returns
    -------
    str

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> text = describe_recordings(read_recordings("synthetic", options={"n_recordings": 3}))
    >>> print(text.split("Targets")[0])
    synthetic: 3 recordings
    <BLANKLINE>
    Modalities
    name   width  rate    dtype  steps: min median max   total absent NaN frames partly NaN NaN values
    audio      6 10 Hz  float32 ...
    """
    X, y = recordings.X, recordings.y
    modalities = sequence_columns(X)
    parts = [
        f"{recordings.name}: {len(X)} recording{'s' if len(X) != 1 else ''}",
        _block("Modalities", pd.DataFrame([_stream(name, X[name].array) for name in modalities])),
        "No targets (in a Parquet or Feather file, --target says which columns are)."
        if y is None
        else _block("Targets", _targets(y)),
    ]
    if recordings.metadata:
        lines = [_column(name, X[name]) for name in recordings.metadata]
        parts.append(_block("Metadata", pd.DataFrame(lines)))
    notes = [*notes, *_infinite(recordings), *_markers(y)]
    if notes:
        parts.append("\n- ".join(["Notes", *dict.fromkeys(notes)]))
    return "\n\n".join(parts)


def describe_model(path, header):
    """Describe a saved model by its header.

    Parameters
    ----------
    path : path-like
        The file.
    header : dict
        Its header, from `avfusion.persistence.read_header`.

    Returns
    -------
    str

    Examples
    --------
    >>> header = {"estimator": "FrameRegressor()", "modalities": None, "versions": {"python": "3.11.0"},
    ...           "targets": {"names": ["arousal"], "per_frame": True}}
    >>> print(describe_model("ridge.model", header))
    ridge.model: a model saved by avfusion
    Estimator: FrameRegressor()
    Reads: not known
    Predicts: arousal, per frame
    Versions: python 3.11.0
    """
    streams, targets = header["modalities"], header["targets"]
    reads = "not known"
    if streams is not None:
        reads = ", ".join(
            f"{name} ({stream['width']} features{_at(stream['rate_hz'])})" for name, stream in streams.items()
        )
    kind = {True: ", per frame", False: ", per clip", None: ""}[targets["per_frame"]]
    return "\n".join(
        [
            f"{path}: a model saved by avfusion",
            f"Estimator: {header['estimator']}",
            f"Reads: {reads}",
            f"Predicts: {', '.join(targets['names'] or ['not known'])}{kind}",
            f"Versions: {', '.join(f'{name} {number}' for name, number in header['versions'].items())}",
        ]
    )


def _block(title, table):
    return f"{title}\n{table.to_string(index=False, na_rep='')}"


def _at(rate_hz):
    return "" if rate_hz is None else f" at {rate_hz:g} Hz"


def _share(part, whole):
    return f"{100 * part / whole:.3g} %" if whole else "-"


def _lengths(lengths):
    present = lengths[lengths >= 0]
    return f"{present.min()} {np.median(present):g} {present.max()}" if len(present) else "-"


def _duration(n_steps, rate_hz):
    if rate_hz is None:
        return f"{n_steps} steps"
    seconds = round(n_steps / rate_hz)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _stream(name, array):
    lengths = array.lengths
    n_steps = int(np.maximum(lengths, 0).sum())
    missing = np.zeros(3, dtype=np.int64)  # steps with any NaN, with nothing else, and values
    for start, n in zip(array.starts[lengths > 0], lengths[lengths > 0]):
        # row by row, so that memory-mapped frames are never all in memory
        nan = np.isnan(array.frames[start : start + n])
        missing += [nan.any(axis=1).sum(), nan.all(axis=1).sum(), nan.sum()]
    return {
        "name": name,
        "width": array.width,
        "rate": "unknown" if array.rate_hz is None else f"{array.rate_hz:g} Hz",
        "dtype": array.dtype.subtype.name,
        "steps: min median max": _lengths(lengths),
        "total": _duration(n_steps, array.rate_hz),
        "absent": _share(int((lengths < 0).sum()), len(array)),
        "NaN frames": _share(missing[1], n_steps),
        "partly NaN": _share(missing[0] - missing[1], n_steps),
        "NaN values": _share(missing[2], n_steps * array.width),
    }


def _infinite(recordings):
    """Yield a line for each column with infinite values, which estimators refuse."""
    tables = {"column": recordings.X, "target": recordings.y}
    for kind, table in tables.items():
        table = pd.DataFrame() if table is None else pd.DataFrame(table)
        for name in sequence_columns(table):
            found = first_infinite(table[name].array)
            if found is not None:
                n_infinite = sum(int(np.isinf(cell.frames).sum()) for cell in table[name].dropna())
                yield (
                    f"The {kind} {name!r} holds infinite values, {n_infinite} in all, first in "
                    f"{row_name(found[0], table.index)}, step {found[1]}. Replace them, or set them to NaN."
                )


def _markers(y):
    """Yield a line of what looks like a marker for "no label"."""
    targets = None if y is None else as_targets(y)
    message = None if y is None else marker_message(targets.values, targets.form.target_names)
    if message is not None:
        yield message


def _targets(y):
    targets = as_targets(y)
    rates = [getattr(dtype, "rate_hz", None) for dtype in targets.form.dtypes]
    rates = [rate for rate, width in zip(rates, targets.form.widths) for _ in range(width)]
    lines = []
    for name, rate, values in zip(targets.form.target_names, rates, targets.values.T):
        known = values[~np.isnan(values)]
        line = {"name": name, "per": "frame" if targets.form.per_frame else "clip"}
        if targets.form.per_frame:
            line["rate"] = "unknown" if rate is None else f"{rate:g} Hz"
            line["steps: min median max"] = _lengths(targets.lengths)
        numbers = [known.min(), known.mean(), known.max(), known.std()] if len(known) else [np.nan] * 4
        line |= {label: f"{number:.3g}" for label, number in zip(("min", "mean", "max", "std"), numbers)}
        lines.append(line | {"unlabelled": _share(len(values) - len(known), len(values))})
    return pd.DataFrame(lines)


def _column(name, column):
    values = column.dropna().unique()
    shown = ", ".join(str(value) for value in values[:4]) + (", ..." if len(values) > 4 else "")
    return {
        "name": name,
        "dtype": str(column.dtype),
        "different values": len(values),
        "missing": _share(int(column.isna().sum()), len(column)),
        "values": shown,
    }
