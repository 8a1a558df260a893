"""Persuasive Opinion Multimedia: spoken film reviews with ratings of their speakers."""

import h5py
import numpy as np
import pandas as pd

from avfusion.datasets._data_home import fetch_files, get_data_home
from avfusion.sequences import SequenceArray

FOLDER = "mfn-pom"
COMMIT = "b0453fb6e21b581c796246a0c32a6551f2028c1b"
BASE_URL = f"https://raw.githubusercontent.com/pliang279/MFN/{COMMIT}/new_data/pom/"
CHECKSUMS = {
    "audio_train.h5": "a7edb566f5d5026c9ed82222fbdbfc22d506fdd243c4c112f1ecca2f5155eee7",
    "audio_valid.h5": "430b49d06e7fc2a8ea11bf3636cd08df4366df18647acfda39d8014d342fb7cf",
    "audio_test.h5": "15aa2f0eaa8787e5aec2de28636fb5b0181aeacc1e8f6eec56fce4cdade367ab",
    "video_train.h5": "936d32765899d8cab2d8c7c84fb5d6b91b249906d3e46ce51aa73c4f5b0d582d",
    "video_valid.h5": "39f8a4aabfe7deb94da001b9ca25ad087ddd155f2786de04a3cacd90a379bb80",
    "video_test.h5": "bd1bd57bf2bf4ad49b2ff03c79a3d13375627d23a531a6bde7b13a0f68f8c0dd",
    "y_train.h5": "420831e96b21c5fc77194c70c8a76f831fd04d3cc6cadd513e1749c3b325fef5",
    "y_valid.h5": "066fb33cef488591ff999b4c6859c990ff93645003cc795501c70b3ea87ac2ef",
    "y_test.h5": "dec80f328c2e811fb28a04df2ad11495dc00be34a6c439d40b3d1848fe518a18",
}

SPLITS = ("train", "valid", "test")
RATINGS = [
    "confident",
    "passionate",
    "voice_pleasant",
    "dominant",
    "credible",
    "vivid",
    "expertise",
    "entertaining",
    "reserved",
    "trusting",
    "relaxed",
    "outgoing",
    "thorough",
    "nervous",
    "sentiment",
    "persuasive",
    "humorous",
]


