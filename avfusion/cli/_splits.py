"""Splits of the rows, and what rows share: the options --groups, --folds, --cv, --gap and --situation."""

from avfusion.cli._partitions import check_is_no_partition
from avfusion.cli._recordings import check_known

KINDS = ("groups", "crossed", "time", "forward")


def known_groups(recordings, given):
    """Return the columns that --groups names, or what is usual for the recordings.

    Parameters
    ----------
    recordings : Recordings
    given : list of str or None
        Each a column, or several with commas between.

    Returns
    -------
    str, tuple of str or None

    Raises
    ------
    ValueError
        If there is no such column, or it holds the parts of an official partition.

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> known_groups(read_recordings("synthetic", options={"n_recordings": 3}), None)
    'subject'
    """
    if not given:
        return recordings.groups
    names = []
    for text in given:
        parts = [part.strip() for part in text.split(",")]
        names += [text] if text in recordings.metadata else parts
    check_known("--groups", names, recordings.metadata, f"{recordings.name} has no such metadata column")
    for name in names:
        check_is_no_partition(name, recordings.X[name])
    names = tuple(dict.fromkeys(names))
    return names if len(names) > 1 else names[0]


def check_situation(recordings, situation):
    """Raise unless --situation names columns of metadata.

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> check_situation(read_recordings("synthetic", options={"n_recordings": 3}), {"stimulus": "film"})
    Traceback (most recent call last):
    ValueError: --situation film: synthetic has no such metadata column. There are: subject.
    """
    if isinstance(situation, dict):
        names = [name for name in situation.values() if name is not None]
        missing = f"{recordings.name} has no such metadata column"
        check_known("--situation", names, recordings.metadata, missing)


def check_options(cv, folds, gap, train, test):
    """Refuse options that contradict each other, before anything is read.

    Examples
    --------
    >>> check_options("time", 5, 10.0, None, None)
    >>> check_options(None, None, 10.0, None, None)
    Traceback (most recent call last):
    ...
    ValueError: --gap is for --cv time and --cv forward, which leave out rows near the test rows.
    """
    if cv is not None and cv not in KINDS:
        raise ValueError(f"--cv {cv} is none of {', '.join(KINDS)}.")
    if (train or test) and (folds or cv):
        option = "--folds" if folds else "--cv"
        raise ValueError(f"{option} is for cross-validation: leave it out with --train and --test.")
    if gap is not None and cv not in ("time", "forward"):
        raise ValueError("--gap is for --cv time and --cv forward, which leave out rows near the test rows.")


def splitter(cv, folds, gap, groups):
    """Return what `avfusion.compare` takes as cv.

    Parameters
    ----------
    cv : str or None
        One of `KINDS`.
    folds : int or None
    gap : float or None
        Seconds.
    groups : str, tuple of str or None

    Returns
    -------
    splitter, int or None

    Raises
    ------
    ValueError
        If "crossed" has fewer than two columns, or "groups" none.

    Examples
    --------
    >>> splitter("time", None, 10.0, "recording")
    PurgedTimeKFold(forward=False, gap_s=10.0, groups='recording', n_splits=5, time=None)
    """
    from avfusion.model_selection import PurgedTimeKFold

    several = isinstance(groups, tuple)
    if cv == "crossed" and not several:
        raise ValueError(
            "--cv crossed needs two columns: --groups subject --groups video tests new subjects with new "
            "videos."
        )
    if cv == "groups" and several:
        from sklearn.model_selection import GroupKFold

        return GroupKFold(folds or 5)  # of each combination
    if cv == "groups" and groups is None:
        raise ValueError("--cv groups needs --groups, the metadata column whose values are split.")
    if cv in ("time", "forward"):
        return PurgedTimeKFold(folds or 5, gap_s=gap or 0.0, groups=groups, forward=cv == "forward")
    return folds
