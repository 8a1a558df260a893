"""Read the recordings that the argument DATA of the commands names."""

import difflib
import inspect
import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from avfusion._checksums import check_table
from avfusion._plain_file import check_plain_file
from avfusion.datasets import (
    fetch_studyforrest,
    load_aff_wild2,
    load_folder,
    make_audiovisual_regression,
)
from avfusion.datasets._aff_wild2 import annotations_in
from avfusion.datasets._folder import LABELS
from avfusion.formats._parquet import FEATHER_1, OF_FEATHER_1, check_unpacked
from avfusion.formats._registry import DamagedFileError, brief_reason, format_of
from avfusion.preprocessing import pair
from avfusion.sequences import SequenceDtype, as_sequences, as_targets, mask_labels, sequence_columns
from avfusion.sequences._bookkeeping import role_of
from avfusion.sequences._messages import quoted
from avfusion.store import read_store
from avfusion.store._manifest import is_store

_READERS = {
    ".parquet": partial(pd.read_parquet, page_checksum_verification=True),
    ".feather": pd.read_feather,
}


@dataclass(frozen=True)
class Recordings:
    """Recordings with their labels.

    Parameters
    ----------
    name : str
        Used in messages.
    X : pandas.DataFrame
        A row per recording: sequence columns and metadata.
    y : pandas.DataFrame, pandas.Series or None
        The targets, a Series if there is one; None where there are no labels.
    groups : str or None
        Column of X that folds do not split unless another is named.
    """

    name: str
    X: pd.DataFrame
    y: pd.DataFrame | pd.Series | None
    groups: str | None = None

    @property
    def target_names(self):
        """Names of the targets, in the order of the columns.

        Examples
        --------
        >>> X = as_sequences({"audio": [[1.0, 2.0]]})
        >>> Recordings("mine", X, pd.Series([3.0], name="mood")).target_names
        ['mood']
        """
        return [] if self.y is None else as_targets(self.y).form.target_names

    @property
    def metadata(self):
        """Names of the columns of X that are not sequences.

        Examples
        --------
        >>> Recordings("mine", as_sequences({"audio": [[1.0, 2.0]]}).assign(site="a"), None).metadata
        ['site']
        """
        modalities = sequence_columns(self.X)
        return [name for name in self.X.columns if name not in modalities]


def read_recordings(
    source,
    *,
    targets=(),
    rates=None,
    data_home=None,
    options=None,
    seed=0,
    missing_label=None,
    layout=None,
    labels=True,
):
    """Read recordings.

    Parameters
    ----------
    source : str
        ``synthetic``, ``studyforrest``, a folder or file (see `load_folder` and `load_aff_wild2`), a store,
        or a .parquet or .feather file with columns of sequences. To read a folder of such a name write
        ``./synthetic``.
    targets : list of str
        Names of the targets; by default all targets of the source (of a file, none).
    rates : dict of str to float, optional
        Steps per second of modalities, and of ``labels``, in a folder or file.
    data_home : path, optional
        Where ``studyforrest`` is, or will be downloaded to.
    options : dict, optional
        Parameters of `make_audiovisual_regression`, for ``synthetic``.
    seed : int
        Seed of ``synthetic``.
    missing_label : list of float, optional
        Numbers that stand for "no label".
    layout : dict, optional
        More parameters of `load_folder`: valid, keep, raters, skip_damaged.
    labels : bool, default=True
        Whether the labels of a folder are read.

    Returns
    -------
    Recordings

    Raises
    ------
    ValueError, TypeError, OSError
        If there is no such source, or it cannot be read.

    Examples
    --------
    >>> recordings = read_recordings("synthetic", options={"n_recordings": 3})
    >>> recordings.X.shape, recordings.target_names, recordings.groups
    ((3, 3), ['label'], 'subject')
    """
    if options and source != "synthetic":
        raise ValueError(f"--option {next(iter(options))}=...: options are for synthetic data only.")
    if source not in ("synthetic", "studyforrest") and _is_for_load_folder(Path(source)):
        if Path(source).is_dir() and annotations_in(Path(source)) is not None:
            return _read_aff_wild2(source, targets, rates, missing_label, layout or {}, labels)
        how = {"targets": targets or None, "missing_label": missing_label or None, **(layout or {})}
        X, y = load_folder(source, rates, **how, labels=labels)
        return Recordings(source, X, None if y is None else _series_if_one(y))
    for option in layout or ():
        if option != "keep":
            raise ValueError(f"--{option} is for folders, and {source} is none.")
    recordings = _read(source, targets, rates, data_home, options, seed, (layout or {}).get("keep", ()))
    if not missing_label or recordings.y is None:
        return recordings
    return replace(recordings, y=mask_labels(recordings.y, missing_label))


