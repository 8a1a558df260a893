"""Curves over time: per level, and one smooth one."""

import numpy as np
import pandas as pd

from avfusion.estimators._step_means import grid_of, smooth_course, step_means
from avfusion.sequences._label_clock import RowClock


def test_steps_count_from_the_begin_where_no_clock_is_known():
    assert grid_of(None, np.array([2, -1, 3])).tolist() == [0, 1, 0, 1, 2]


def test_starts_and_rates_place_steps_on_one_grid():
    clock = RowClock(np.array([4.0, 2.0]), np.array([10.0, np.nan]))
    assert grid_of(clock, np.array([3, 2])).tolist() == [40, 41, 42, 0, 2]


def test_means_are_those_of_pandas():
    rng = np.random.default_rng(0)
    values, level, step = rng.normal(size=(50, 1)), rng.integers(0, 3, 50), rng.integers(-2, 4, 50)
    found = step_means(values, None, level, step)
    expected = pd.DataFrame({"y": values[:, 0], "l": level, "s": step}).groupby(["l", "s"])["y"].mean()
    for (own_level, own_step), mean in expected.items():
        np.testing.assert_allclose(found.of(np.array([own_level]), np.array([own_step])), mean)
    assert np.isnan(found.of(np.array([0, -1]), np.array([99, 0]))).all()


def test_a_course_is_found_in_noise():
    rng = np.random.default_rng(0)
    position = np.tile(np.arange(100), 400)
    truth = np.sin(position / 15)
    course = smooth_course((truth + rng.normal(size=len(truth)))[:, None], None, position)
    assert np.abs(course.at(np.arange(100))[:, 0] - np.sin(np.arange(100) / 15)).max() < 0.15


def test_weights_are_repeated_labels():
    rng = np.random.default_rng(0)
    values, position, times = rng.normal(size=(30, 1)), np.arange(30), rng.integers(1, 4, 30)
    weighted = smooth_course(values, times[:, None].astype(float), position)
    repeated = smooth_course(np.repeat(values, times, axis=0), None, np.repeat(position, times))
    at = np.linspace(-5, 40, 20)
    np.testing.assert_allclose(weighted.at(at), repeated.at(at), rtol=0, atol=1e-6)


def test_few_steps_and_targets_with_other_labels():
    values = np.array([[1.0, np.nan], [3.0, 5.0], [2.0, np.nan]])
    course = smooth_course(values, None, np.array([0, 1, 1]))
    np.testing.assert_allclose(course.at(np.array([0.0, 7.0])), [[2.0, 5.0]] * 2)
