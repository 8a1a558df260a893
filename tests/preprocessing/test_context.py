import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from avfusion.preprocessing import AddContext
from avfusion.sequences import Sequence, _buffers, as_sequences

SLOW = {"mean": np.mean, "std": np.std, "min": min, "max": max}


def cells(X, column):
    """List the frames of each row, None where the stream is missing."""
    return [cell.frames if isinstance(cell, Sequence) else None for cell in X[column]]


def slow_context(frames, n, statistic, centred):
    """Compute a moving statistic, window by window."""
    result = np.full(frames.shape, np.nan)
    back = n // 2 if centred else n - 1
    for i in range(len(frames)):
        window = frames[max(i - back, 0) : i - back + n]
        for d in range(frames.shape[1]):
            seen = window[~np.isnan(window[:, d]), d]
            if len(seen):
                result[i, d] = SLOW[statistic](seen)
    return result


def column(rows, rate_hz=1.0, dtype="float64"):
    return as_sequences({"audio": rows}, dtype=dtype, rate_hz=rate_hz)


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.lists(st.integers(2, 15), min_size=1, max_size=3, unique=True),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_equals_the_slow_version(seed, lengths, widths, centred):
    rng = np.random.default_rng(seed)
    rows = [rng.normal(10, 1, (n, 2)) for n in lengths]
    for row in rows:
        row[rng.random(row.shape) < 0.25] = np.nan
    context = AddContext(widths, ("mean", "std", "min", "max"), centred)
    result = cells(context.fit_transform(column(rows)), "audio")
    for row, found in zip(rows, result):
        expected = [row, *(slow_context(row, n, name, centred) for n in widths for name in SLOW)]
        assert_allclose(found, np.concatenate(expected, axis=1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [2, 5, 21, 60])
def test_centred_windows_are_those_of_pandas(n):
    row = np.random.default_rng(n).normal(size=(100, 3))
    found = cells(AddContext((n,)).fit_transform(column([row])), "audio")[0]
    expected = pd.DataFrame(row).rolling(n, center=True, min_periods=1).mean()
    assert_allclose(found[:, 3:], expected, rtol=1e-10, atol=1e-12)


def test_inner_windows_are_those_of_scipy():
    row = np.random.default_rng(0).normal(size=(300, 2))
    found = cells(AddContext((21,), ("mean", "min", "max")).fit_transform(column([row])), "audio")[0]
    filters = [f(row, 21, axis=0) for f in (uniform_filter1d, minimum_filter1d, maximum_filter1d)]
    assert_allclose(found[10:-10, 2:], np.concatenate(filters, axis=1)[10:-10], atol=1e-12)


def test_long_rows_with_an_offset_keep_their_precision():
    rng = np.random.default_rng(0)
    row = 1e6 + np.cumsum(rng.normal(0, 1e-3, 200_000))[:, None]
    found = cells(AddContext((501,), ("mean", "std")).fit_transform(column([row])), "audio")[0]
    for i in (0, 100, 77_777, 199_999):
        window = row[max(i - 250, 0) : i + 251, 0] - 1e6
        assert_allclose(found[i, 1] - 1e6, window.mean(), rtol=1e-6)
        assert_allclose(found[i, 2], window.std(), rtol=1e-6)


def test_a_loud_row_does_not_disturb_the_next():
    rng = np.random.default_rng(0)
    quiet = rng.normal(0, 1e-9, (50, 1))
    X = column([rng.normal(0, 1e12, (50, 1)), quiet, rng.normal(0, 1e12, (50, 1))])
    context = AddContext((7,), ("mean", "std")).fit(X)
    assert_array_equal(cells(context.transform(X), "audio")[1], cells(context.transform(X[1:2]), "audio")[0])
    assert_allclose(
        cells(context.transform(X), "audio")[1][:, 1:2], slow_context(quiet, 7, "mean", True), rtol=1e-6
    )


@given(
    st.integers(0, 10**6),
    st.integers(-14, 14).filter(bool),
    st.lists(st.integers(0, 9), min_size=1, max_size=5),
)
@settings(max_examples=50, deadline=None)
def test_lags_shift_and_repeat_the_ends(seed, lag, lengths):
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(n, 2)) for n in lengths]
    result = cells(AddContext((), lags_s=(lag,)).fit_transform(column(rows)), "audio")
    for row, found in zip(rows, result):
        expected = [row[min(max(i - lag, 0), len(row) - 1)] for i in range(len(row))]
        assert_array_equal(found, np.concatenate([row, np.reshape(expected, (len(row), 2))], axis=1))


