import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import avfusion as av
from avfusion.inspection._corruption import with_dropped_steps, with_noise, without_stream


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    audio = [rng.normal(size=(n, 3)) * [1.0, 10.0, 0.0] + 5 for n in (40, 60, 50, 30)]
    video = [rng.normal(size=(n, 2)) for n in (40, 60, 50, 30)]
    audio[2] = None
    return av.as_sequences({"audio": audio, "video": video}, rate_hz=5.0).assign(subject=list("abcd"))


DAMAGES = [without_stream, with_dropped_steps, with_noise]


@pytest.mark.parametrize("damage", DAMAGES)
def test_other_columns_and_the_original_stay(X, damage):
    before = X.copy(deep=True)
    damaged = damage(X, "audio", 0.5, np.random.default_rng(0))
    pd.testing.assert_frame_equal(X, before)
    pd.testing.assert_frame_equal(damaged.drop(columns="audio"), X.drop(columns="audio"))
    assert damaged["audio"].dtype == X["audio"].dtype
    assert damaged["audio"].isna()[2]
    assert not damaged["audio"].equals(X["audio"])


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 5))
def test_shares_are_kept_and_nested(one, other, seed):
    X = av.as_sequences({"audio": [np.ones((7, 1))] * 6, "video": [np.ones((7, 1))] * 5 + [None]})
    small, large = sorted((one, other))
    for damage, lost, total in (
        (without_stream, lambda D: D["audio"].isna().to_numpy(), 5),  # the last row has nothing else
        (with_dropped_steps, lambda D: np.isnan(D["audio"].array.pack().frames[:, 0]), 42),
    ):
        less, more = (lost(damage(X, "audio", s, np.random.default_rng(seed))) for s in (small, large))
        assert (less <= more).all()
        assert (less.sum(), more.sum()) == (round(small * total), round(large * total))


@pytest.mark.parametrize("snr_db", [20.0, 0.0, -6.0])
def test_noise_has_its_ratio_in_every_feature(snr_db):
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(20_000, 2)) * [1.0, 30.0] + [0.0, 7.0]
    frames[::4] = np.nan
    X = av.as_sequences({"audio": [frames]}, dtype=np.float64)
    noise = with_noise(X, "audio", snr_db, np.random.default_rng(1))["audio"].array.pack().frames - frames
    assert (np.isnan(noise) == np.isnan(frames)).all()
    ratio = 10 * np.log10(np.nanvar(frames, axis=0) / np.nanvar(noise, axis=0))
    np.testing.assert_allclose(ratio, snr_db, atol=0.15)
    np.testing.assert_allclose(np.nanmean(noise, axis=0) / np.nanstd(noise, axis=0), 0, atol=0.03)


def test_a_constant_feature_gets_no_noise(X):
    damaged = with_noise(X, "audio", -20.0, np.random.default_rng(0))["audio"].array.pack().frames
    np.testing.assert_array_equal(damaged[:, 2], 5.0)
