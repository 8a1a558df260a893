"""Frame numbers: gaps become steps of NaN, repeated frames are refused."""

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets._frame_numbers import clock_of, lead_of_frames, spread, steps_of_frames


@pytest.mark.parametrize(
    ("columns", "steps"),
    [
        ({"frame": [1, 2, 3, 7]}, [0, 1, 2, 6]),
        ({"frame": [3, 4, 5]}, [2, 3, 4]),  # the first frames are missing, too
        ({"frame": [1001, 1002, 1004]}, [0, 1, 3]),  # a part of something longer
        ({"frame_id": [0.0, 10.0, 30.0]}, [0, 1, 3]),
        ({"frame": [1, 2, 3]}, None),
        ({"frame": [0, 5, 10]}, None),
        ({"frame": [0, 2, 5]}, None),  # no even spacing
        ({"frame": [1, 2, np.nan, 4]}, None),
        ({"frame": [0, 0, 0]}, None),
        ({"frame": [3]}, None),
        ({"timestamp": [0, 1, 5], "row": [1, 2, 9]}, None),
    ],
)
def test_steps_of_rows(columns, steps):
    found = steps_of_frames(pd.DataFrame(columns))
    assert (found if found is None else found.tolist()) == steps


def test_repeated_and_disordered_frames_are_refused():
    with pytest.raises(
        ValueError, match=r"'frame' has 2 after 2 in step 2 \(by 'face_id', of several faces\?\): "
    ):
        steps_of_frames(pd.DataFrame({"frame": [1, 2, 2, 3], "face_id": [0, 0, 1, 0]}))
    with pytest.raises(ValueError, match=r"'frame' has 1 after 2 in step 1: .* remove the column\.$"):
        steps_of_frames(pd.DataFrame({"frame": [2, 1]}))


def test_rows_come_to_their_steps():
    steps = np.array([0, 3])
    np.testing.assert_array_equal(spread(np.array([[1.0, 2.0], [3.0, 4.0]]), steps)[[0, 3]], [[1, 2], [3, 4]])
    assert np.isnan(spread(np.ones((2, 2)), steps)[1:3]).all()
    assert spread(np.array([True, True]), steps).tolist() == [True, False, False, True]
    assert spread(pd.DataFrame({"frame": [4, 7]}), steps)["frame"].isna().tolist() == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("columns", "rate", "steps", "start"),
    [
        ({"timestamp": [0, 500, 1500]}, 2, [0, 1, 3], None),  # milliseconds, as the rate shows
        ({"timestamp": [0, 500, 1500]}, None, [0, 1, 3], None),
        ({"timestamp": [15.5, 16.0, 16.5, 17.5]}, 2, [0, 1, 2, 4], 15.5),
        ({"time": [0.04, 0.08, 0.12]}, 25, None, None),  # ends of steps
        ({"time": [0.0, 0.7, 9.3, 9.4]}, None, None, None),  # does not tick
        ({"value": [0.0, 1.0, 3.0]}, 1, None, None),
    ],
)
def test_steps_by_a_clock(columns, rate, steps, start):
    found, ticks = clock_of(pd.DataFrame(columns), rate)
    assert (found if found is None else found.tolist()) == steps
    assert ticks.start_s == start
    assert rate is None or ticks.rate_hz == rate


@pytest.mark.parametrize(
    ("columns", "rate"),
    [
        ({"timestamp": np.arange(30) / 30}, 30),
        ({"time_ms": np.arange(30) * 40}, 25),
        ({"timestamp": np.arange(30) * 500}, None),  # seconds or milliseconds
        ({"start": [0.0, 0.5, 1.0], "end": [0.5, 1.0, 1.5]}, 2),
        ({"frame": np.arange(30)}, None),
        ({"time": [0.0, 0.7, 9.3, 9.4]}, None),
    ],
)
def test_the_rate_at_which_a_clock_ticks(columns, rate):
    assert clock_of(pd.DataFrame(columns))[1].rate_hz == rate


@pytest.mark.parametrize(
    ("columns", "rate", "message"),
    [
        ({"time": [3.0, 2.0, 1.0]}, 1, "'time' has 2 after 3 s in step 1"),
        ({"timestamp": [0.0, 0.0, 0.04], "face_id": [0, 1, 0]}, 25, "of several faces"),
        ({"timestamp": np.delete(np.arange(300), range(50, 80)) / 29}, 25, "rate_hz is 25, but the times"),
        ({"timestamp": np.arange(60) / 8}, 25, "rate_hz is 25, but the times"),
    ],
)
def test_clocks_that_contradict_are_refused(columns, rate, message):
    with pytest.raises(ValueError, match=message):
        clock_of(pd.DataFrame(columns), rate)


