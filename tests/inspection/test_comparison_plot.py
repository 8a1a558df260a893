from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge

from avfusion.model_selection import compare
from avfusion.model_selection.comparison._saving import figure_of


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = X[:, 0] + rng.normal(size=60)
    return compare({"one": Ridge(), "two": Ridge(1e4)}, X, y, groups=np.arange(60) % 6, verbose=False)


def draw(result, **options):
    return result.plot(ax=Figure().subplots(), **options)


@pytest.mark.parametrize("score", ["ccc", "rmse"])
def test_values_intervals_and_groups_are_where_the_table_says(result, score):
    ax = draw(result, score=score)
    table = result.table
    diamonds = next(line for line in ax.lines if line.get_marker() == "D")
    np.testing.assert_array_equal(diamonds.get_xdata(), table[score])
    intervals = np.array(ax.collections[0].get_segments())[:, :, 0]
    np.testing.assert_array_equal(intervals, table[[f"{score}_low", f"{score}_high"]])
    points = [line.get_xdata() for line in ax.lines if line.get_marker() == "o"]
    expected = [own[score] for _, own in result.groups.groupby("estimator", sort=False)]
    np.testing.assert_array_equal(points, expected)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
    assert ax.get_xlabel() == f"{score} out of fold"
    assert "95 % interval" in ax.get_title(loc="right")
    assert ax.yaxis_inverted()  # the first estimator is on top


def test_reads_in_greyscale(result):
    for line in draw(result).lines:
        red, green, blue = to_rgb(line.get_color())
        assert red == green == blue


def test_folds_stand_in_for_groups():
    X = np.random.default_rng(0).normal(size=(20, 2))
    result = compare({"one": Ridge()}, X, X[:, 0], verbose=False)
    ax = draw(result)
    assert "points: folds" in ax.get_title(loc="right")
    assert len(next(line for line in ax.lines if line.get_marker() == "o").get_xdata()) == 5


def test_bars_are_standard_deviations_over_seeds_and_points_means():
    X = np.random.default_rng(0).normal(size=(20, 2))
    result = compare({"trees": ExtraTreesRegressor(2)}, X, X[:, 0], n_seeds=2, verbose=False)
    ax = draw(result)
    [bar] = ax.collections[1].get_segments()
    assert np.ptp(bar[:, 0]) == pytest.approx(2 * result.table.loc["trees", "ccc_seed_std"])
    points = next(line for line in ax.lines if line.get_marker() == "o").get_xdata()
    np.testing.assert_allclose(points, result.folds.groupby("fold")["ccc"].mean())
    assert "over seeds" in ax.get_title(loc="right")


def test_a_new_figure_without_axes(result):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    ax = result.plot()
    assert len(ax.figure.axes) == 1
    pyplot.close(ax.figure)


def test_unknown_score_is_refused(result):
    with pytest.raises(ValueError, match="score='r2' is none of the scores 'ccc', 'pcc', 'rmse', 'mae'"):
        draw(result, score="r2")


def test_long_names_leave_room_and_all_text_is_inside():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(24, 2))
    y = X[:, 0] + rng.normal(size=24)
    names = [f"a very long name of an estimator_as_a_configuration_file_would_have_it_v{k}" for k in range(7)]
    models = {name: Ridge(10.0**k) for k, name in enumerate(names)}
    result = compare(models, X, y, groups=np.arange(24) % 8, cv=2, verbose=False)
    figure = figure_of(result)
    figure.draw_without_rendering()
    ax = figure.axes[0]
    inside = ax.get_window_extent()
    assert inside.width > 0.5 * figure.bbox.width
    labels = [label.get_window_extent() for label in ax.get_yticklabels()]
    for box in [*labels, ax.xaxis.label.get_window_extent()]:
        assert figure.bbox.x0 - 1 <= box.x0
        assert box.x1 <= figure.bbox.x1 + 1
    assert not any(one.overlaps(other) for one, other in pairwise(labels))
    assert [label.get_text()[-2:] for label in ax.get_yticklabels()] == [f"v{k}" for k in range(7)]


def test_few_targets_have_panels_and_a_single_axes_the_mean():
    X = np.random.default_rng(0).normal(size=(40, 5))
    models = {"one": Ridge(), "two": Ridge(1e2)}
    two, five = (compare(models, X, X[:, :k], cv=2, scoring="mae", verbose=False) for k in (2, 5))
    axes = two.plot(ax=Figure())
    assert [ax.get_title(loc="left") for ax in axes] == ["target 0", "target 1", "mean of 2 targets"]
    for ax, table in zip(axes, [two.of_target(name).table for name in two.target_names] + [two.table]):
        diamonds = next(line for line in ax.lines if line.get_marker() == "D")
        np.testing.assert_array_equal(diamonds.get_xdata(), table["mae"])
    one = two.plot(ax=Figure().subplots())
    assert one.get_title(loc="right").startswith("mean of 2 targets; diamond")
    assert five.plot(ax=Figure()).get_title(loc="right").startswith("mean of 5 targets; diamond")
    assert len(five.plot(ax=Figure(), target=five.target_names)) == 5
    assert five.plot(ax=Figure(), target="target 3").get_title(loc="right").startswith("target 3; ")
    with pytest.raises(ValueError, match="There is no target 'joy'"):
        five.plot(ax=Figure(), target="joy")
    with pytest.raises(ValueError, match="target is empty"):
        five.plot(ax=Figure(), target=[])
