"""Predictions as the ABAW challenge takes them."""

from pathlib import Path

import pandas as pd

from avfusion._atomic import atomic_write
from avfusion._plain_file import check_plain_file
from avfusion.sequences import as_targets
from avfusion.sequences._messages import quoted

TARGETS = ["valence", "arousal"]
HEADER = "image_location,valence,arousal"


def write_abaw_submission(predictions, path, *, sample=None, hold=0):
    """Write predictions of valence and arousal as the ABAW challenge takes them.

    A line for each video frame: ``image_location,valence,arousal``, such as ``video1/00001.jpg,0.12,-0.3``.

    Parameters
    ----------
    predictions : DataFrame
        Columns ``valence`` and ``arousal`` of sequences, a row for each video, with its name as index: what
        an estimator predicts for the X of `load_aff_wild2`. Values are clipped to -1..1.
    path : str or path-like
        The text file to write. It appears only when it is complete.
    sample : str or path-like, optional
        The list of frames that the challenge gives out: exactly these lines are written, in this order. By
        default all frames of `predictions`.
    hold : int, default=0
        How many frames after the last prediction of a video may take its value: sound often ends before the
        pictures, and `Align` with it.

    Raises
    ------
    ValueError
        If columns or frames are missing, a prediction is NaN, or a line of the sample names no frame.

    See Also
    --------
    load_aff_wild2 : Read annotations and features.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import avfusion as av
    >>> y = av.as_sequences({"valence": [[0.5, 0.25]], "arousal": [[0.0, -0.5]]}).set_axis(["video1"])
    >>> with TemporaryDirectory() as folder:
    ...     write_abaw_submission(y, Path(folder, "predictions.txt"))
    ...     print(Path(folder, "predictions.txt").read_text())
    image_location,valence,arousal
    video1/00001.jpg,0.5,0.0
    video1/00002.jpg,0.25,-0.5
    <BLANKLINE>
    """
    path = Path(path)
    missing = [name for name in TARGETS if name not in getattr(predictions, "columns", ())]
    if missing:
        raise ValueError(
            f"predictions must be a DataFrame with the columns valence and arousal, but {quoted(missing)} "
            "is not there."
        )
    rows = _by_video(predictions)
    frames = _all_frames(rows) if sample is None else _frames_of(Path(sample), rows, hold)
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{HEADER}\n")
        for place, video, number in frames:
            valence, arousal = rows[video][min(number, len(rows[video])) - 1].tolist()
            file.write(f"{place},{valence!r},{arousal!r}\n")


def _by_video(predictions):
    """Return the values of each video, (n_frames, 2)."""
    targets = as_targets(pd.DataFrame(predictions[TARGETS]), "predictions")
    if targets.lengths is None:
        raise ValueError("predictions must be per video frame, a sequence in each row.")
    rows, start = {}, 0
    for name, n in zip(predictions.index, targets.lengths):
        if n < 0:
            continue
        values = targets.values[start : start + n]
        if pd.isna(values).any():
            raise ValueError(
                f"predictions of {name!r} are NaN in some frames: the challenge wants all of them."
            )
        rows[str(name)], start = values.clip(-1, 1), start + n
    return rows


def _all_frames(rows):
    for name, values in rows.items():
        for number in range(1, len(values) + 1):
            yield f"{name}/{number:05d}.jpg", name, number


def _frames_of(sample, rows, hold):
    """Return place, video and number of the frames of a list; all are there."""
    frames, missing = [], {}
    check_plain_file(sample)
    for line in sample.read_text(encoding="utf-8-sig").splitlines():
        place = line.split(",")[0].strip()
        if not place or place == "image_location":
            continue
        video, _, name = place.rpartition("/")
        number, video = name.rpartition(".")[0], video.rpartition("/")[2]
        if not number.isdigit():
            raise ValueError(f"{sample}: the line {line!r} names no frame, such as video1/00001.jpg.")
        if video not in rows or not 1 <= int(number) <= len(rows[video]) + hold:
            missing[video] = missing.get(video, 0) + 1
        frames.append((place, video, int(number)))
    if missing:
        raise ValueError(
            f"{sample} asks for {sum(missing.values())} frames without predictions, of "
            f"{quoted(missing, limit=3)}: predict these videos, too. If only the last frames lack one, "
            "hold=30 repeats the prediction before."
        )
    return frames
