"""Numbers per step of what a file holds, or the reason why it is none."""

import numpy as np
import pandas as pd
import pytest

from avfusion.formats._format import Part
from avfusion.formats._steps import as_steps, bounded, check_size, n_bytes, part_of, texts_of

FRAMES = np.random.default_rng(0).normal(size=(5, 3))


@pytest.mark.parametrize("shape", [(5, 3), (1, 5, 3), (5, 1, 3), (5, 3, 1, 1)])
def test_axes_of_length_one_are_no_axes(shape):
    np.testing.assert_array_equal(as_steps(FRAMES.reshape(shape)), FRAMES)


@pytest.mark.parametrize(
    ("values", "error", "reason"),
    [
        (np.zeros((2, 5, 3)), ValueError, r"not the shape \(2, 5, 3\)"),
        (np.zeros((1, 5, 1)), ValueError, r"not the shape \(1, 5, 1\)"),  # one step, or one feature
        (np.float64(1), ValueError, "axes"),
        (np.zeros((0, 3)), ValueError, "holds no numbers"),
        (np.zeros((3, 0)), ValueError, "holds no numbers"),
        (np.array([1j]), TypeError, "complex numbers, not real"),
        (np.array(["a"]), TypeError, "text, not real"),
        (np.array(["2020-01-01"], dtype="M8[D]"), TypeError, "dates, not real"),
        (np.array([{}, 1]), TypeError, r"Python objects \(dict\)"),
        (np.zeros(2, dtype=[("a", "f4", 3)]), TypeError, "field 'a'"),
        (np.zeros((2, 2), dtype=[("a", "f4")]), ValueError, "Records"),
    ],
)
def test_what_is_no_steps_is_refused(values, error, reason):
    with pytest.raises(error, match=reason):
        as_steps(values)


def test_objects_that_are_numbers_or_missing():
    np.testing.assert_array_equal(as_steps(np.array([1, None, 2.5], dtype=object)), [1, np.nan, 2.5])
    assert as_steps(np.array([True, False])).tolist() == [True, False]


def test_records_are_a_table_with_names():
    part = part_of(np.array([(0.5, b"x"), (1.0, b"y")], dtype=[("F0", "f8"), ("word", "S1")]))
    assert part.named
    pd.testing.assert_frame_equal(
        part.values, pd.DataFrame({"F0": [0.5, 1.0], "word": ["x", "y"]}), check_dtype=False
    )


def test_names_and_times_become_columns():
    part = part_of(FRAMES, list("abc"), np.arange(5) / 2, rate_hz=2.0)
    assert (part.named, part.rate_hz) == (True, 2.0)
    assert list(part.values) == ["timestamp", "a", "b", "c"]
    part = part_of(FRAMES, None, np.arange(10).reshape(5, 2))
    assert not part.named
    assert list(part.values) == ["start_time", "end_time", 0, 1, 2]
    np.testing.assert_array_equal(part.values[[0, 1, 2]], FRAMES)


def test_features_on_the_first_axis_are_turned_where_only_that_fits():
    np.testing.assert_array_equal(part_of(FRAMES.T, list("abc")).values, FRAMES)
    square = FRAMES[:3]
    np.testing.assert_array_equal(part_of(square, list("abc")).values, square)


@pytest.mark.parametrize(
    ("names", "times", "reason"),
    [
        (list("ab"), None, "2 names for 3 features"),
        (list("aba"), None, "the name 'a'"),
        (None, np.arange(4), "4 times for 5 steps"),
        (["a", "timestamp", "b"], np.arange(5), "two clocks"),
    ],
)
def test_names_and_times_that_do_not_fit(names, times, reason):
    with pytest.raises(ValueError, match=reason):
        part_of(FRAMES, names, times)


def test_texts():
    assert texts_of(np.array(["a ", "b\0"])) == ["a", "b"]
    assert texts_of(np.array([b"a", "b"], dtype=object)) == ["a", "b"]
    assert texts_of(np.zeros(2)) is None
    assert texts_of(["a", None]) is None


def test_sizes_are_counted_without_overflow():
    assert n_bytes((2**40, 2**40), np.dtype("f8")) == 2**83
    check_size(2**28, 1)
    check_size(10**12, 10**10)
    with pytest.raises(ValueError, match="would take 268,435,457 bytes in memory, but has 10"):
        check_size(2**28 + 1, 10)


def test_contents_that_are_repeated_too_often_end():
    part = Part(np.zeros(2**24))
    with pytest.raises(ValueError, match="would take"):
        for _ in bounded([part] * 10, 100):
            pass