def _read_aff_wild2(source, targets, rates, missing_label, layout, labels):
    if "raters" in layout:
        raise ValueError(f"--raters is for labels of several annotators; {source} is Aff-Wild2, with one.")
    X, y = load_aff_wild2(source, rate_hz=rates, labels=labels, **layout)
    if y is not None:
        y = _select(mask_labels(y, missing_label) if missing_label else y, targets, source)
    return Recordings(source, X, y, "video_id")


def _read(source, targets, rates, data_home, options, seed, keep):
    if rates and source in ("synthetic", "studyforrest"):
        raise ValueError(f"--rate is for folders and files; {source} has rates of its own.")
    if keep and source in ("synthetic", "studyforrest"):
        raise ValueError(f"--keep is for folders and files; {source} has no other columns.")
    if source == "synthetic":
        X, y = make_audiovisual_regression(**_with_seed(options or {}, seed))
        return Recordings(source, X, _select(y.to_frame(), targets, source), "subject")
    if source == "studyforrest":
        columns = {"target_columns": list(targets)} if targets else {}
        X, y = fetch_studyforrest(data_home, **columns)
        return Recordings(source, X, _series_if_one(y), "segment")
    path = Path(source)
    if is_store(path):
        if rates or keep:
            raise ValueError(f"--{'rate' if rates else 'keep'} is for what is imported; {source} is a store.")
        X, y = read_store(path)
        return Recordings(source, X, None if y is None else _select(_as_frame(y), targets, source))
    if path.suffix.lower() in _READERS and path.is_file():
        return Recordings(source, *_read_file(path, targets, rates or {}, keep))
    raise ValueError(_no_source(path))


def with_label_time(recordings, label_start=None, how=None):
    """Return recordings whose labels begin at a time, on the steps of the streams if that is asked for.

    Parameters
    ----------
    recordings : Recordings
    label_start : float, optional
        Seconds.
    how : str, optional
        "trim", "pad", or the longest stretch that may be left out, in seconds.

    Returns
    -------
    Recordings

    Examples
    --------
    >>> X = as_sequences({"audio": [[1.0, 2.0, 3.0]]}, rate_hz=1)
    >>> y = as_sequences({"mood": [[5.0, 6.0]]}, rate_hz=1)["mood"]
    >>> paired = with_label_time(Recordings("mine", X, y), label_start=1.0, how="pad")
    >>> paired.y.iloc[0].frames.ravel()
    array([nan,  5.,  6.])
    """
    if recordings.y is None or (label_start is None and how is None):
        return recordings
    if how is None:
        y = recordings.y.to_frame() if isinstance(recordings.y, pd.Series) else recordings.y
        if not all(getattr(dtype, "timed", False) for dtype in y.dtypes):
            raise ValueError(
                f"--label-start {label_start:g}: say how many labels a second has, as in --rate labels=2."
            )
        return replace(recordings, y=_series_if_one(as_sequences(y, start_s=label_start)))
    try:
        within = None if how in ("trim", "pad") else float(how)
    except ValueError:
        raise ValueError(
            f"--pair {how} must be trim, pad or a number of seconds, as in --pair 0.1."
        ) from None
    X, y = pair(recordings.X, recordings.y, start_s=label_start, tolerance_s=within, pad=how == "pad")
    return replace(recordings, X=X, y=y)


def nearest(name, names):
    """Return a sentence with the known names that are similar to an unknown one, or with all of them.

    Examples
    --------
    >>> nearest("Rigde", ["Lasso", "Ridge", "RidgeCV"])
    'Nearest: Ridge, RidgeCV.'
    >>> nearest("x", ["alpha", "tol"])
    'There are: alpha, tol.'
    """
    lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), lower, n=3)
    if close:
        return f"Nearest: {', '.join(lower[match] for match in close)}."
    return f"There are: {', '.join(names)}." if names else "There is none."


