import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from avfusion.inspection._panels import fitted_text, line_styles, name_lines, panel_axes


def test_styles_of_many_models_differ_in_dashes_or_lightness():
    styles = line_styles([f"model {k}" for k in range(30)])
    assert len({(style["color"], style["linestyle"]) for style in styles.values()}) == 30
    dashes = [style["linestyle"] for style in styles.values()]
    assert len(set(dashes[:6])) == 6
    grey = [np.dot([0.299, 0.587, 0.114], to_rgb(style["color"])) for style in styles.values()]
    assert abs(grey[6] - grey[0]) > 0.15  # the first pair with equal dashes


def test_a_new_figure_has_a_panel_per_place_row_by_row():
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    axes = panel_axes(None, 5, n_columns=2, panel_size=(4.0, 2.0))
    places = [(ax.get_subplotspec().rowspan.start, ax.get_subplotspec().colspan.start) for ax in axes]
    assert places == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    np.testing.assert_allclose(axes[0].figure.get_size_inches(), (8.0, 6.0))
    pyplot.close(axes[0].figure)


def test_one_axes_is_divided_and_hidden():
    left, right = Figure().subplots(1, 2)
    axes = panel_axes(right, 4, n_columns=2, panel_size=(1, 1))
    outer = right.get_position()
    for ax in axes:
        inner = ax.get_position()
        assert outer.x0 - 1e-9 <= inner.x0 < inner.x1 <= outer.x1 + 1e-9
        assert outer.y0 - 1e-9 <= inner.y0 < inner.y1 <= outer.y1 + 1e-9
    assert not right.axison
    assert left.axison


def test_given_axes_are_used_as_they_are():
    grid = Figure().subplots(2, 2)
    assert list(panel_axes(grid, 4, n_columns=1, panel_size=(1, 1))) == list(grid.ravel())
    ax = Figure().add_axes((0, 0, 1, 1))
    assert panel_axes(ax, 1, n_columns=1, panel_size=(1, 1))[0] is ax


def test_axes_that_do_not_suit_are_refused():
    with pytest.raises(ValueError, match="ax holds 2 axes, but there are 3 panels"):
        panel_axes(Figure().subplots(2), 3, n_columns=1, panel_size=(1, 1))
    with pytest.raises(ValueError, match="Give an array of 3 axes"):
        panel_axes(Figure().add_axes((0, 0, 1, 1)), 3, n_columns=1, panel_size=(1, 1))


@given(st.text(max_size=200), st.integers(4, 40), st.integers(1, 3))
def test_text_fits(text, n_characters, n_lines):
    fitted = fitted_text(text, n_characters, n_lines).replace(r"\$", "$")
    lines = fitted.split("\n")
    assert len(lines) <= n_lines
    assert max(map(len, lines)) <= n_characters


@given(st.lists(st.text("abcdefgh_", min_size=1, max_size=8), min_size=1, max_size=9))
def test_text_with_room_is_kept(words):
    text = " ".join(words)
    assert fitted_text(text, len(text)) == text
    assert fitted_text(text, 8, n_lines=9).split() == words


def test_both_ends_of_a_long_name_stay():
    fitted = fitted_text("participant_0007_session_emotion_elicitation_camera_3.mp4", 24)
    assert fitted.startswith("participant")
    assert fitted.endswith("3.mp4")


def test_dollars_in_names_are_no_mathematics():
    figure = Figure()
    title = figure.subplots().set_title(fitted_text("cost_$x_$y", 30))
    figure.draw_without_rendering()
    assert title.get_text() == r"cost_\$x_\$y"


def test_the_figure_grows_by_its_legend():
    from matplotlib import pyplot

    heights = []
    for n_names in (1, 6):
        axes = panel_axes(None, 1, n_columns=1, panel_size=(4.0, 2.0))
        handles = [axes[0].plot([0, 1])[0] for _ in range(n_names)]
        name_lines(
            axes, True, [f"a name that takes about half the width {k}" for k in range(n_names)], handles
        )
        figure = axes[0].figure
        figure.draw_without_rendering()
        heights.append(axes[0].get_window_extent().height)
        legend = figure.legends[0].get_window_extent()
        assert legend.y0 >= axes[0].get_window_extent().y1
        assert legend.x1 <= figure.bbox.x1
        pyplot.close(figure)
    assert heights[1] > 0.85 * heights[0]
