"""What regressors ask of X and y, beyond what `avfusion.sequences._reading` asks, before they train."""

from itertools import combinations

import numpy as np

from avfusion.sequences import sequence_columns
from avfusion.sequences._reading import listed
from avfusion.sequences._target_columns import row_name


def choose_modalities(X, modalities):
    """Return the names of the chosen sequence columns (all, where `modalities` is None)."""
    present = sequence_columns(X)
    if modalities is None:
        return present
    chosen = list(modalities) if np.iterable(modalities) and not isinstance(modalities, str) else [modalities]
    for name in chosen:
        if name in X.columns and name not in present:
            raise ValueError(
                f"Column {name!r} has dtype {X[name].dtype}, not sequences. "
                "avfusion.as_sequences makes a sequence column."
            )
        if name not in present:
            raise ValueError(f"X has no modality {name!r}; its sequence columns are {listed(present)}.")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"modalities={modalities!r} must name one or more different sequence columns.")
    return chosen


IN_STEP = "This estimator reads its streams in step"


def aligned_lengths(X, names, per_frame, companions=(), rate_hz=None, given=None, why=IN_STEP):
    """Return the number of steps of each row, which all its present streams must share; (n_rows,) int64.

    A row whose chosen streams are all absent, but not all others, is as long as its labels. Without labels
    the others tell: by their duration where rates are declared, by their number of steps where they are
    `companions`. Where nothing tells it, it is one unobserved step for a clip, and an error where an answer
    per frame is due.

    Parameters
    ----------
    X : DataFrame with sequence columns
    names : list of str
        The chosen streams.
    per_frame : bool
        Whether an answer per frame is due.
    companions : collection of str
        Other streams that were in step with these in `fit`, from `companions`.
    rate_hz : float, optional
        Rate of the chosen streams in `fit`, where they declare none here.
    given : ndarray of shape (n_rows,), optional
        Number of labels of each row, -1 where there are none.
    why : str
        Why the streams must be of one length, for the error.
    """
    check_same_rate(X, names)
    lengths = _common_lengths(X, names, why)
    others = [name for name in sequence_columns(X) if name not in names]
    if given is not None:
        witnessed = np.any([X[name].array.lengths >= 0 for name in others], axis=0) if others else False
        lengths = np.where((lengths < 0) & witnessed, given, lengths)
    rate_hz = common_rate(X, names) or rate_hz
    for name in others:
        other = X[name].array
        tells = (lengths < 0) & (other.lengths >= 0)
        if None not in (rate_hz, other.rate_hz):
            steps = np.maximum(np.rint(other.lengths * (rate_hz / other.rate_hz)), np.sign(other.lengths))
            lengths = np.where(tells, steps.astype(np.int64), lengths)
        elif name in companions:
            lengths = np.where(tells, other.lengths, lengths)
    for row in np.flatnonzero(lengths < 0):
        if per_frame:
            present = [name for name in others if X[name].array.lengths[row] >= 0]
            hint = (
                f"; or declare rates in Hz, so that the duration of {listed(present)} tells it"
                if present
                else ""
            )
            raise ValueError(
                f"All streams are absent in {row_name(row, X.index)} (columns {listed(names)}), so the "
                f"number of its steps is unknown. Drop the row{hint}."
            )
        lengths[row] = 1
    for row in np.flatnonzero(lengths == 0):
        raise ValueError(f"The streams have no step in {row_name(row, X.index)}. Drop the row.")
    return lengths


def companions(X, names):
    """Return the other streams that are as long as the chosen ones in every row that has both.

    Parameters
    ----------
    X : DataFrame with sequence columns
    names : list of str
        The chosen streams, in step with each other.

    Returns
    -------
    list of str
        Where no row has both there is nothing to tell by, and the stream is none of them.
    """
    lengths = np.max([X[name].array.lengths for name in names], axis=0)
    found = []
    for name in sequence_columns(X):
        own = X[name].array.lengths
        both = (own >= 0) & (lengths >= 0)
        if name not in names and both.any() and (own == lengths)[both].all():
            found.append(name)
    return found


def check_durations(X, names):
    """Raise where streams that declare their rates last clearly longer or shorter than others of their row.

    A tenth of the longer one or two steps of the slower one are no matter.
    """
    rates = {name: X[name].array.rate_hz for name in names if X[name].array.rate_hz is not None}
    for (one, rate), (other, other_rate) in combinations(rates.items(), 2):
        lengths, other_lengths = X[one].array.lengths, X[other].array.lengths
        durations, others = lengths / rate, other_lengths / other_rate
        allowed = np.maximum(0.1 * np.maximum(durations, others), 2 / min(rate, other_rate))
        wrong = (lengths > 0) & (other_lengths > 0) & (np.abs(durations - others) > allowed)
        for row in np.flatnonzero(wrong):
            raise ValueError(
                f"Streams of {row_name(row, X.index)} do not cover the same stretch of time: {one!r} has "
                f"{lengths[row]} steps of {rate:g} Hz, which are {durations[row]:.4g} s, {other!r} "
                f"{other_lengths[row]} of {other_rate:g} Hz, which are {others[row]:.4g} s. Cut them to the "
                "same end, or mend the rates."
            )