def check_known(option, names, known, missing):
    """Raise an error if one of the names given to an option is not known.

    Parameters
    ----------
    option : str
        Such as ``--target``.
    names : iterable of str
    known : iterable of str
    missing : str
        Such as "synthetic has no such target".

    Raises
    ------
    ValueError
        Names the nearest names.

    Examples
    --------
    >>> check_known("--target", ["valenc"], ["valence"], "clips.parquet has no such target")
    Traceback (most recent call last):
    ...
    ValueError: --target valenc: clips.parquet has no such target. Nearest: valence.
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise ValueError(f"{option} {name}: {missing}. {nearest(name, known)}")


def _with_seed(options, seed):
    known = inspect.signature(make_audiovisual_regression).parameters
    check_known("--option", options, known, "synthetic data has no such parameter")
    return {"random_state": seed} | options


def _select(y, targets, source):
    """Keep the targets named (by default all), in that order."""
    check_known("--target", targets, y.columns, f"{source} has no such target")
    return _series_if_one(y[list(targets)] if targets else y)


def _series_if_one(y):
    return y.iloc[:, 0] if y.shape[1] == 1 else y


def _read_file(path, targets, rates, keep):
    check_table(path)
    try:
        check_plain_file(path, what="It")
        with path.open("rb") as file:
            if file.read(len(FEATHER_1)) == FEATHER_1:
                raise ValueError(OF_FEATHER_1)
        if path.suffix.lower() == ".parquet":
            check_unpacked(path)
        frame = _READERS[path.suffix.lower()](path)
    except Exception as error:  # whatever Arrow and pandas raise for bytes that somebody else wrote
        if isinstance(error, OSError) and error.filename is not None:  # no permission
            raise
        reason = brief_reason(error)
        remedy = "" if "DataFrame.to_" in reason else " Write it again with DataFrame.to_parquet."
        raise DamagedFileError(path, f"{reason}.{remedy}") from error
    check_known("--target", targets, frame.columns, f"{path} has no such column")
    check_known("--keep", keep, frame.columns, f"{path} has no such column")
    X = frame.drop(columns=list(targets))
    if not any(map(_may_hold_sequences, X.dtypes)):
        found = quoted(f"{name} ({kind})" for name, kind in X.dtypes.items())
        raise ValueError(
            f"{path} has no sequence column, but {found}. "
            "Make such columns with avfusion.as_sequences before DataFrame.to_parquet."
        )
    X = _without_bookkeeping(X, keep)
    label_rate = rates.get(LABELS)
    X = as_sequences(X, rate_hz={name: rate for name, rate in rates.items() if name != LABELS} or None)
    if not targets:
        return X, None
    y = frame[list(targets)]
    if any(map(_may_hold_sequences, y.dtypes)):
        y = as_sequences(y, dtype=np.float64, rate_hz=label_rate)
    return X, _series_if_one(y)


def _without_bookkeeping(X, keep):
    """Drop sequences of clocks, frame numbers and flags of detection, and say so."""
    roles = {name: role_of(name) for name, kind in X.dtypes.items() if _may_hold_sequences(kind)}
    aside = [
        name for name, role in roles.items() if role in ("clock", "frame", "quality") and name not in keep
    ]
    if not aside or len(aside) == len(roles):
        return X
    warnings.warn(
        f"Set aside as bookkeeping: {quoted(aside)}. keep names those that are features.", stacklevel=2
    )
    return X.drop(columns=aside)


def _is_for_load_folder(path):
    """Return whether recordings are in a folder, or in a file that may hold several modalities."""
    if path.is_dir():
        return not is_store(path)
    return path.is_file() and path.suffix.lower() not in _READERS and format_of(path) is not None


def _as_frame(y):
    return y.to_frame() if isinstance(y, pd.Series) else pd.DataFrame(y)


def _may_hold_sequences(dtype):
    return isinstance(dtype, SequenceDtype) or pd.api.types.is_object_dtype(dtype)


def _no_source(path):
    known = f"Known are synthetic, studyforrest, folders, stores, and {' and '.join(_READERS)} files."
    if path.is_file():
        return f"{path} is not a file of recordings. {known}"
    kind = "file" if path.suffix else "folder"
    return f"There is no {kind} {path}. {known}"


def drop_other_streams(X, modalities):
    """Drop the sequence columns that a model does not know, such as labels in the same file.

    Parameters
    ----------
    X : pandas.DataFrame
    modalities : iterable of str or None
        None if it is not known what the model reads: then nothing is dropped.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> X = as_sequences({"audio": [[1.0, 2.0]], "arousal": [[0.0, 0.5]]})
    >>> list(drop_other_streams(X, ["audio"]).columns)
    ['audio']
    """
    if modalities is None:
        return X
    return X.drop(columns=[name for name in sequence_columns(X) if name not in modalities])
