"""Requirements of regressors on data before they train: lengths, rates and labels that agree."""

from itertools import combinations

import numpy as np

from avfusion.sequences._callers import permuting_tool
from avfusion.sequences._cell_arrays import name_remedy
from avfusion.sequences._messages import brief, quoted

ONE_BASE = "Bring them onto one time base with avfusion.Align(rate_hz=...)."
IN_STEP = "This estimator reads its streams in step"


def choose_modalities(data, modalities):
    """Return the names of the chosen sequence columns (all, where `modalities` is None).

    Parameters
    ----------
    data : Recordings
    modalities : str, iterable of str or None

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If one is no sequence column, none is chosen, or one twice.
    """
    present = list(data.columns)
    if modalities is None:
        return present
    chosen = list(modalities) if np.iterable(modalities) and not isinstance(modalities, str) else [modalities]
    for name in chosen:
        if name in data.frame.columns and name not in present:
            raise ValueError(
                f"Column {name!r} has dtype {data.frame[name].dtype}, not sequences. "
                "avfusion.as_sequences makes a sequence column."
            )
        if name not in present:
            raise ValueError(
                f"X has no modality {name!r}; its sequence columns are {quoted(present)}"
                f"{name_remedy(data.frame.columns)}."
            )
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"modalities={brief(modalities)} must name one or more different sequence columns.")
    return chosen


def aligned_lengths(data, spec, why=IN_STEP):
    """Return the number of steps of each row, which all its present streams must share; (n_rows,) int64.

    A row whose streams in step are all absent, but not all others, is as long as its labels. Without labels
    the others determine it: by their duration where rates are declared, by their number of steps where they
    are `companions`. Where nothing does, it is one unobserved step for a clip, and an error where there is a
    prediction for each frame.

    Parameters
    ----------
    data : Recordings
        The labels among them come first.
    spec : DataSpec
        Of `fit`: which streams are in step, their rate where they declare none here, their companions.
    why : str
        Why the streams must be of one length, for the error.

    Raises
    ------
    ValueError
        If lengths or rates differ, or the length of a row is unknown or 0.
    """
    check_same_clock(data, spec.in_step)
    lengths = _common_lengths(data, spec.in_step, why)
    others = {name: array for name, array in data.columns.items() if name not in spec.in_step}
    given = None if data.targets is None else data.targets.lengths
    if given is not None and others:
        witnessed = np.any([array.lengths >= 0 for array in others.values()], axis=0)
        lengths = np.where((lengths < 0) & witnessed, given, lengths)
    rate_hz = common_rate(data, spec.in_step) or spec.rate_hz
    for name, other in others.items():
        decides = (lengths < 0) & (other.lengths >= 0)
        if None not in (rate_hz, other.rate_hz):
            steps = np.maximum(np.rint(other.lengths * (rate_hz / other.rate_hz)), np.sign(other.lengths))
            lengths = np.where(decides, steps.astype(np.int64), lengths)
        elif name in spec.companions:
            lengths = np.where(decides, other.lengths, lengths)
    if spec.per_frame:
        _check_known(data, lengths, others, spec)
    lengths = np.where(lengths < 0, 1, lengths)
    for row in np.flatnonzero(lengths == 0):
        raise ValueError(f"The streams have no step in {data.row_name(row)}. Drop the row.")
    return lengths


def _check_known(data, lengths, others, spec):
    for row in np.flatnonzero(lengths < 0):
        present = [name for name, array in others.items() if array.lengths[row] >= 0]
        hint = (
            f"; or declare rates in Hz, so that the duration of {quoted(present)} determines it"
            if present
            else ""
        )
        raise ValueError(
            f"All streams are absent in {data.row_name(row)} (columns {quoted(spec.in_step)}), so the "
            f"number of its steps is unknown. Drop the row{hint}."
        )


def companions(data, names):
    """Return the other streams that are as long as the chosen ones in every row that has both.

    Parameters
    ----------
    data : Recordings
    names : list of str
        The chosen streams, in step with each other.

    Returns
    -------
    tuple of str
        A stream that shares no row with them is none.
    """
    lengths = np.max([data.columns[name].lengths for name in names], axis=0)
    found = []
    for name, array in data.columns.items():
        both = (array.lengths >= 0) & (lengths >= 0)
        if name not in names and both.any() and (array.lengths == lengths)[both].all():
            found.append(name)
    return tuple(found)


