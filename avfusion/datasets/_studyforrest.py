"""The film "Forrest Gump" of the studyforrest project: audio, video and portrayed emotion over time."""

import numpy as np
import pandas as pd

from avfusion.datasets import _studyforrest_annotations as annotated
from avfusion.datasets._data_home import fetch_files, get_data_home
from avfusion.sequences import SequenceArray
from avfusion.sequences._messages import brief, quoted

FOLDER = "studyforrest-data-annotations"
COMMIT = "155097f944f9dc5a8790dd9148016508ab8b18ad"
BASE_URL = f"https://raw.githubusercontent.com/psychoinformatics-de/{FOLDER}/{COMMIT}/"

LABEL_FILE = "old/emotions/audio-visual/timeseries/ioats_1s_av_allchar.csv"
AUDIO_FILE = "segments/avmovie/conf_audio_run-{}_events.tsv"
VIDEO_FILE = "segments/avmovie/conf_visual_run-{}_events.tsv"
CHECKSUMS = {
    LABEL_FILE: "8b8eac1e1b9b643a0251c0eb798e9fc7287c625d36caf5de655fdfdf0e7f8519",
    AUDIO_FILE.format(1): "2d214218b734c1ef2fc0da77f64ea1507be495e7c3f10558046b37cbb7ff8b05",
    AUDIO_FILE.format(2): "3b0c42fed8d3b23cec3e63a8d9016d32e0891bbecf31cdc69b0f6c53b6c0f96a",
    AUDIO_FILE.format(3): "9256a3abb6bb1231649fbe9f704d3efb5c8aef4e579da319cc4dbe60f959cb66",
    AUDIO_FILE.format(4): "bc9b0a017742390309d49de871a8d190d9f9f2501c95033d51acc2431db40199",
    AUDIO_FILE.format(5): "0919a12bd94e1260a893f980b81a04d20553b4a3e38a43fcc73e9f86799aba29",
    AUDIO_FILE.format(6): "f4d2b4998ba661379b908f4effd67a9197498393b06890b566331c325ca82bce",
    AUDIO_FILE.format(7): "3be5a5a351357e88e5b1e1dfe91c3d892935cc2d475e0faf72566d6558fee0b8",
    AUDIO_FILE.format(8): "b5cf612b5a53edf4ed22855d3c8fd31696c3f0868517129d335aa1d7ec2f6883",
    VIDEO_FILE.format(1): "d3d9df7b2896cf3b4a81c0eb2b119cf269a34bb13d94108a1c63447bb8bdd5d6",
    VIDEO_FILE.format(2): "3aa855d912c0af53177448b70c9f68436052c93a84ffb393cbfb9090451e4b9e",
    VIDEO_FILE.format(3): "cc59193703db18edff3d299ebdf6f481cfc5a05cf4d70651110279b8d4867fc3",
    VIDEO_FILE.format(4): "5bf2a5758401593563145fc7e17a57c327df30abb0ab93536130e87434604d69",
    VIDEO_FILE.format(5): "fc9f1cc22b3e21d4f2df74a89888549aabce1558633a54ff2a4125cf2664d051",
    VIDEO_FILE.format(6): "ddeba9d99efdfdc201c0844b41208b335a51412dce0cff5b3cd533e20c7efb14",
    VIDEO_FILE.format(7): "4e2c5b01eaadb7c7d0e3599d5369b17487e139acb67f5905cac35f30ea404f75",
    VIDEO_FILE.format(8): "18ed705300261a4cd0a364ad286b785304cfd676f94685166c7f73b6be7d3c7d",
}

FRAME_RATE_HZ = 25
AUDIO_CHANNELS = ["rms", "lrdiff"]
VIDEO_CHANNELS = ["brmean", "brlr", "brud", "norm_diff"]
# Film time at which each segment starts, and the film's end (code/researchcut2segments.py of the repository).
FILM_TIMES_S = (0.0, 886.0, 1752.08, 2612.16, 3572.2, 4480.28, 5342.36, 6410.44, 7086.0)


