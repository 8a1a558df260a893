"""Describe recordings, or a saved model, as text."""

import numpy as np
import pandas as pd

from avfusion.cli._next_step import next_step, unlike_lengths
from avfusion.cli._stream_summary import summarize
from avfusion.sequences import as_targets, sequence_columns
from avfusion.sequences._label_markers import marker_message
from avfusion.sequences._messages import printable, quoted, row_name
from avfusion.sequences._recording_checks import first_infinite

LONG_GAP, LONG_GAP_S = 25, 1.0  # steps, or seconds, without anything observed that are worth a note


def describe_recordings(recordings, notes=(), typed=()):
    """Describe recordings: modalities, targets and metadata, a table each, notes, and the next step.

    Parameters
    ----------
    recordings : Recordings
        What to describe.
    notes : iterable of str
        What was said when they were read, such as which columns were set aside.
    typed : list of str
        Options that were given to read them, for the next command.

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
    found = {name: summarize(X[name].array) for name in modalities}
    streams = pd.DataFrame([_stream(name, X[name].array, found[name]) for name in modalities])
    parts = [
        f"{printable(recordings.name)}: {len(X)} recording{'s' if len(X) != 1 else ''}",
        _block("Modalities", streams),
        "No targets (in a Parquet or Feather file, --target says which columns are)."
        if y is None
        else _block("Targets", _targets(y)),
    ]
    if recordings.metadata:
        lines = [_column(name, X[name]) for name in recordings.metadata]
        parts.append(_block("Metadata", pd.DataFrame(lines)))
    notes = [*notes, *_infinite(recordings), *_markers(y), *_gaps(X, found), *_odd_features(X, found)]
    notes = dict.fromkeys([*notes, *filter(None, [unlike_lengths(recordings)[1]])])
    if notes:
        parts.append("\n- ".join(["Notes", *notes]))
    command = next_step(recordings, typed)
    if command is not None:
        parts.append(f"Next\n  {command}")
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
            f"{printable(name)} ({stream['width']} features{_at(stream['rate_hz'])})"
            for name, stream in streams.items()
        )
    kind = {True: ", per frame", False: ", per clip", None: ""}[targets["per_frame"]]
    versions = ", ".join(
        f"{printable(name)} {printable(number)}" for name, number in header["versions"].items()
    )
    return "\n".join(
        [
            f"{printable(path)}: a model saved by avfusion",
            f"Estimator: {_indented(header['estimator'])}",
            f"Reads: {reads}",
            f"Predicts: {', '.join(map(printable, targets['names'] or ['not known']))}{kind}",
            f"Versions: {versions}",
        ]
    )


def _indented(text):
    """Return lines of which none but the first begins a line, so that none poses as another field."""
    first, *others = text.splitlines() or [""]
    return "\n".join([first, *(line if line[:1] == " " else f"  {line}" for line in others)])


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


def _rate(array):
    if array.dtype.clock == "times":
        return "times"
    rates = array.rates_hz[array.lengths >= 0]
    if not array.dtype.timed or not len(rates):
        return "unknown"
    low, high = f"{rates.min():g}", f"{rates.max():g}"
    return f"{low} Hz" if low == high else f"{low}-{high} Hz"


def _stream(name, array, found):
    lengths, n_steps = array.lengths, found.n_steps
    line = {
        "name": name,
        "width": array.width,
        "rate": _rate(array),
        "dtype": array.dtype.subtype.name,
        "steps: min median max": _lengths(lengths),
        "total": _duration(n_steps, array.rate_hz),
        "absent": _share(int((lengths < 0).sum()), len(array)),
        "NaN frames": _share(found.n_nan_steps, n_steps),
        "partly NaN": _share(found.n_partly, n_steps),
        "NaN values": _share(found.n_nan, n_steps * array.width),
    }
    starts = array.starts_s[(lengths >= 0) & ~np.isnan(array.starts_s)]
    if len(starts) and starts.any():
        line["starts (s)"] = " ".join(dict.fromkeys(f"{value:g}" for value in (starts.min(), starts.max())))
    return line


def _gaps(X, found):
    """Yield a line for each column in which nothing was observed for a while."""
    for name, summary in found.items():
        rates = X[name].array.rates_hz
        rate = rates[summary.gap_row] if X[name].array.dtype.timed and len(rates) else np.nan
        if summary.longest_gap >= (LONG_GAP if np.isnan(rate) else LONG_GAP_S * rate):
            seconds = "" if np.isnan(rate) else f" ({summary.longest_gap / rate:.1f} s)"
            yield (
                f"The longest gap of {name!r} has {summary.longest_gap} steps{seconds}, in "
                f"{row_name(summary.gap_row, X.index)}."
            )


def _odd_features(X, found):
    """Yield a line for each column with features that are constant, or hold a marker for "nothing"."""
    for name, summary in found.items():
        array = X[name].array
        names = array.features or [f"column {k}" for k in range(array.width)]
        if summary.constant and summary.n_steps > 1:
            shown = quoted((names[k] for k in summary.constant), limit=3)
            yield (
                f"{len(summary.constant)} of {array.width} features of {name!r} are constant in all "
                f"recordings: {shown}."
            )
        if summary.markers:
            k, (value, count) = next(iter(summary.markers.items()))
            yield (
                f"{len(summary.markers)} of {array.width} features of {name!r} look like a marker for "
                '"nothing": '
                f"{names[k]} is {value:g} in {count} of {summary.n_steps} steps, far from all others. If "
                "so, write NaN in the files."
            )


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
    shown = ", ".join(printable(value) for value in values[:4]) + (", ..." if len(values) > 4 else "")
    return {
        "name": name,
        "dtype": str(column.dtype),
        "different values": len(values),
        "missing": _share(int(column.isna().sum()), len(column)),
        "values": shown,
    }
