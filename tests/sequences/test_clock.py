import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.sequences._clock import check_rate, per_row, per_row_rates, regular_times


@given(st.lists(st.integers(-1, 5)), st.floats(0.1, 100), st.floats(-50, 50))
def test_regular_times_are_begin_and_end_of_each_step(lengths, rate, start):
    n = len(lengths)
    found = regular_times(np.array(lengths, dtype=int), np.full(n, rate), np.full(n, start))
    expected = [
        (start + k / rate, start + (k + 1) / rate) for length in lengths for k in range(max(length, 0))
    ]
    np.testing.assert_allclose(found, np.reshape(expected, (-1, 2)), atol=1e-9)


def test_an_unknown_start_counts_as_zero():
    assert regular_times(np.array([1]), np.array([2.0]), np.array([np.nan])).tolist() == [[0.0, 0.5]]


def test_what_is_known_of_rates():
    assert per_row_rates(None, 2) == (None, None)
    assert per_row_rates(25, 2) == (25.0, None)
    np.testing.assert_array_equal(per_row_rates([25, np.nan], 2)[1], [25, np.nan])
    np.testing.assert_array_equal(per_row(3, 2, "start_s"), [3, 3])


@pytest.mark.parametrize("rate", [0, -1, np.inf, np.nan, "fast", [1]])
def test_other_rates_are_refused(rate):
    with pytest.raises((TypeError, ValueError), match="rate_hz must be"):
        check_rate(rate)