def fetch_studyforrest(
    data_home=None,
    *,
    target_columns=("arousal", "valence"),
    trim_overlap=True,
    annotations=False,
    download_if_missing=True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load audio and video features of a feature film with the emotion that its characters portray.

    The audio-visual film "Forrest Gump" (research cut, German dubbing) in the 8 segments in which it was
    shown, one row each. The 17 files (about 20 MB) are downloaded once, checked against their SHA-256 and
    kept.

    Parameters
    ----------
    data_home : str or path-like, optional
        Folder that holds, or will hold, the folder ``studyforrest-data-annotations``; see
        :func:`get_data_home`.
    target_columns : sequence of str, default=("arousal", "valence")
        Which of the 30 label columns `y` has, in this order: ``arousal``, ``valence`` and ``direction``
        (towards oneself or others) lie in -1..1, the emotions (``fear``, ``happiness``, ``love``...) and cues
        (``face``, ``verbal``...) in 0..1.
    trim_overlap : bool, default=True
        Whether to leave out the last 20 s or so of a segment, which are repeated in the next one. With False
        neighbouring rows share these seconds, so that folds over segments leak, as
        `avfusion.model_selection.check_leakage` reports.
    annotations : bool, default=False
        Whether `X` also has what is said, played and cut: ``speech``, ``music`` and ``cuts``, intervals and
        events at times of their own (3 more files, 0.1 MB).
    download_if_missing : bool, default=True
        Whether missing files may be downloaded.

    Returns
    -------
    X : pandas.DataFrame of 8 rows
        ``audio``, ``sequence[float32, 2, 25Hz]``: loudness (``rms``) and its left-right difference
        (``lrdiff``). ``video``, ``sequence[float32, 4, 25Hz]``: mean brightness (``brmean``), its left-right
        (``brlr``) and up-down (``brud``) difference, and the difference to the previous frame
        (``norm_diff``). ``segment``, int: 1 to 8. ``start_s``, int: the film second in which the row begins.

        With `annotations` also, of ``sequence[float32, 1, times]``, in seconds from the begin of the row:
        ``speech``, a step per line of dialogue, with its words per second; ``music``, a step per piece, 1
        where it is in the foreground and 0 in the background; ``cuts``, an instant per shot, when it begins.
    y : pandas.DataFrame of 8 rows
        One column of ``sequence[float64, 1, 1Hz]`` per name in `target_columns`; step ``k`` of a row is
        film second ``start_s + k``. Both streams hold exactly 25 frames for each step.

    Raises
    ------
    ValueError
        If `target_columns` is a string, empty, or names columns that the labels do not have; if a download is
        corrupted.
    OSError
        If a file is missing and is not, or cannot be, downloaded.

    Notes
    -----
    The labels are the agreement of 9 observers: how many saw high arousal (positive valence) minus how many
    saw low arousal (negative valence) in any character, divided by 9. There is no official split: leave one
    segment out, ``cross_validate(..., groups=X["segment"], cv=LeaveOneGroupOut())``.

    Segments begin between whole film seconds, while labels belong to whole ones. A row begins at its
    segment's first whole second and ends with the last second that is complete in both streams (audio is 3
    frames shorter than video) and labelled; a second that straddles two segments is in neither. Left as they
    are: segments fade in from grey silence during 2 s, and their audio lags the film by 0.02 to 0.2 s.

    The dialogue is that of the English film; the German film was cut to the same pictures. Intervals that
    reach beyond a row are cut at its borders. Of 985 lines of dialogue 45 end within 0.1 s, or before they
    begin: their words per second are NaN, and so are those of a line without text. Lines overlap where people
    speak at the same time. Four shots that are listed twice count once. To bring all onto one time base::

        Align(1.0, aggregate={"speech": ("share", "mean"), "music": ("share", "mean"), "cuts": ("count",)})

    where the mean is NaN in a second without speech or music.

    The perceptual hash of the video frames (``phash``, 144 bits) is left out: it identifies equal images, and
    its bits are not measurements that a regression could use.

    Licence of the data: CC0 1.0. Please cite Hanke et al. [1]_ for the film data and Labs et al. [2]_ for
    the emotions. Source: https://github.com/psychoinformatics-de/studyforrest-data-annotations

    References
    ----------
    .. [1] M. Hanke et al., "A high-resolution 7-Tesla fMRI dataset from complex natural stimulation with an
       audio movie", Scientific Data 1:140003, 2014. https://doi.org/10.1038/sdata.2014.3
    .. [2] A. Labs et al., "Portrayed emotions in the movie 'Forrest Gump'", F1000Research 4:92, 2015.
       https://doi.org/10.12688/f1000research.6230.1

    Examples
    --------
    >>> from avfusion.datasets import fetch_studyforrest
    >>> X, y = fetch_studyforrest()  # doctest: +SKIP
    >>> X.dtypes  # doctest: +SKIP
    audio      sequence[float32, 2, 25Hz]
    video      sequence[float32, 4, 25Hz]
    segment                         int64
    start_s                         int64
    dtype: object
    >>> len(y["arousal"][0])  # doctest: +SKIP
    886
    """
    checksums = CHECKSUMS | (annotated.CHECKSUMS if annotations else {})
    files = fetch_files(
        get_data_home(data_home) / FOLDER, BASE_URL, checksums, download_if_missing=download_if_missing
    )
    labels = _read_labels(files[LABEL_FILE], target_columns)
    audio, video, starts_s, stops_s = [], [], [], []
    for segment in range(1, len(FILM_TIMES_S)):
        sound = _read_frames(files[AUDIO_FILE.format(segment)], AUDIO_CHANNELS)
        sight = _read_frames(files[VIDEO_FILE.format(segment)], VIDEO_CHANNELS)
        start_s, stop_s, frames = _whole_seconds(
            segment, min(len(sound), len(sight)), len(labels), trim_overlap=trim_overlap
        )
        audio.append(sound[frames])
        video.append(sight[frames])
        starts_s.append(start_s)
        stops_s.append(stop_s)
    X = pd.DataFrame(
        {
            "audio": SequenceArray.from_sequences(audio, rate_hz=FRAME_RATE_HZ),
            "video": SequenceArray.from_sequences(video, rate_hz=FRAME_RATE_HZ),
            "segment": np.arange(1, len(FILM_TIMES_S)),
            "start_s": starts_s,
        }
    )
    if annotations:
        X = X.assign(**annotated.read_annotations(files, starts_s, stops_s))
    y = pd.DataFrame(
        {
            name: SequenceArray.from_sequences(
                [labels[name].to_numpy()[start:stop] for start, stop in zip(starts_s, stops_s)], rate_hz=1
            )
            for name in labels
        }
    )
    return X, y


def _read_labels(path, target_columns):
    """Return the labels of every film second, a DataFrame of float64 of shape (n_seconds, K)."""
    labels = pd.read_csv(path, dtype=np.float64)
    if isinstance(target_columns, str):
        raise ValueError(
            f"target_columns={target_columns!r} is one string; pass a list, as in [{target_columns!r}]."
        )
    columns = list(target_columns)
    unknown = [name for name in columns if name not in labels.columns]
    if unknown or not columns:
        raise ValueError(
            f"target_columns={brief(columns)} must name some of the label columns {quoted(labels.columns)}."
        )
    return labels[columns]


def _read_frames(path, channels):
    """Return the features of one segment, (n_frames, len(channels)) float32."""
    table = pd.read_csv(path, sep="\t", usecols=channels, dtype=np.float32)
    return table[channels].to_numpy()


def _whole_seconds(segment, n_frames, n_labels, *, trim_overlap):
    """Return film seconds [start_s, stop_s) that a segment shows completely, and a slice of its frames."""
    # In whole frames (film times are multiples of 0.04 s), so that no rounding can move a boundary.
    start, next_start = (round(FILM_TIMES_S[k] * FRAME_RATE_HZ) for k in (segment - 1, segment))
    stop = min(start + n_frames, next_start) if trim_overlap else start + n_frames
    start_s = -(-start // FRAME_RATE_HZ)
    stop_s = min(stop // FRAME_RATE_HZ, n_labels)
    return start_s, stop_s, slice(start_s * FRAME_RATE_HZ - start, stop_s * FRAME_RATE_HZ - start)
