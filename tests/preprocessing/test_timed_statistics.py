"""Statistics of intervals and events against a slow version that looks at every moment."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from avfusion.preprocessing._timed_statistics import timed_statistics

FINE = 64  # moments in a second; times are multiples of 1/8, so that every moment lies within one piece


@st.composite
def rows_of_intervals(draw):
    """Rows of (begin, end, value), times in eighths of a second; some instants, some values not observed."""
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        row = []
        for _ in range(draw(st.integers(0, 5))):
            begin, span = draw(st.integers(0, 40)), draw(st.integers(0, 12))
            row.append((begin / 8, (begin + span) / 8, draw(st.sampled_from([np.nan, 1.0, 2.0, 5.0]))))
        rows.append(row)
    return rows


def compute(rows, n_steps, statistics, max_gap_s=None, start=0.0):
    flat = np.array([frame for row in rows for frame in row]).reshape(-1, 3)
    counts = np.full(len(rows), n_steps)
    begins = np.tile(start + np.arange(n_steps, dtype=float), len(rows))
    lengths = np.array([len(row) for row in rows])
    found = timed_statistics(flat[:, 2:], flat[:, :2], lengths, begins, counts, 1.0, statistics, max_gap_s)
    return found.reshape(len(rows), n_steps, len(statistics))


def slow(row, begin):
    """Mean, share, count, hold and interpolation of one step of a second."""
    seen = sorted((b, e, v) for b, e, v in row if not np.isnan(v))
    moments = begin + (np.arange(FINE) + 0.5) / FINE
    covering = [[v for b, e, v in seen if b <= t < e] for t in moments]
    pieces = [v for values in covering for v in values]
    instants = [v for b, e, v in seen if b == e and begin <= b < begin + 1]
    all_covered = any(b <= t < e for t in moments for b, e, _ in row)
    mean = np.mean(pieces) if pieces else np.mean(instants) if instants and not all_covered else np.nan
    share = np.mean([bool(values) for values in covering])
    count = sum(begin <= b < begin + 1 for b, _, _ in seen)
    centre = begin + 0.5
    past = [(b, e, v) for b, e, v in seen if b <= centre]
    hold = past[-1][2] if past and centre - past[-1][1] <= 1.0 else np.nan
    return [mean, share, count, hold]


@settings(max_examples=150, deadline=None)
@given(rows_of_intervals())
def test_steps_equal_the_slow_version(rows):
    found = compute(rows, 6, ("mean", "share", "count", "hold"), max_gap_s=1.0)
    for row, result in zip(rows, found):
        order = sorted(
            row, key=lambda frame: frame[:2]
        )  # of two that begin together the one that ends later holds
        expected = [slow(order, begin) for begin in range(6)]
        ties = len({b for b, _, _ in row}) < len(row)
        keep = [0, 1, 2] if ties else [0, 1, 2, 3]
        assert_allclose(result[:, keep], np.array(expected)[:, keep], atol=1e-9)


def test_interpolation_bridges_gaps_up_to_a_bound():
    row = [(0.25, 0.25, 0.0), (2.25, 2.25, 4.0), (5.25, 5.25, 10.0)]
    line = np.interp(np.arange(6) + 0.5, [0.25, 2.25, 5.25], [0.0, 4.0, 10.0])
    line[5] = np.nan  # behind the last
    assert_allclose(compute([row], 6, ("interpolate",), max_gap_s=np.inf)[0, :, 0], line)
    line[2:5] = np.nan  # three seconds without anything
    assert_allclose(compute([row], 6, ("interpolate",), max_gap_s=2.0)[0, :, 0], line)


def test_an_interval_has_its_value_beside_a_gap():
    row = [(0.0, 1.8, 3.0), (4.0, 6.0, 7.0)]
    found = compute([row], 7, ("interpolate", "hold"), max_gap_s=1.0)[0]
    assert_allclose(found[:, 0], [3, 3, np.nan, np.nan, 7, 7, np.nan])
    assert_allclose(found[:, 1], [3, 3, 3, np.nan, 7, 7, 7])


def test_values_not_observed_are_looked_through():
    row = [(0.0, 1.0, 1.0), (1.0, 2.0, np.nan), (2.0, 3.0, 3.0)]
    found = compute([row], 3, ("mean", "share", "count", "hold", "interpolate", "max"), max_gap_s=2.0)[0]
    assert_allclose(found[1], [np.nan, 0, 0, 1, 2, np.nan])


def test_order_of_frames_within_a_row_does_not_matter():
    rng = np.random.default_rng(0)
    row = [(b, b + d, v) for b, d, v in zip(rng.random(20) * 9, rng.random(20), rng.normal(size=20))]
    statistics = ("mean", "std", "median", "share", "count", "hold", "interpolate")
    one = compute([row, row[:3]], 9, statistics, max_gap_s=1.0)
    other = compute([row[::-1], row[:3]], 9, statistics, max_gap_s=1.0)
    assert_allclose(one, other, atol=1e-12)