def check_durations(data, names):
    """Raise where streams that declare their rates last clearly longer or shorter than others of their row.

    Differences of up to 10 % or two steps of the slower stream are tolerated.
    """
    declared = {name: data.columns[name] for name in names if data.columns[name].rate_hz is not None}
    for (one, array), (other, other_array) in combinations(declared.items(), 2):
        rate, other_rate = array.rate_hz, other_array.rate_hz
        lengths, other_lengths = array.lengths, other_array.lengths
        durations, others = lengths / rate, other_lengths / other_rate
        allowed = np.maximum(0.1 * np.maximum(durations, others), 2 / min(rate, other_rate))
        wrong = (lengths > 0) & (other_lengths > 0) & (np.abs(durations - others) > allowed)
        for row in np.flatnonzero(wrong):
            raise ValueError(
                f"Streams of {data.row_name(row)} do not cover the same stretch of time: {one!r} has "
                f"{lengths[row]} steps of {rate:g} Hz, which are {durations[row]:.4g} s, {other!r} "
                f"{other_lengths[row]} of {other_rate:g} Hz, which are {others[row]:.4g} s. Correct the "
                "rates, or bring them onto one base with avfusion.Align(rate_hz=...)."
            )


def streams_in_step(data, names):
    """Return the streams that have a step for each label, in every row where there are both."""
    given = data.targets.lengths
    clashes = {}
    for name in names:
        own = data.columns[name].lengths
        unlike = np.flatnonzero((own >= 0) & (given >= 0) & (own != given))
        if len(unlike):
            clashes[name] = unlike[0]
    in_step = tuple(name for name in names if name not in clashes)
    if not in_step:
        where = "; ".join(
            f"{name!r} has {data.columns[name].lengths[row]} steps and y {given[row]} labels in "
            f"{data.row_name(row)}"
            for name, row in clashes.items()
        )
        raise ValueError(
            f"No stream is in step with the labels: {where}. Bring one to their rate with "
            "avfusion.Align(rate_hz=...), or pair both by time with avfusion.pair(X, y, ...)."
        )
    return in_step


def longest_lengths(data, names):
    """Return the number of steps of each row's longest stream, 1 where all are absent; (n_rows,) int64."""
    lengths = np.max([data.columns[name].lengths for name in names], axis=0)
    return np.where(lengths < 0, 1, lengths)


def lengths_by_stream(data, names, lengths):
    """Return the number of steps that each row has in each stream; an absent one is as long as its row.

    None where all streams are in step.
    """
    own = {}
    for name in names:
        given = data.columns[name].lengths
        for row in np.flatnonzero(given == 0):
            raise ValueError(
                f"The stream {name!r} has no step in {data.row_name(row)}. Drop the row, or make the "
                "stream absent there (None)."
            )
        own[name] = np.where(given < 0, lengths, given)
    return None if all((steps == lengths).all() for steps in own.values()) else own


def check_same_clock(data, names):
    """Raise where streams that have to be in step declare different rates, starts or times."""
    columns = {name: data.columns[name] for name in names}
    rates = {name: column.rate_hz for name, column in columns.items() if column.rate_hz is not None}
    if len(set(rates.values())) > 1:
        declared = ", ".join(f"{name!r} {rate:g} Hz" for name, rate in rates.items())
        raise ValueError(f"The streams have different rates ({declared}). {ONE_BASE}")
    for name, column in columns.items():
        if column.dtype.clock == "rates":
            low, high = np.nanmin(column.rates_hz), np.nanmax(column.rates_hz)
            raise ValueError(f"The rows of {name!r} have different rates, {low:g} to {high:g} Hz. {ONE_BASE}")
    _check_same_starts(data, columns)
    _check_same_times(data, columns)


def _check_same_starts(data, columns):
    """Raise where streams of a row begin at different times; one that does not say when begins at 0."""
    starts = {n: c.starts_s for n, c in columns.items() if c.dtype.clock is None and c.rate_hz is not None}
    if not any((~np.isnan(values)).any() for values in starts.values()):
        return
    first = next(iter(starts))
    for name, values in starts.items():
        both = ~(columns[name].isna() | columns[first].isna())
        apart = np.abs(np.nan_to_num(values) - np.nan_to_num(starts[first])) * columns[first].rate_hz
        for row in np.flatnonzero(both & (apart > 0.5)):
            raise ValueError(
                f"Streams of {data.row_name(row)} begin at different times: {first!r} at "
                f"{np.nan_to_num(starts[first][row]):g} s, {name!r} at {np.nan_to_num(values[row]):g} s. "
                f"{ONE_BASE}"
            )


def _check_same_times(data, columns):
    """Raise where streams whose steps have times of their own do not have the same."""
    timed = {name: column for name, column in columns.items() if column.dtype.clock == "times"}
    others = [name for name, column in columns.items() if column.rate_hz is not None]
    if timed and others:
        raise ValueError(
            f"{next(iter(timed))!r} has a time for each step, {others[0]!r} has "
            f"{columns[others[0]].rate_hz:g} Hz. {ONE_BASE}"
        )
    first = next(iter(timed), None)
    for name in timed:
        for row in np.flatnonzero(~(timed[name].isna() | timed[first].isna())):
            if not np.array_equal(timed[name][row].times_s, timed[first][row].times_s):
                raise ValueError(
                    f"The steps of {first!r} and {name!r} are at different times in {data.row_name(row)}. "
                    f"{ONE_BASE}"
                )