def test_seconds_become_steps_at_the_rate_of_each_column(recordings):
    result = AddContext(widths_s=(0.5,), lags_s=(1.0,)).fit_transform(recordings)
    for name, n in (("audio", 13), ("video", 5)):  # 12.5 steps are rounded up
        for row, found in zip(cells(recordings, name), cells(result, name)):
            if row is None:
                assert found is None
                continue
            moving = slow_context(row.astype(float), n, "mean", True)
            lagged = row[np.maximum(np.arange(len(row)) - recordings[name].dtype.rate_hz, 0).astype(int)]
            assert_allclose(found, np.concatenate([row, moving, lagged], axis=1), rtol=1e-5, atol=1e-5)
    assert result["audio"].dtype.rate_hz == 25
    assert result["video"].dtype.width == 6


def test_recipe_has_four_copies_because_one_step_is_the_feature_itself():
    row = np.random.default_rng(0).normal(size=(80, 2))
    found = cells(AddContext((1, 5, 21, 61)).fit_transform(column([row])), "audio")[0]
    rolling = [pd.DataFrame(row).rolling(n, center=True, min_periods=1).mean() for n in (1, 5, 21, 61)]
    assert_allclose(found, np.concatenate(rolling, axis=1), rtol=1e-10)


def test_causal_windows_do_not_look_ahead():
    row = np.random.default_rng(0).normal(size=(40, 1))
    changed = row.copy()
    changed[25:] += 100
    context = AddContext((5, 11), ("mean", "std", "min", "max"), centred=False, lags_s=(3,))
    before, after = (cells(context.fit_transform(column([r])), "audio")[0] for r in (row, changed))
    assert_array_equal(before[:25], after[:25])


def test_blocks_of_rows_do_not_change_the_answer(recordings, monkeypatch):
    add_context = AddContext((0.5, 1), ("mean", "max"), lags_s=(0.2,))
    whole = add_context.fit_transform(recordings)
    monkeypatch.setattr(_buffers, "BLOCK", 200)
    assert add_context.fit_transform(recordings).equals(whole)


def test_rows_of_one_step_need_no_rate():
    X = as_sequences({"a": [[[1.0, 2.0]], None, [[3.0, 4.0]]]})
    assert AddContext().fit_transform(X).equals(X)


def test_steps_without_a_rate_are_refused():
    X = as_sequences({"a": [[1.0], [1.0, 2.0]]}).set_index(np.array(["p", "q"]))
    with pytest.raises(
        ValueError, match=r"Column 'a', row 1 \(index 'q'\): 2 steps without a rate.*\{'a': 25\}"
    ):
        AddContext().fit(X)


def test_another_rate_than_in_fit_is_refused():
    context = AddContext((2,)).fit(column([[1.0, 2.0]], rate_hz=25))
    with pytest.raises(ValueError, match=r"Column 'audio' has a rate of 30.0 Hz, but .* 25.0 Hz\. .*Align"):
        context.transform(column([[1.0, 2.0]], rate_hz=30))


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (AddContext(widths_s=(0.001,)), "Column 'audio': 0.001 s is less than one step at 25.0 Hz"),
        (AddContext(lags_s=(0,)), "0 s is less than one step"),
        (AddContext(widths_s=(-3,)), "widths_s must be a tuple of positive numbers"),
        (AddContext(widths_s=5), "widths_s must be a tuple of positive numbers"),
        (AddContext(widths_s=(1, float("inf"))), "widths_s must be a tuple of positive numbers"),
        (AddContext(widths_s=("5 s",)), "widths_s must be a tuple of positive numbers"),
        (AddContext(lags_s=5), "lags_s must be"),
        (AddContext(lags_s=(float("nan"),)), "lags_s must be"),
        (
            AddContext(statistics=("median",)),
            "no statistic 'median'. Choose from mean, std, min, max",
        ),
    ],
)
def test_parameters_are_checked(recordings, context, message):
    with pytest.raises(ValueError, match=message):
        context.fit(recordings)
