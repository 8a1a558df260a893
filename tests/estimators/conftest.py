import numpy as np
import pandas as pd
import pytest

import avfusion as av


@pytest.fixture
def ragged():
    """Six recordings of two streams in step at 1 Hz, audio absent from one and video from another, labels."""
    rng = np.random.default_rng(0)
    lengths = [9, 4, 12, 7, 5, 10]
    audio = [rng.normal(size=(n, 3)) for n in lengths]
    video = [rng.normal(size=(n, 2)) for n in lengths]
    labels = [a[:, 0] + 0.5 * v[:, 1] for a, v in zip(audio, video)]
    audio[1] = video[4] = None
    index = list("abcdef")
    X = av.as_sequences({"audio": audio, "video": video}, rate_hz=1).assign(subject=list("ppqqrr"))
    y = pd.Series(av.SequenceArray.from_sequences(labels, rate_hz=1), name="arousal")
    return X.set_axis(index), y.set_axis(index)