def streams_in_step(X, names, targets):
    """Return the streams that have a step for each label, in every row where there are both."""
    given = targets.lengths
    clashes = {}
    for name in names:
        own = X[name].array.lengths
        unlike = np.flatnonzero((own >= 0) & (given >= 0) & (own != given))
        if len(unlike):
            clashes[name] = unlike[0]
    in_step = [name for name in names if name not in clashes]
    if not in_step:
        where = "; ".join(
            f"{name!r} has {X[name].array.lengths[row]} steps and y {given[row]} labels in "
            f"{row_name(row, X.index)}"
            for name, row in clashes.items()
        )
        raise ValueError(
            f"No stream is in step with the labels: {where}. At least one stream must have a step for each "
            "label: bring it to their rate with avfusion.Align(rate_hz=...), and cut both to the same end."
        )
    return in_step


def longest_lengths(X, names):
    """Return the number of steps of each row's longest stream, 1 where all are absent; (n_rows,) int64."""
    lengths = np.max([X[name].array.lengths for name in names], axis=0)
    return np.where(lengths < 0, 1, lengths)


def lengths_by_stream(X, names, lengths):
    """Return the number of steps that each row has in each stream; an absent one is as long as its row.

    None where all streams are in step.
    """
    own = {}
    for name in names:
        given = X[name].array.lengths
        for row in np.flatnonzero(given == 0):
            raise ValueError(
                f"The stream {name!r} has no step in {row_name(row, X.index)}. Drop the row, or make the "
                "stream absent there (None)."
            )
        own[name] = np.where(given < 0, lengths, given)
    return None if all((steps == lengths).all() for steps in own.values()) else own


def check_same_rate(X, names):
    """Raise where streams that have to be in step declare different rates."""
    rates = {name: X[name].array.rate_hz for name in names if X[name].array.rate_hz is not None}
    if len(set(rates.values())) > 1:
        listed = ", ".join(f"{name!r} {rate:g} Hz" for name, rate in rates.items())
        raise ValueError(
            f"The streams have different rates ({listed}). Bring them onto one time base with "
            "avfusion.Align(rate_hz=...)."
        )


def _common_lengths(X, names, why):
    lengths = np.full(len(X), -1)
    owner = np.full(len(X), None, dtype=object)
    for name in names:
        own = X[name].array.lengths
        clash = np.flatnonzero((own >= 0) & (lengths >= 0) & (own != lengths))
        if len(clash):
            row = clash[0]
            raise ValueError(
                f"Unequal lengths in {row_name(row, X.index)}: {owner[row]!r} has {lengths[row]} steps, "
                f"{name!r} has {own[row]}. {why}: bring them onto one time base with "
                "avfusion.Align(rate_hz=...)."
            )
        owner[own >= 0] = name
        lengths = np.where(own >= 0, own, lengths)
    return lengths


def frame_labels(targets, lengths, index):
    """Return labels per step for rows of `lengths` steps, (lengths.sum(), K), NaN for rows without labels."""
    given = targets.lengths
    for row in np.flatnonzero((given >= 0) & (given != lengths)):
        raise ValueError(
            f"y has {given[row]} labels in {row_name(row, index)}, whose streams have {lengths[row]} "
            "steps. A label belongs to each step: bring the streams to the rate of the labels with "
            "avfusion.Align(rate_hz=...), and cut both to the same end."
        )
    if (given >= 0).all():
        return targets.values
    labels = np.full((lengths.sum(), targets.values.shape[1]), np.nan)
    labels[np.repeat(given >= 0, lengths)] = targets.values
    return labels


def common_rate(X, names):
    """Return the rate in Hz that the streams declare, None if none does; streams in step have one."""
    return max((X[name].array.rate_hz for name in names if X[name].array.rate_hz is not None), default=None)


def check_label_rate(X, names, form):
    """Raise where labels per frame declare another rate than the streams."""
    stream_rate = common_rate(X, names)
    for dtype in form.dtypes if form.per_frame else ():
        rate = getattr(dtype, "rate_hz", None)
        if None not in (rate, stream_rate) and rate != stream_rate:
            raise ValueError(
                f"The labels have {rate:g} Hz, the streams {stream_rate:g} Hz. Bring the streams to the rate "
                f"of the labels with avfusion.Align(rate_hz={rate:g})."
            )


def check_rate(X, names, fitted_rate_hz):
    """Raise where the streams declare another rate than in `fit`: a model knows steps, not seconds."""
    rate = common_rate(X, names)
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
            f"Stream {name!r} is never observed in the training rows: it is absent, or every step of it "
            "holds a NaN. Leave it out with modalities=..., or drop or impute the features that were not "
            "extracted."
        )


def check_target_names(form, fitted, name):
    """Raise where several targets have names, and others or in another order than in `fit`."""
    named = None not in (form.names, fitted.names) and form.n_targets > 1
    if named and form.target_names != fitted.target_names:
        raise ValueError(
            f"{name} has the targets {listed(form.target_names)}, but in fit they were "
            f"{listed(fitted.target_names)}, in this order. Give the same columns in the same order."
        )


def check_rows_agree(X, targets):
    """Raise unless y has a label (sequence) for each row of X."""
    if targets.n_rows != len(X):
        raise ValueError(
            f"X and y have inconsistent numbers of samples: X has {len(X)} rows, y has {targets.n_rows}."
        )
