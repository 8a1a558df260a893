"""Names that people give to the arrays, groups and recordings of a file, and what they stand for."""

import re

#: Names by role, in lower case and without anything but letters and digits.
_WORDS = {
    "features": "features feature feat feats data x values embedding embeddings frames array arr0",
    "names": "featurenames featurename featnames columns columnnames colnames header fieldnames",
    "either": "names",  # of features or of recordings: their number decides
    "ids": "ids id recordings recordingnames filenames files clips clipids videoids segmentids uttids keys",
    "lengths": "lengths length lens seqlengths seqlens sequencelengths nframes nsteps numframes",
    "mask": "mask masks validmask attentionmask",
    "times": "timestamps timestamp times time t timesteps intervals frametimes",
    "rate_hz": "rate ratehz fps framerate hz samplingrate samplerate samplingfrequency fs sr",
    "start_s": "start starts begin offset t0 starttime",
    "labels": "labels label y target targets ratings",
}
_KINDS = {
    "of sound": "samplingrate samplerate samplingfrequency fs sr",
    "target": "valence arousal dominance liking power expectation intensity trustworthiness engagement",
    "partition": "train training valid validation val dev devel development test testing",
    "container": "data features recordings videos clips sequences",
    "aside": "metadata meta info config settings args header attrs about description",
}
_STREAMS = (
    "audio sound acoustic speech voice video vision visual face text language linguistic bert transcript "
    "physio physiology eeg ecg eda gsr bvp emg hr respiration pose gaze hands body glove covarep facet "
    "openface opensmile egemaps mfcc vggish wav2vec arcface"
)
ROLES = {name: role for role, names in _WORDS.items() for name in names.split()}
_NAMES = {kind: frozenset(names.split()) for kind, names in _KINDS.items()}
_STREAM = re.compile(
    rf"({_STREAMS.replace(' ', '|')})[ _-]?(features?|feats?|embeddings?|emb|data)?", re.IGNORECASE
)
_OF_ONE_STREAM = re.compile(r"[a-z]+_labels_(labels_)?(?P<stream>[A-Z])")


def is_a(kind, name):
    """Return whether a name is one of a kind.

    Parameters
    ----------
    kind : str
        "of sound": a rate that may be that of the sound, not of features; "target", "partition"; "container":
        a group that holds recordings, and is none; "aside": a group that holds no recordings.
    name : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_a("partition", "Train"), is_a("container", "clip01")
    (True, False)
    """
    return plain(name) in _NAMES[kind]


def plain(name):
    """Return a name in lower case, without anything but letters and digits.

    Examples
    --------
    >>> plain("Feature_Names")
    'featurenames'
    """
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def stream_of(name):
    """Return the modality that a name says, or None.

    Examples
    --------
    >>> stream_of("audio_features"), stream_of("Vision"), stream_of("clip01")
    ('audio', 'vision', None)
    """
    found = _STREAM.fullmatch(str(name).strip())
    return found[1].lower() if found else None


def target_name(name):
    """Return the target that labels of this name are.

    Examples
    --------
    >>> target_name("labels"), target_name("regression_labels_T"), target_name("valence")
    ('label', 'label_T', 'valence')
    """
    of_one = _OF_ONE_STREAM.fullmatch(name)
    if of_one:
        return f"label_{of_one['stream']}"
    return "label" if ROLES.get(plain(name)) == "labels" or plain(name).endswith("labels") else name
