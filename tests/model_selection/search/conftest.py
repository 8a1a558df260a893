import os

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from benchmarks.postgresql import Server, programs


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(
        8, recordings_per_subject=2, audio_rate_hz=1, video_rate_hz=1, duration_s=(15, 30), random_state=0
    )


@pytest.fixture
def ridge():
    return make_pipeline(av.OnFrames(StandardScaler()), av.FrameRegressor(Ridge()))


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, X[:, 0] + rng.normal(size=60)


@pytest.fixture(scope="session")
def server():
    """Return a PostgreSQL server of the tests' own, which must be there where AVFUSION_REQUIRE names it."""
    if programs() is None:
        missing = "PostgreSQL's initdb was not found (Debian: apt-get install postgresql)"
        if "postgresql" in os.environ.get("AVFUSION_REQUIRE", ""):
            pytest.fail(missing)
        pytest.skip(missing)
    with Server() as server:
        yield server
