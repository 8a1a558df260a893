import numpy as np
import pandas as pd
import pytest

from avfusion.metrics import bootstrap_interval, mean_absolute_error
from avfusion.metrics._drawing import Drawing, read_drawing
from avfusion.sequences._targets import as_targets

PEOPLE, VIDEOS = np.divmod(np.arange(12), 3)


def test_one_kind_is_drawn_as_a_whole():
    cells, drawing = read_drawing(["b", "b", "a", "c"], as_targets([1.0, 2.0, 3.0, np.nan]))
    assert cells.tolist() == [0, 0, 1, -1]
    assert drawing.n_groups == 2
    assert drawing.counts(5, np.random.RandomState(0)).sum(axis=1).tolist() == [2] * 5


def test_a_row_counts_as_often_as_its_person_times_its_video():
    cells, drawing = read_drawing(np.stack([PEOPLE, VIDEOS], axis=1), as_targets(np.arange(12.0)))
    counts = drawing.counts(200, np.random.RandomState(0))[:, cells].reshape(200, 4, 3)
    people, videos = counts.sum(axis=2), counts.sum(axis=1)
    # 4 draws of a person, each with the 3 draws of videos
    assert (people.sum(axis=1) == 12).all()
    np.testing.assert_array_equal(counts * 12, people[:, :, None] * videos[:, None])
    assert drawing.n_groups == 3


@pytest.mark.parametrize("order", [1, -1])
def test_sessions_that_each_belong_to_one_person_are_drawn_with_it(order):
    people, sessions = np.repeat(np.arange(3), 4), np.repeat(np.arange(6), 2)
    truth, predicted = np.arange(12.0), np.sin(np.arange(12.0))
    groups = np.stack([people, sessions][::order], axis=1)
    both = bootstrap_interval(truth, predicted, groups=groups, random_state=0)
    assert both == bootstrap_interval(truth, predicted, groups=people, random_state=0)


def test_other_metrics_draw_rows_of_both_kinds():
    truth, predicted = np.arange(12.0), np.arange(12.0) + np.cos(np.arange(12.0))
    groups = pd.DataFrame({"person": PEOPLE, "video": VIDEOS})
    ours = bootstrap_interval(truth, predicted, mean_absolute_error, groups=groups, random_state=0)

    def error(truth, predicted):
        return float(np.mean(np.abs(np.subtract(truth, predicted))))

    own = bootstrap_interval(truth, predicted, error, groups=groups, random_state=1)
    np.testing.assert_allclose(ours, own, atol=0.06)


def test_intervals_of_new_people_and_new_videos_cover():
    """Errors have an effect of the person and of the video: over people alone too few intervals cover."""
    rng, hits = np.random.default_rng(0), {"both": 0, "people": 0}
    people, videos = np.divmod(np.arange(20 * 12), 12)
    for _ in range(200):
        error = 5 + rng.normal(size=20)[people] + rng.normal(size=12)[videos] + rng.normal(size=240)
        truth = np.zeros(240)
        for name, groups in (("both", np.stack([people, videos], axis=1)), ("people", people)):
            options = {"groups": groups, "n_resamples": 300, "random_state": 0}
            low, high = bootstrap_interval(truth, error, mean_absolute_error, **options)
            hits[name] += low <= 5 <= high
    assert hits["both"] >= 184  # 92 %
    assert hits["people"] <= 170


def test_one_video_has_no_interval():
    assert Drawing(np.array([[0, 1, 2], [0, 0, 0]])).n_groups == 1
