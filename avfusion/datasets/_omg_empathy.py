"""OMG-Empathy: how ten listeners felt while they were told stories."""

import re

import numpy as np
import pandas as pd

from avfusion.datasets._data_home import fetch_files, get_data_home
from avfusion.sequences import as_sequences

FOLDER = "omg_empathy"
COMMIT = "62d3df079b554cbd6b1434fafc44f1d0ad1c02d8"
BASE_URL = f"https://raw.githubusercontent.com/rosielab/{FOLDER}/{COMMIT}/"
FILE = "features_train/Subject_{}_Story_{}.csv"
CHECKSUMS_OF = {  # subject and story
    (1, 1): "b828d7b064b80d94ace627f266d36534ebb192e52507438ccfb0beb5fce6b890",
    (1, 2): "9e26bfd87e430725418cc93352cd7cec8ed9a9326d2f0a883fb078f63fb6e4d7",
    (1, 4): "9aaf73f190ead4f3e3433b346dd1883c2afeb7a41d3b224a930769c5e917500f",
    (1, 5): "b760cbad65122dfee225293d25c4e04820c82752f4ef79d62bd5623b2578dade",
    (1, 8): "94d8c320b3e0bf3df3b831fca4faee9cdb290961c43759eb61c1e786f0e6e4bb",
    (2, 1): "d4916222baaecbfa6a1184aba1fe9b322d83dabb97ae2295687a012ea53ddc02",
    (2, 2): "e40fde7004fe6dfa243f35989d3505eb60c107680520f853fa4cab1da88784bc",
    (2, 4): "51f1b4409f12c2e248d766c48c5d960044f0e0496bc3f77c7b8a4f0f97345ed8",
    (2, 5): "25893a9de0ac7f245d1c3b30083da7d28298c6395c2e66626986ff646231454f",
    (2, 8): "2a69f18e5e45c23b5c48851aae5ec2031e3c9834de361097d3c1d993eebf7f45",
    (3, 1): "4627e54304e7de411f1475f2aa46d169bc5304ce4fed2c12f36f200a8de30f1f",
    (3, 2): "f8d87141628791edbf43cdb7fa835528d20e536d20becfdb5e4e4098c0037ee2",
    (3, 4): "3b680822c0f6bb627707c15614fe6c00cb84a4d6cfcf7af611048042199b198e",
    (3, 5): "44f26867c8963bb9f9afa073ab9e02e5769c64868468cf5729df350c31b19e0a",
    (3, 8): "e47d4a1ca9c0cd5568b22d51455c9eaa98cd78b932d50bfa290ee1f9860de75b",
    (4, 1): "0a1dfe0fd46843395f8abfbe4ac43e093f8b598fa994f0d15809ff1579a627a7",
    (4, 2): "26d2d969252de3f79579e4fefeda207f7fbb254d64776853f6c5a2a0943999c2",
    (4, 4): "7c406d49ced515f09a9f216f576b27b8186fcff83b2de29b96db79287d93433f",
    (4, 5): "cb93d1c7905bd091d13a173d221d4190a71a9d8dd3226c4d64c106245e5f3be6",
    (4, 8): "60cbaed8fc41917c6e5c1982d20c2f6d8aaae54d061615cf9a151672530cc582",
    (5, 1): "f1e67f71b22be1795976df9be4953c5186a65afa96624d97882f3b68a5ec6ae4",
    (5, 2): "fd8f1e62de1057ab9c673ac788cf960e69e10b9c3ab64764220455b7b706f81d",
    (5, 4): "bb1e1d6c6b736189a8a8433afbd2cdff112e8876122b0ff636ade0f646f61dde",
    (5, 5): "873cd2cf5f52ad25d530f6a909ab9ff6340af93816ef79e5e490f7b64d4f1f1c",
    (5, 8): "b6a6917c4e8cabf9e9d614c8c8bb58d09e2bfd90933f871e7d655381117487ad",
    (6, 1): "4af0ee2e0db640124fd906cbd06daf951a774bc29a5b9387d07800d73b96ff7e",
    (6, 2): "b3575e194d8671f031584bfea954b7c94d4176022e4ff49cf2e4cd664e236c0e",
    (6, 4): "f708e14c70defa21c69e1e10447437507fc5696bf399956b9a5032cfd9b1ffb1",
    (6, 5): "aa4a14258b4b2d1b5958330f5c790622237e13be83825b89d6ec57320e2b9fa1",
    (6, 8): "6e916a84901156d849991839a357deb44e4b4437c6c62bc38e5432ef510fe0ae",
    (7, 1): "9573aa03aef070dc85e2eadc3fd38bdaf41f88a9448a8ee0bec9e996bc9e53bb",
    (7, 2): "7108e480dd58cbfa213698c06ece1842767efda15fedc2586bde647b5335e042",
    (7, 4): "5ba3f68424d65c747cd32ed3fcce364ec0e2fbeefb2d6975e35848042d34f09b",
    (7, 5): "2b137a8a1a8419dbf76ab257c0febbec01e476d7f19b0c99842ae8968ed5d479",
    (7, 8): "b3454942e679cd011302b12948adb7bb6cc7174cae6d6850652559684e91c377",
    (8, 1): "d3027b2a1a7781ec83465fe3da5ac93a347a84ad4c24ba64d3452a835f50e278",
    (8, 2): "4ab004dc8f66589790bd78776816183f4b51b26643cdc12d255ff6c44c0549b1",
    (8, 4): "ae13416e6a2d844483b11d2c7b1419c8ad94095d30f93c8dc64a9b702d895cca",
    (8, 5): "1cd777b87c232747d77f0dee4ea7665d1ceb148e211a04db94a495bab032d217",
    (8, 8): "e38d6db8e53f9975e026c9b714e92ddecc976bf4b417fb10fd8b5206d14a2281",
    (9, 1): "8dca7d9dc774710412d9cb0d9adaed9d03444d68ef6d3e690bfc0a8349e751ab",
    (9, 2): "50ad5c65f1bea896461677ddcd58e59c574cac9c41509c3e5faddb272acc6901",
    (9, 4): "37451f03d8f529823b84dd9503c59abede3cbb99358b4aa933a4e789d5b26d0f",
    (9, 5): "5c60aa49db6de3e5cd33e544d0776560cf476e60acb9db0838bfee010a4bd4c3",
    (9, 8): "ed1d81c82e0a4fe21476379ce7090c3cb096d7895fc9d23030b0fa25a69da237",
    (10, 1): "e85ba146a2891f14c3157c633ed91a666add646aea17086b1032c794e00fc81f",
    (10, 2): "bf8b9b932477c13c3eaa5719bbadcfe2f50bffd2b16857e3830372e17f13afb8",
    (10, 4): "eb3d15aa1a6202fdabe3b5b931e13671b595d8f15caf2e353ce677b1c115a9b4",
    (10, 5): "8cf51759f305ba849c42be389dbb90a5dd9d69e10e6863ed5916d6d391af3cf6",
    (10, 8): "edce2e4dd0c84ff5bbaa31b9102bb40f7dc70ee2ea1a05103a5470bc3d846969",
}
CHECKSUMS = {FILE.format(*recording): checksum for recording, checksum in CHECKSUMS_OF.items()}

