"""Which files of a folder hold which recordings, and which are passed over, with the reason."""

import stat
from dataclasses import dataclass, field
from pathlib import Path

from avfusion.formats._registry import check_recording_name, format_of, formats, split_name
from avfusion.sequences._messages import path_name, quoted
from avfusion.store._manifest import NAME as MANIFEST
from avfusion.store._manifest import TABLE

LABELS = "labels"
TABLES = ("labels.csv", "metadata.csv", "recordings.csv", "rates.toml")  # beside the folders of modalities
_NOTES = ("readme", "license", "licence", "thumbs.db", "desktop.ini", "~$")  # the last: open in a spreadsheet
_LABELS = frozenset(
    [
        "label",
        "annotation",
        "annotations",
        "target",
        "targets",
        "goldstandard",
        "goldstandards",
        "groundtruth",
        "ratings",
        "arousal",
        "valence",
        "dominance",
    ]
)


@dataclass(frozen=True)
class Source:
    """A file of a modality.

    Parameters
    ----------
    path : pathlib.Path
    recording : str or None
        Whose steps it holds, where the file does not say; None where it must.
    rate_hz, start_s : float, optional
        What a table of recordings says of them.

    Examples
    --------
    >>> Source(Path("audio/clip01.npy"), "clip01").rate_hz is None
    True
    """

    path: Path
    recording: str | None = None
    rate_hz: float | None = None
    start_s: float | None = None


@dataclass
class Layout:
    """The files of a folder.

    Parameters
    ----------
    streams : dict of str to list of Source
        By modality, and "labels".
    passed_over : dict of pathlib.Path to str
        Files that are not read, and why.
    containers : list of Source
        Files beside the folders of modalities that may hold many recordings, or many modalities.

    Examples
    --------
    >>> Layout().streams
    {}
    """

    streams: dict = field(default_factory=dict)
    passed_over: dict = field(default_factory=dict)
    containers: list = field(default_factory=list)


def layout_of(path, labels=True):
    """Look through a folder, or take a file that holds several modalities.

    Parameters
    ----------
    path : pathlib.Path
    labels : bool, default=True
        Whether labels are read, too.

    Returns
    -------
    Layout

    Raises
    ------
    ValueError
        If there are no recordings, or a recording has two files of one modality.
    OSError
        If the folder cannot be read.
    """
    if path.is_file():
        return Layout(containers=[Source(path)])
    if (path / MANIFEST).is_file() and (path / TABLE).is_file():
        raise ValueError(f"{path_name(path)} is a store already: open it with avfusion.read_store.")
    layout = Layout()
    for entry in sorted(path.iterdir()):
        if entry.name.startswith(".") or _is_note(entry):
            continue
        reason = _reason_against_entry(entry)
        if reason is not None:
            layout.passed_over[entry] = reason
            continue
        if entry.name in TABLES:
            continue
        _check_name(entry, path)
        if entry.is_dir() and entry.name == LABELS:
            if labels:
                layout.streams |= _labels_of(entry, layout.passed_over)
        elif entry.is_dir():
            layout.streams[entry.name] = _files_of(entry, layout.passed_over)
        elif _may_hold_many(entry):
            layout.containers.append(Source(entry))
        elif entry.stem.lower() in (LABELS, "metadata", "rates", "recordings"):
            layout.passed_over[entry] = f"it must be named {_expected(entry.stem.lower())}"
        elif format_of(entry) is not None:
            layout.passed_over[entry] = "it is in no modality's folder"
        elif entry.suffix:
            layout.passed_over[entry] = "no format of this kind is known"
    return layout


def _check_name(entry, folder):
    """Refuse what is called nearly like labels or a table: it would be taken for features."""
    if entry.name not in TABLES and entry.name.lower() in TABLES:
        raise ValueError(f"{entry} is not read under this name: rename it {entry.name.lower()}.")
    plain = "".join(letter for letter in entry.stem.lower() if letter.isalpha())
    alike = plain in _LABELS or (plain == LABELS and entry.stem != LABELS)
    if (
        alike
        and (entry.is_dir() or _may_hold_many(entry))
        and not any((folder / name).exists() for name in (LABELS, f"{LABELS}.csv"))
    ):
        raise ValueError(
            f"{entry} would be read as features, and there are no labels: name it "
            f"{LABELS}{entry.suffix.lower()}, with a column for each target, or, if it holds features, give "
            "it another name."
        )