def _common_lengths(data, names, why):
    lengths = np.full(len(data), -1)
    owner = np.full(len(data), None, dtype=object)
    for name in names:
        own = data.columns[name].lengths
        clash = np.flatnonzero((own >= 0) & (lengths >= 0) & (own != lengths))
        if len(clash):
            row = clash[0]
            remedy = permuting_tool() or (
                f"{why}: bring them onto one time base with avfusion.Align(rate_hz=...)."
            )
            raise ValueError(
                f"Unequal lengths in {data.row_name(row)}: {owner[row]!r} has {lengths[row]} steps, "
                f"{name!r} has {own[row]}. {remedy}"
            )
        owner[own >= 0] = name
        lengths = np.where(own >= 0, own, lengths)
    return lengths


def common_rate(data, names):
    """Return the rate in Hz that the streams declare, None if none does; streams in step have one."""
    return max((data.columns[n].rate_hz for n in names if data.columns[n].rate_hz is not None), default=None)


def check_label_rate(data, names):
    """Raise where labels per frame declare another rate than the streams."""
    stream_rate, clock = common_rate(data, names), data.targets.clock
    if stream_rate is None or clock is None:
        return
    for rate in np.unique(clock.rates_hz[~np.isnan(clock.rates_hz)]):
        if rate != stream_rate:
            raise ValueError(
                f"The labels have {rate:g} Hz, the streams {stream_rate:g} Hz. Bring the streams to the rate "
                f"of the labels with avfusion.Align(rate_hz={rate:g})."
            )


def check_rate(data, names, fitted_rate_hz):
    """Raise where the streams declare another rate than in `fit`: a model knows steps, not seconds."""
    rate = common_rate(data, names)
    if None not in (rate, fitted_rate_hz) and rate != fitted_rate_hz:
        raise ValueError(
            f"The streams have {rate:g} Hz, but they had {fitted_rate_hz:g} Hz in fit. Bring them to that "
            f"rate with avfusion.Align(rate_hz={fitted_rate_hz:g})."
        )


def check_labelled(labels, names):
    """Raise where a target has no label at all."""
    for column in np.flatnonzero(np.isnan(labels).all(axis=0)):
        raise ValueError(f"Nothing is labelled: {names[column]} in y is NaN everywhere.")


def check_observed(observed, name):
    """Raise unless a stream is observed somewhere."""
    if not observed:
        raise ValueError(
            f"Stream {name!r} is never observed in the training rows: it is absent, or NaN throughout. Leave "
            "it out with modalities=..., or train on rows that have it."
        )


def check_same_modalities(chosen, fitted, remedy):
    """Raise where other streams are chosen than those of the last fit, from which training goes on.

    Parameters
    ----------
    chosen : str, iterable of str or None
    fitted : iterable of str
    remedy : str
        What to do about it.
    """
    chosen = [chosen] if isinstance(chosen, str) else chosen
    if chosen is not None and set(chosen) != set(fitted):
        raise ValueError(
            f"{quoted(chosen)} are chosen, but the last fit, from which training goes on, had "
            f"{quoted(fitted)}. {remedy}"
        )


def check_same_members(n_members, n_fitted, remedy):
    """Raise where an average of networks is to have another number of them than in the last fit."""
    if n_fitted != n_members:
        raise ValueError(
            f"n_members={n_members}, but the last fit, from which training goes on, had {n_fitted}. {remedy}"
        )


def check_same_targets(form, fitted, name, remedy=""):
    """Raise unless labels have the form and, where several have names, the order of those in `fit`.

    Parameters
    ----------
    form, fitted : TargetForm
        Of these labels, and of those in `fit`.
    name : str
        What the labels are called.
    remedy : str
        What to do about targets of another kind.
    """
    if (form.per_frame, form.n_targets) != (fitted.per_frame, fitted.n_targets):
        kinds = [f"{f.n_targets} target(s) per {'frame' if f.per_frame else 'clip'}" for f in (form, fitted)]
        raise ValueError(f"{name} has {kinds[0]}, but in fit y had {kinds[1]}. {remedy}".rstrip())
    named = None not in (form.names, fitted.names) and form.n_targets > 1
    if named and form.target_names != fitted.target_names:
        raise ValueError(
            f"{name} has the targets {quoted(form.target_names)}, but in fit they were "
            f"{quoted(fitted.target_names)}, in this order. Give the same columns in the same order."
        )