RATE_HZ = 25.0
STREAMS = {
    "text": ["polarity", "emo_watson"],
    "face": ["image_valence"],
    "voice": ["opensmile_valence", "opensmile_arousal"],
}
TARGET = "valence"
CLOCK = "seconds"


def fetch_omg_empathy(data_home=None, *, download_if_missing=True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load features of text, face and voice of conversations, with the listener's rating of how they felt.

    In each of 50 recordings of 4 to 8 minutes one of 10 listeners is told one of 5 stories by an actor: all
    combinations, so that new people and new stories are two questions. The 50 files (25 MB) are downloaded
    once, checked against their SHA-256 and kept.

    Parameters
    ----------
    data_home : str or path-like, optional
        Folder that holds, or will hold, the folder ``omg_empathy``; see :func:`get_data_home`.
    download_if_missing : bool, default=True
        Whether missing files may be downloaded.

    Returns
    -------
    X : pandas.DataFrame of 50 rows
        ``subject``, int: 1 to 10, and ``story``, int: 1, 2, 4, 5 or 8, as in the names of the files, in this
        order. ``text``, ``sequence[float32, 2, 25Hz]``: two sentiments of the words being said, ``polarity``
        and ``emo_watson`` (of IBM's service). ``face``, ``sequence[float32, 1, 25Hz]``: valence of
        the face (``image_valence``). ``voice``, ``sequence[float32, 2, 25Hz]``: ``opensmile_valence`` and
        ``opensmile_arousal``. They are outputs of models, of about -1..1.
    y : pandas.DataFrame of 50 rows
        ``valence``, ``sequence[float64, 1, 25Hz]``, in -1..1: what the listener felt, set by joystick while
        they watched the recording afterwards.

    Raises
    ------
    ValueError
        If the clock of a file repeats, goes back, or does not tick at 25 Hz; if a download is corrupted.
    OSError
        If a file is missing and is not, or cannot be, downloaded.

    Notes
    -----
    A step that has no line in a file would be NaN in all streams and in `y`; the 405,450 lines of these files
    are complete: each recording begins at 0 s and goes on by 0.04 s. The columns ``index`` and ``seconds``
    are this clock, and ``words`` is the text; they are no features.

    Empty cells are NaN, and a step of which only some features were observed stays so. Of the steps, 1.1 %
    lack the text, mostly where nothing more is said, and another 0.1 % ``polarity`` alone; 0.8 % lack the
    voice, and the last of each recording the face. ``opensmile_arousal`` goes up to 5.5. Features jump rather
    than change: those of the face every second, of voice and text every 4 to 9 seconds (median). The rating
    has 8 to 28 distinct values in a recording. The first step of most is 0, before the joystick was read, and
    27 % of all steps are 0. Its standard deviation within a recording is .09 to .68: listeners differ in how
    far they move it, which a model of other people cannot know.

    There is no test split among these files. For new stories leave one story out, for new people one person:
    ``cross_validate(..., groups=X["story"], cv=LeaveOneGroupOut())``, or ``X["subject"]``. With the one, the
    training rows hold the same people; with the other, the same stories.

    Licence: none is stated in the repository of the features; the corpus behind it is for research only. They
    are downloaded for your own research, and no part of this package. Please cite Barros et al. [1]_ for
    the corpus and the makers of the features [2]_. Source: https://github.com/rosielab/omg_empathy

    References
    ----------
    .. [1] P. Barros et al., "The OMG-Empathy dataset: evaluating the impact of affective behavior in
       storytelling", ACII 2019. arXiv 1908.11706.
    .. [2] "EmoCog model for multimodal empathy prediction", submitted to the OMG-Empathy challenge 2019.

    Examples
    --------
    >>> from avfusion.datasets import fetch_omg_empathy
    >>> X, y = fetch_omg_empathy()  # doctest: +SKIP
    >>> X.dtypes  # doctest: +SKIP
    subject                         int64
    story                           int64
    text       sequence[float32, 2, 25Hz]
    face       sequence[float32, 1, 25Hz]
    voice      sequence[float32, 2, 25Hz]
    dtype: object
    """
    files = fetch_files(
        get_data_home(data_home) / FOLDER, BASE_URL, CHECKSUMS, download_if_missing=download_if_missing
    )
    table = pd.concat(map(_read, files.values()), ignore_index=True)
    where = {"recording": ["subject", "story"], "time": CLOCK, "rate_hz": RATE_HZ}
    y = as_sequences(table[["subject", "story", CLOCK, TARGET]], {TARGET: [TARGET]}, np.float64, **where)
    X = as_sequences(table.drop(columns=TARGET), STREAMS, **where)
    return X, y[[TARGET]]


def _read(path):
    """Return the lines of one recording, with its subject and story from the name of the file."""
    subject, story = map(int, re.findall(r"\d+", path.stem))
    columns = [CLOCK, TARGET, *(name for names in STREAMS.values() for name in names)]
    table = pd.read_csv(path, usecols=columns, dtype=np.float64)
    return table.assign(subject=subject, story=story)
