import numpy as np
import pytest

from avfusion.sequences import as_sequences

SECONDS = [4.0, 7.6, 2.2, 12.0, 5.0, 9.4]


@pytest.fixture
def recordings():
    """Six recordings: audio at 25 Hz, video at 10 Hz, an absent stream, unobserved frames, metadata."""
    rng = np.random.default_rng(0)
    audio = [rng.normal(3, 2, (round(25 * s), 3)) for s in SECONDS]
    video = [rng.normal(-1, 5, (round(10 * s), 2)) for s in SECONDS]
    video[1] = None
    video[3][30:45] = np.nan
    audio[0][7, 1] = np.nan
    X = as_sequences({"audio": audio, "video": video}, rate_hz={"audio": 25, "video": 10})
    X.insert(1, "subject", list("aabbcc"))
    X["age"] = range(6)
    return X.set_index(np.array([10, 20, 30, 40, 50, 60]))
