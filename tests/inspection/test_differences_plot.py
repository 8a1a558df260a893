"""The forest plot of paired differences."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.linear_model import Ridge

from avfusion.model_selection import compare, paired_differences
from tests.model_selection.comparison.targets import several


@pytest.fixture(scope="module")
def result():
    return several()


def test_values_and_intervals_are_those_of_the_table_around_a_line_at_zero(result):
    ax = result.plot_differences("a", target="arousal", score="mae", ax=Figure().subplots())
    table = paired_differences(result, "a", target="arousal", score="mae")
    segments = np.array(ax.collections[0].get_segments())[:, :, 0]
    np.testing.assert_array_equal(segments, table[["low", "high"]])
    zero, *diamonds = ax.lines
    assert list(zero.get_xdata()) == [0, 0]
    values = np.concatenate([line.get_xdata() for line in diamonds])
    np.testing.assert_array_equal(np.sort(values), np.sort(table["difference"]))
    filled = next(line for line in diamonds if line.get_markerfacecolor() == "black")
    agreed = table["conclusion"].isin(["better", "worse"])
    np.testing.assert_array_equal(filled.get_xdata(), table["difference"][agreed])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "c"]
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "mae: difference to a"
    low, high = ax.get_xlim()
    assert low < segments.min()
    assert high > max(segments.max(), 0)


def test_targets_have_panels_with_one_range(result):
    axes = result.plot_differences("a", ax=Figure())
    assert [ax.get_title(loc="left") for ax in axes] == ["arousal", "valence", "mean", "mean of targets"]
    assert len({ax.get_xlim() for ax in axes}) == 1
    assert [label.get_text() for label in axes[1].get_yticklabels()] == ["", ""]
    texts = [text.get_text() for text in axes[3].texts]
    p = paired_differences(result, "a")["p_holm"]
    assert texts == ["p < .001" if v < 0.001 else f"p = {v:.3f}".replace("0.", ".") for v in p]


def test_long_names_leave_room_and_all_text_is_inside():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(24, 2))
    names = [f"a very long name of an estimator_as_a_configuration_file_has_it_v{k}" for k in range(6)]
    models = {name: Ridge(10.0**k) for k, name in enumerate(names)}
    result = compare(models, X, X + rng.normal(size=X.shape), cv=3, scoring="mae", verbose=False)
    figure = Figure(layout="constrained")
    axes = result.plot_differences(names[0], ax=figure)
    figure.draw_without_rendering()
    for ax in axes:
        assert ax.get_window_extent().width > 0.15 * figure.bbox.width
        texts = [*ax.texts, *ax.get_yticklabels(), ax.xaxis.label]
        for box in (text.get_window_extent() for text in texts if text.get_text()):
            assert figure.bbox.x0 - 1 <= box.x0
            assert box.x1 <= figure.bbox.x1 + 1
        ticks = [tick.get_window_extent() for tick in ax.get_xticklabels()]
        assert not any(one.overlaps(other) for one, other in pairwise(ticks))


def test_unknown_reference_is_refused(result):
    with pytest.raises(ValueError, match="There is no estimator 'd'"):
        result.plot_differences("d", ax=Figure())


def test_a_single_estimator_has_no_differences():
    X = np.random.default_rng(0).normal(size=(20, 2))
    alone = compare({"a": Ridge()}, X, X[:, 0], cv=2, scoring="mae", verbose=False)
    with pytest.raises(ValueError, match="'a' is the only estimator"):
        alone.plot_differences("a", ax=Figure())
