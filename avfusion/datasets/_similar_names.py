"""Names of recordings that nearly match across modalities, and may be those of one recording."""

import difflib
import re
import unicodedata

from avfusion.sequences._messages import quoted

MOST = 50  # modalities that are compared, each with each
FEW = 200  # names without a partner, up to which those that resemble each other are looked for

_WORDS = re.compile(r"[^\W\d_]+|\d+")
_MEDIA = re.compile(r"[._](wav|flac|ogg|mp[34]|m4[av]|avi|mov|mkv|webm|mpe?g)(?![^\W_])", re.IGNORECASE)
_TOOLS = frozenset(
    [
        "audio",
        "video",
        "visual",
        "face",
        "facial",
        "text",
        "voice",
        "speech",
        "sound",
        "wav",
        "avi",
        "features",
        "feature",
        "feats",
        "feat",
        "labels",
        "label",
        "annotation",
        "annotations",
        "openface",
        "opensmile",
        "egemaps",
        "covarep",
        "mfcc",
        "resnet",
        "vggish",
        "processed",
        "aligned",
        "cropped",
    ]
)


def plain_name(name, more=()):
    """Return the words of a name, in lower case, but for those that name modalities and tools.

    Parameters
    ----------
    name : str
    more : iterable of str
        More words that say nothing of the recording, in lower case.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> plain_name("Clip-01_audio"), plain_name("clip1.openface")
    (('clip', '1'), ('clip', '1'))
    """
    name = _MEDIA.sub(" ", unicodedata.normalize("NFKC", str(name)))
    words = (word.lower() for word in _WORDS.findall(name))
    return tuple(word.lstrip("0") or "0" for word in words if word not in _TOOLS and word not in more)


def near_matches(names):
    """Return pairs of recordings, of two modalities, that may be the same one.

    Parameters
    ----------
    names : dict of str to set of str
        Names of the recordings of each modality.

    Returns
    -------
    list of tuple
        Modality, name, other modality and other name. Neither name is known to the other modality.

    Examples
    --------
    >>> near_matches({"audio": {"clip_1", "b"}, "video": {"Clip01", "b"}})
    [('audio', 'clip_1', 'video', 'Clip01')]
    """
    pairs = []
    modalities = list(names)
    if len(modalities) > MOST:
        return pairs
    words = {str(modality).lower() for modality in modalities}
    for k, one in enumerate(modalities):
        for other in modalities[k + 1 :]:
            mine = sorted(names[one] - names[other])
            theirs = sorted(names[other] - names[one])
            by_plain = {plain_name(name, words): name for name in theirs}
            for name in mine:
                match = by_plain.get(plain_name(name, words))
                if match is None and len(mine) + len(theirs) <= FEW:
                    match = _resembling(name, theirs)
                if match is not None:
                    pairs.append((one, name, other, match))
    return pairs


def _resembling(name, others):
    """Return a name that differs by a letter; numbers that differ are other recordings."""
    digits = re.findall(r"\d+", name)
    same = [other for other in others if re.findall(r"\d+", other) == digits]
    return next(iter(difflib.get_close_matches(name, same, n=1, cutoff=0.85)), None)


def describe_near_matches(pairs):
    """Return what is said of recordings that nearly match.

    Examples
    --------
    >>> describe_near_matches([("audio", "clip_1", "video", "Clip01")])[:70]
    "'clip_1' in 'audio' and 'Clip01' in 'video' may be the same recording."
    """
    one, name, other, match = pairs[0]
    more = f" So may {quoted((name for _, name, _, _ in pairs[1:]), limit=3)}." if pairs[1:] else ""
    return (
        f"{name!r} in {one!r} and {match!r} in {other!r} may be the same recording.{more} Give their files "
        "the same name, or name both in a table recordings.csv."
    )
