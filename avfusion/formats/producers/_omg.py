"""Annotations of utterances, as in OMG-Emotion."""

import numpy as np
import pandas as pd

from avfusion.formats._format import Part, Producer
from avfusion.formats._numbers import as_numbers
from avfusion.formats._recording_names import recording_names

_TARGETS = ("arousal", "valence")


def recognises(table):
    """Return whether a table has a row for each utterance, with arousal and valence.

    Examples
    --------
    >>> names = ["link", "start", "end", "video", "utterance", "arousal", "valence", "EmotionMaxVote"]
    >>> recognises(pd.DataFrame(columns=names))
    True
    """
    if not {"video", "utterance", *_TARGETS} <= set(table.columns):
        return False
    return not table.duplicated(["video", "utterance"]).any()


def parts(table):
    """Return the targets of each utterance, which is called VIDEO_UTTERANCE.

    Parameters
    ----------
    table : pandas.DataFrame

    Yields
    ------
    Part
        Without steps. Other columns are metadata.

    Examples
    --------
    >>> table = pd.DataFrame({"video": ["fd41"], "utterance": ["utterance_1.mp4"]})
    >>> table = table.assign(arousal=0.5, valence=0.1)
    >>> part = next(parts(table))
    >>> part.recording, part.targets
    ('fd41_utterance_1', {'arousal': 0.5, 'valence': 0.1})
    """
    targets = {name: as_numbers(table[name], name) for name in _TARGETS}
    others = [name for name in table.columns if name not in _TARGETS]
    words = [[recording_names([value])[0] for value in table[name]] for name in ("video", "utterance")]
    for row, names in enumerate(zip(*words)):
        about = {str(name): table[name].iloc[row] for name in others if pd.notna(table[name].iloc[row])}
        yield Part(
            np.empty((0, 0)),
            recording="_".join(names),
            stream="labels",
            about=about,
            targets={name: float(values[row]) for name, values in targets.items()},
        )


PRODUCER = Producer("OMG-Emotion", recognises, parts)