def _may_hold_many(path):
    format = format_of(path)
    return format is not None and format.many


def _expected(stem):
    return next(name for name in TABLES if name.startswith(stem))


def _is_note(path):
    return path.name.lower().startswith(_NOTES)


def _labels_of(folder, passed_over):
    """Return the files of labels: in one folder, or one for each dimension or annotator."""
    inside = [
        path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and not _is_note(path)
    ]
    if not inside or not all(path.is_dir() for path in inside):
        return {LABELS: _files_of(folder, passed_over)}
    return {f"{LABELS}/{path.name}": _files_of(path, passed_over) for path in inside}


def _files_of(folder, passed_over):
    """Return the file of each recording in the folder of a modality; write down what else is there."""
    companions = tuple(suffix for format in formats() for suffix in format.companions)
    sources = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or _is_note(path) or path.name.lower().endswith(companions or "\0"):
            continue
        recording, _ = split_name(path.name)
        reason = reason_against(path) or _reason_against_name(recording, "recording")
        if reason is not None:
            passed_over[path] = reason
            continue
        if recording in sources:
            raise ValueError(
                f"{path_name(sources[recording].path)} and {path_name(path)} are the same recording: remove "
                "one of them."
            )
        sources[recording] = Source(path, recording)
    if not sources and not (folder.parent / "recordings.csv").is_file():
        others = [path.name for path in passed_over if path.parent == folder]
        found = f", but {quoted(others, limit=3)}" if others else ""
        raise ValueError(
            f"{path_name(folder)} holds no file that is read{found}: put one for each recording there, such "
            "as .csv or .npy, name files in sub-folders in a table recordings.csv, or remove the folder."
        )
    return list(sources.values())


def _reason_against_entry(entry):
    """Return why what stands in the folder is neither a modality nor a file, None if it may be."""
    if entry.is_dir() and entry.name not in TABLES:
        return _reason_against_name(entry.name, "modality")
    if entry.is_file():
        return None
    return "it is no regular file" if entry.exists() else reason_against(entry)


def _reason_against_name(name, what):
    """Return why a folder or file may not give its name to a modality or recording, None if it may."""
    try:
        check_recording_name(name, what)
    except ValueError:
        return f"its name can be that of no {what}: it is blank, long, or holds characters nobody can see"
    return None


def reason_against(path):
    """Return why a path is not read as the steps of a recording, None if it is.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    str or None

    Examples
    --------
    >>> reason_against(Path("film.mp4"))
    'it does not exist'
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return "it is a link to nothing" if path.is_symlink() else "it does not exist"
    if stat.S_ISDIR(mode):
        return "it is a folder within a modality's folder"
    if not stat.S_ISREG(mode):
        return "it is no regular file"
    return None if format_of(path) is not None else "no format of this kind is known"


def no_recordings(path, layout):
    """Return the error for a folder in which there are no recordings."""
    found = f" Not read: {describe_passed_over(layout.passed_over, path)}." if layout.passed_over else ""
    return ValueError(
        f"{path_name(path)} holds no recordings. It needs a sub-folder for each modality (audio, video) "
        "with a file for each recording: .npy, .csv, .mat, .h5 or another of datasets.readable_formats()."
        f"{found}"
    )


def describe_passed_over(passed_over, folder, limit=3):
    """Return the files that were passed over, with the reason, as words.

    A file in the folder of a modality is named with it.

    Examples
    --------
    >>> describe_passed_over({Path("mine/video/a.mp4"): "no format of this kind is known"}, Path("mine"))
    "'video/a.mp4' (no format of this kind is known)"
    """
    by_reason = {}
    for path, reason in passed_over.items():
        by_reason.setdefault(reason, []).append(path.relative_to(folder).as_posix())
    return "; ".join(f"{quoted(names, limit=limit)} ({reason})" for reason, names in by_reason.items())


def describe_damage(damaged):
    """Return what is said of the files that are damaged and were skipped, given their errors."""
    first = str(damaged[0]).split("\n")[0]
    more = (
        f" {len(damaged) - 1} more: {quoted(error.path.name for error in damaged[1:])}."
        if damaged[1:]
        else ""
    )
    return f"Damaged files were skipped, with their recordings: {first}{more}"