@pytest.mark.parametrize(
    ("columns", "times"),
    [
        ({"time": [0.0, 0.7, 9.3, 9.4]}, [0.0, 0.0, 0.7, 0.7, 9.3, 9.3, 9.4, 9.4]),
        ({"time": [0.0, 0.1, 0.35, 0.5]}, [0.0, 0.0, 0.1, 0.1, 0.35, 0.35, 0.5, 0.5]),
        ({"start_time": [0.0, 0.3, 1.0], "end_time": [0.3, 0.5, 1.2]}, [0.0, 0.3, 0.3, 0.5, 1.0, 1.2]),
        ({"start_ms": [0, 300, 1000], "end_ms": [300, 500, 1200]}, [0.0, 0.3, 0.3, 0.5, 1.0, 1.2]),
        ({"onset": [0.0, 0.3, 1.0], "duration": [0.3, 0.2, 0.2]}, [0.0, 0.3, 0.3, 0.5, 1.0, 1.2]),
    ],
)
def test_steps_at_no_rate_keep_their_times(columns, times):
    steps, ticks = clock_of(pd.DataFrame(columns))
    assert steps is None
    assert ticks.rate_hz is None
    np.testing.assert_allclose(ticks.times_s.ravel(), times)


def test_a_clock_may_begin_before_zero():
    assert clock_of(pd.DataFrame({"time": np.arange(20) / 10 - 0.5}))[1].start_s == -0.5
    assert clock_of(pd.DataFrame({"time": np.arange(20) / 10 - 0.05}))[1].start_s is None  # of its middle


def test_a_time_that_is_missing_is_refused_unless_another_clock_has_it():
    holes = [0.0, np.nan, 0.08, 0.12]
    with pytest.raises(ValueError, match="'time' has no value in step 1: fill it in"):
        clock_of(pd.DataFrame({"time": holes}))
    steps, ticks = clock_of(pd.DataFrame({"time": holes, "time_ms": [0, 40, 80, 160]}))
    assert steps.tolist() == [0, 1, 2, 4]
    assert ticks.rate_hz == 25


def test_whole_numbers_at_no_rate_that_may_be_milliseconds_are_refused():
    with pytest.raises(ValueError, match=r"seconds or milliseconds\? Name the column start_s or start_ms"):
        clock_of(pd.DataFrame({"start": [0, 310, 900, 1300], "end": [300, 400, 950, 1500]}))
    words = pd.DataFrame({"start": [0, 3, 9, 13], "end": [2, 4, 10, 15]})
    assert clock_of(words)[1].times_s.tolist() == words.to_numpy().tolist()


@pytest.mark.parametrize(
    ("columns", "lead"),
    [
        ({"frame": [101, 102, 104]}, 100),
        ({"frame": [3, 4, 5]}, 0),  # these begin with steps of NaN
        ({"frame": [100, 105, 110]}, 0),
        ({"frame": [101, 102, 104], "timestamp": [0.0, 0.04, 0.12]}, 0),
        ({"frame": [101, 102, 104], "timestamp": [0.0, 0.0, 0.0]}, 100),
        ({"image": ["v/0101.jpg", "v/0102.jpg", "v/0104.jpg"]}, 100),
    ],
)
def test_frames_before_a_part(columns, lead):
    assert lead_of_frames(pd.DataFrame(columns)) == lead


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["v1/00001.jpg", "v1/00002.jpg", "v1/00005.jpg"], [0, 1, 4]),
        (["frame_7.PNG", "frame_8.PNG", "frame_10.PNG"], [0, 1, 3]),
        (["a.jpg", "b.jpg", "c.jpg"], None),
        (["s1.wav", "s2.wav", "s5.wav"], None),
        (["v1/2.jpg", "v2/1.jpg", "v2/5.jpg"], None),  # of two videos
    ],
)
def test_names_of_images_number_the_frames(names, steps):
    found = steps_of_frames(pd.DataFrame({"filename": names}))
    assert steps is None if found is None else found.tolist() == steps
