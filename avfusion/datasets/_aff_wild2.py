"""Aff-Wild2: annotations of valence and arousal per video frame, as the ABAW challenge publishes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from avfusion._plain_file import check_plain_file, is_plain_file
from avfusion.datasets._aff_wild2_features import feature_folders, read_features, sound_of
from avfusion.formats._registry import DamagedFileError
from avfusion.sequences import SequenceArray
from avfusion.sequences._messages import brief, quoted

CHALLENGES = ("VA_Estimation_Challenge", "VA_Set")  # the second name is that of the first challenge
SETS = {"train": "Train_Set", "validation": "Validation_Set"}
TARGETS = ("valence", "arousal")
NO_LABEL = -5.0
LABELS = "labels"


@dataclass(frozen=True)
class Video:
    """A person of a video: a row.

    Parameters
    ----------
    partition : str
    path : pathlib.Path or None
        The file of annotations.
    n_frames : int or None
        Frames that a list of the challenge asks for.

    Examples
    --------
    >>> Video("train", Path("Train_Set/video1.txt")).n_frames is None
    True
    """

    partition: str
    path: Path | None
    n_frames: int | None = None


def load_aff_wild2(
    folder, features=None, *, partition=None, rate_hz=None, labels=True, valid=None, keep=()
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    r"""Read Aff-Wild2: the valence and arousal annotations of the ABAW challenge, with features of your own.

    The annotations are read as they are published, a line for each video frame; features are those that you
    have extracted. A row is a person: of two people in a video there are ``NAME_left`` and ``NAME_right``,
    and one sound ``NAME`` serves both without being copied::

        VA_Estimation_Challenge/Train_Set/video1.txt         valence,arousal per frame, -5 for no label
        VA_Estimation_Challenge/Validation_Set/video2_left.txt
        audio/video2.npy                    features of the sound, at a rate of their own
        video/video1.npy                    features of frames: an array, or a table (with "frame" or without)
        video/video2_left/00001.npy         or a folder with a file per frame, by number; others have no face

    Parameters
    ----------
    folder : str or path-like
        It holds ``VA_Estimation_Challenge``, perhaps within one more folder, or is that folder.
    features : dict of str to path, optional
        Folder of each modality; paths that are not absolute begin at `folder`. By default all folders beside
        the annotations, by their names.
    partition : str, list of str or dict of str to path, optional
        "train" or "validation", or both, which is the default. A dict names a partition and the file that
        lists it, such as ``{"test": "CVPR_6th_ABAW_VA_test_set_sample.txt"}``: a video on each line, or a
        frame (``video/00001.jpg``); annotations are taken where there are any.
    rate_hz : dict, optional
        Steps per second of streams that are not per video frame, such as ``{"audio": 100}``, and of the video
        frames, ``labels``: a number, or a mapping of video to number.
    labels : bool, default=True
        Whether to read the annotations.
    valid, keep : optional
        As in `avfusion.load_folder`.

    Returns
    -------
    X : pandas.DataFrame
        A row for each person, by name: ``partition``, ``video`` (the same for two people of one video; a
        group for cross-validation), and a sequence column for each modality. Frames without features are NaN.
    y : pandas.DataFrame or None
        ``valence`` and ``arousal``, per video frame; NaN where the annotation is -5.

    Raises
    ------
    ValueError
        If there are no annotations, a line of them or a file of features cannot be read, or features have
        many more or fewer steps than there are frames, and no rate.

    Warns
    -----
    UserWarning
        If features without frame numbers have some more or fewer steps than there are frames: both are paired
        from the first one on. If two people share features that have no rate.

    See Also
    --------
    avfusion.metrics.abaw_scorer : The evaluation of the challenge.
    write_abaw_submission : Predictions as the challenge takes them.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from avfusion.datasets import load_aff_wild2
    >>> with TemporaryDirectory() as folder:
    ...     annotations = Path(folder, "VA_Estimation_Challenge", "Train_Set")
    ...     annotations.mkdir(parents=True)
    ...     _ = Path(annotations, "video1.txt").write_text("valence,arousal\n0.1,0.2\n-5,-5\n0.3,0.1\n")
    ...     Path(folder, "video").mkdir()
    ...     np.save(Path(folder, "video", "video1.npy"), np.zeros((3, 8)))
    ...     X, y = load_aff_wild2(folder, rate_hz={"labels": 30})
    >>> X
              partition video_id          video
    recording
    video1        train   video1  3 x 8, 0.1 s
    >>> y["valence"].iloc[0].frames.ravel()
    array([0.1, nan, 0.3])
    """
    folder, rates = Path(folder), dict(rate_hz or {})
    videos = _videos(folder, partition)
    values = {name: read_annotations(video.path) for name, video in videos.items() if labels and video.path}
    lengths = {
        name: len(values[name]) if name in values else video.n_frames for name, video in videos.items()
    }
    folders = feature_folders(folder, features, annotations_in(folder))
    _check_rates(rates, folders)
    X = pd.DataFrame(
        {
            "partition": [video.partition for video in videos.values()],
            "video_id": [sound_of(n) for n in videos],
        },
        index=pd.Index(list(videos), name="recording", dtype=object),
    )
    fps = _frame_rates(rates.get(LABELS), videos)
    for modality, path in folders.items():
        if modality in X.columns:
            raise ValueError(
                f"The modality {modality!r} has the name of a column of X: give it another name."
            )
        asked = {"valid": valid, "keep": keep}
        X[modality] = read_features(modality, path, lengths, rates.get(modality), fps, asked)
    return X, _labels(values, X.index, fps) if labels else None


def annotations_in(folder):
    """Return the folder of annotations in a folder, or None.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    pathlib.Path or None

    Examples
    --------
    >>> annotations_in(Path("nowhere")) is None
    True
    """
    if not folder.is_dir():
        return None
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    candidates = [folder, *inside, *(path / name for path in inside for name in CHALLENGES)]
    for path in candidates:
        if path.name in CHALLENGES and any((path / name).is_dir() for name in SETS.values()):
            return path
    return None


def read_annotations(path):
    r"""Read the annotations of a video.

    Parameters
    ----------
    path : pathlib.Path
        The line ``valence,arousal``, then two numbers in -1..1 for each frame, or -5.

    Returns
    -------
    ndarray of shape (n_frames, 2)
        NaN where one of them is -5: the challenge leaves such frames out.

    Raises
    ------
    DamagedFileError
        If a line is something else.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("valence,arousal\n0.5,0.25\n-5,-5\n")
    ...     read_annotations(Path(folder, "a.txt"))
    array([[0.5 , 0.25],
           [ nan,  nan]])
    """
    expects = "Its first line is valence,arousal, and each other one holds two numbers in -1..1, or -5,-5."
    try:
        lines = _text_of(path).rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise DamagedFileError(path, f"It is no text. {expects}") from error
    if not lines or [name.strip() for name in lines[0].split(",")] != list(TARGETS):
        found = f"begins with {brief(lines[0])}" if lines else "is empty"
        raise DamagedFileError(path, f"It {found}. {expects}")
    values = np.full((len(lines) - 1, len(TARGETS)), np.nan)
    for k, line in enumerate(lines[1:]):
        try:
            first, second = map(float, line.split(","))
        except ValueError:
            first = second = np.nan
        if not all(-1 <= value <= 1 or value == NO_LABEL for value in (first, second)):
            raise DamagedFileError(path, f"Line {k + 2} is {brief(line)}. {expects}")
        values[k] = first, second
    values[(values == NO_LABEL).any(axis=1)] = np.nan
    return values


def _videos(folder, partition):
    """Return the rows, by name."""
    annotations = annotations_in(folder)
    if annotations is None:
        raise ValueError(
            f"{folder} holds no folder {CHALLENGES[0]!r} with {' or '.join(map(repr, SETS.values()))} in it: "
            "name the folder that does."
        )
    published = {}
    for name, set_folder in SETS.items():
        for path in sorted((annotations / set_folder).glob("*.txt")):
            if not path.name.startswith("."):
                published[path.stem] = Video(name, path)
    if isinstance(partition, Mapping):
        return _listed(folder, partition, published)
    chosen = (
        list(SETS) if partition is None else [partition] if isinstance(partition, str) else list(partition)
    )
    unknown = [name for name in chosen if name not in SETS]
    if unknown:
        raise ValueError(
            f"partition={brief(unknown[0])} must be 'train' or 'validation', or a dict such as {{'test': "
            "'list.txt'}."
        )
    videos = {name: video for name, video in published.items() if video.partition in chosen}
    if not videos:
        raise ValueError(f"{annotations} holds no annotations (.txt) of the partition {quoted(chosen)}.")
    return videos


def _listed(folder, lists, published):
    videos = {}
    for partition, given in lists.items():
        path = folder / given
        for name, n_frames in read_list(path).items():
            if name in videos:
                raise ValueError(
                    f"The video {name!r} is in the lists of {videos[name].partition!r} and {partition!r}: "
                    "leave it in one of them."
                )
            known = published.get(name)
            videos[name] = Video(partition, known.path if known else None, n_frames)
    return videos


def read_list(path):
    r"""Read a list of videos, or of their frames as the challenge's sample of a submission has them.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    dict of str to int or None
        The number of the last frame of each video; None where videos are listed.

    Raises
    ------
    ValueError
        If it names no video.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("image_location,valence,arousal\nv1/00001.jpg,-5,-5\n")
    ...     read_list(Path(folder, "a.txt"))
    {'v1': 1}
    """
    videos = {}
    for line in _text_of(path).splitlines():
        place = line.split(",")[0].strip()
        if not place or place == "image_location":
            continue
        name, slash, frame = place.replace("\\", "/").rpartition("/")
        if slash and frame.rpartition(".")[0].isdigit():
            name = name.rpartition("/")[2]
            videos[name] = max(videos.get(name) or 0, int(frame.rpartition(".")[0]))
        else:
            stem, dot, suffix = frame.rpartition(".")
            videos[stem if dot and suffix.lower() in ("txt", "mp4", "avi", "mov") else frame] = None
    if not videos:
        raise ValueError(
            f"{path} names no video: write one on each line, or frames such as video1/00001.jpg."
        )
    return videos


def _check_rates(rates, folders):
    unknown = [name for name in rates if name not in (*folders, LABELS)]
    if unknown:
        raise ValueError(
            f"rate_hz names {quoted(unknown, limit=3)}, but there are only {quoted([*folders, LABELS])}."
        )


def _frame_rates(given, videos):
    """Return video frames per second: one number, one for each row, or None."""
    if not isinstance(given, Mapping):
        return given
    missing = [name for name in videos if name not in given and sound_of(name) not in given]
    if missing:
        raise ValueError(
            f"rate_hz['labels'] has no rate of {quoted(missing, limit=3)}: give one for each video, or one "
            "number."
        )
    rates = np.array([float(given.get(name, given.get(sound_of(name)))) for name in videos])
    return rates[0] if (rates == rates[0]).all() else rates


def _labels(values, names, fps):
    """Return the targets as columns; of videos without annotations they are missing."""
    lengths = [len(values[name]) if name in values else -1 for name in names]
    packed = np.concatenate([values[name] for name in names if name in values] or [np.empty((0, 2))])
    columns = {
        target: SequenceArray.from_packed(packed[:, [k]].copy(), lengths, fps)
        for k, target in enumerate(TARGETS)
    }
    return pd.DataFrame(columns, index=names)


def _text_of(path):
    if is_plain_file(path) and not path.stat().st_size:
        return ""
    check_plain_file(path)
    return path.read_text(encoding="utf-8-sig")