def fetch_pom(data_home=None, download_if_missing=True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load 903 spoken film reviews with ratings of their speakers.

    Features of voice and face per word, and 17 mean ratings per clip by its viewers. In more than half of the
    clips the face is absent. The 9 files (12 MB) are downloaded once, checked against their SHA-256 and kept.

    Parameters
    ----------
    data_home : str or path-like, optional
        Folder that holds, or will hold, the folder ``mfn-pom``; see :func:`get_data_home`.
    download_if_missing : bool, default=True
        Whether missing files may be downloaded.

    Returns
    -------
    X : pandas.DataFrame of 903 rows
        ``audio``, ``sequence[float32, 43]``: COVAREP. ``video``, ``sequence[float32, 41]``: FACET, missing in
        486 rows. One step per word, the last 20 words at most; steps have no common duration, so the columns
        have no rate. ``split``: "train" (600 rows), "valid" (100) or "test" (203), in this order.
    y : pandas.DataFrame of 903 rows
        Seventeen ratings, float64: ``confident``, ``passionate``, ``voice_pleasant``, ``dominant``,
        ``credible``, ``vivid``, ``expertise``, ``entertaining``, ``reserved``, ``trusting``, ``relaxed``,
        ``outgoing``, ``thorough``, ``nervous``, ``sentiment``, ``persuasive``, ``humorous``. On a scale of
        1..7, ``reserved`` to ``nervous`` of 1..5.

    Raises
    ------
    ValueError
        If a download is corrupted.
    OSError
        If a file is missing and is not, or cannot be, downloaded.

    Notes
    -----
    The files have 20 steps for every clip, with zeros before its first word. Here a row begins at the first
    step that is not zero in some stream, and both streams have the same number of steps. A later step of
    zeros was not observed in its stream and is NaN. A stream that is zero throughout is missing. The features
    are scaled to about -1..1.

    The files do not name the ratings; their order is inferred from the papers that use them. Published
    figures are means over 16 of them, without ``sentiment``. A few ratings of the test split are below 1.

    Licence: that of the repository is MIT; the corpus behind it is for research only. Please cite Park et
    al. [1]_ for the corpus and Zadeh et al. [2]_ for the features. Source: https://github.com/pliang279/MFN

    References
    ----------
    .. [1] S. Park et al., "Computational analysis of persuasiveness in social multimedia", ICMI 2014.
       https://doi.org/10.1145/2663204.2663260
    .. [2] A. Zadeh et al., "Memory fusion network for multi-view sequential learning", AAAI 2018.
       arXiv 1802.00927.

    Examples
    --------
    >>> from avfusion.datasets import fetch_pom
    >>> X, y = fetch_pom()  # doctest: +SKIP
    >>> X["split"].value_counts().to_dict()  # doctest: +SKIP
    {'train': 600, 'test': 203, 'valid': 100}

    The official split, by boolean masks, or as the one fold of a search that keeps the test rows out of it:

    >>> train, valid, test = (X["split"] == name for name in ("train", "valid", "test"))  # doctest: +SKIP
    >>> model.fit(X[train], y[train]).score(X[test], y[test])  # doctest: +SKIP
    >>> from sklearn.model_selection import GridSearchCV, PredefinedSplit
    >>> cv = PredefinedSplit(np.where(valid[~test], 0, -1))  # doctest: +SKIP
    >>> GridSearchCV(model, {"lr": [1e-3, 3e-3]}, cv=cv).fit(X[~test], y[~test])  # doctest: +SKIP
    """
    files = fetch_files(
        get_data_home(data_home) / FOLDER, BASE_URL, CHECKSUMS, download_if_missing=download_if_missing
    )

    def read(kind):
        parts = []
        for split in SPLITS:
            with h5py.File(files[f"{kind}_{split}.h5"]) as file:
                parts.append(file["d1"][:])
        return parts

    ratings = read("y")
    X = pd.DataFrame(
        sequences_from_front_padding({name: np.vstack(read(name)) for name in ("audio", "video")})
    )
    X["split"] = np.repeat(SPLITS, [len(part) for part in ratings])
    return X, pd.DataFrame(np.vstack(ratings), columns=RATINGS)


def sequences_from_front_padding(streams):
    """Turn arrays with zeros in front of the data into sequence columns of the same lengths.

    Parameters
    ----------
    streams : dict of str to ndarray of shape (n_rows, T, D)
        All zero: padding in front of the first step that is not zero in some stream, and not observed after
        it.

    Returns
    -------
    dict of str to SequenceArray
        float32; NaN where not observed, missing where a stream is zero throughout its row.

    Examples
    --------
    >>> sound = np.array([[[0.0], [1.0], [2.0]]])
    >>> sight = np.array([[[0.0], [0.0], [5.0]]])
    >>> columns = sequences_from_front_padding({"audio": sound, "video": sight})
    >>> columns["audio"][0].frames.ravel(), columns["video"][0].frames.ravel()
    (array([1., 2.], dtype=float32), array([nan,  5.], dtype=float32))
    """
    observed = {name: (values != 0).any(axis=2) for name, values in streams.items()}  # (n_rows, T)
    begins = np.logical_or.reduce(list(observed.values())).argmax(axis=1)
    columns = {}
    for name, values in streams.items():
        cells = [
            np.where(seen[begin:, None], steps[begin:], np.nan) if seen.any() else None
            for steps, seen, begin in zip(values.astype(np.float32), observed[name], begins)
        ]
        columns[name] = SequenceArray.from_sequences(cells, width=values.shape[2])
    return columns
