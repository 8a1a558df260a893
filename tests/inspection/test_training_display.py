import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.inspection import TrainingDisplay


@pytest.fixture(scope="module")
def recordings():
    return av.datasets.make_audiovisual_regression(
        8, duration_s=(9, 15), audio_rate_hz=1, video_rate_hz=1, random_state=0
    )


def network(**parameters):
    return av.EarlyFusionRegressor(**{"max_epochs": 4, "hidden_size": 4, "random_state": 0, **parameters})


def draw(estimator):
    return TrainingDisplay.from_estimator(estimator, ax=Figure().subplots())


def test_lines_are_the_history(recordings):
    model = network(early_stopping=True, validation_fraction=0.3).fit(*recordings)
    display = draw(model)
    assert set(display.lines_) == {"train_loss", "valid_loss", "valid_ccc"}
    for key, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, len(model.net_.history) + 1))
        np.testing.assert_array_equal(line.get_ydata(), model.net_.history[:, key])
    assert display.lines_["valid_loss"].axes is display.ax_ is display.axes_[0]
    assert display.lines_["valid_ccc"].axes is display.axes_[1]
    assert display.figure_ is display.ax_.figure


def test_the_best_epoch_is_marked(recordings):
    model = network(early_stopping=True, validation_fraction=0.3, lr=0.1, max_epochs=12, patience=3)
    model.fit(*recordings)
    scores = model.net_.history[:, "valid_ccc"]
    best = int(np.argmax(scores)) + 1
    display = draw(model)
    assert display.best_epoch == best
    for ax in display.axes_:
        marks = [line for line in ax.lines if line.get_linestyle() == ":"]
        assert [list(line.get_xdata()) for line in marks] == [[best, best]]
    diamond = next(line for line in display.axes_[1].lines if line.get_marker() == "D")
    np.testing.assert_array_equal(diamond.get_xydata(), [[best, max(scores)]])
    assert display.axes_[1].get_title(loc="left") == f"best: epoch {best}, CCC {max(scores):.3f}"


def test_without_validation_there_is_one_panel(recordings):
    display = draw(network().fit(*recordings))
    assert len(display.axes_) == 1
    assert display.valid_ccc is None
    assert display.best_epoch is None
    assert set(display.lines_) == {"train_loss"}
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("epoch", "loss (ccc+mse)")


def squared(prediction, target, mask):
    return ((prediction - target)[mask] ** 2).mean()


@pytest.mark.parametrize(("loss", "label"), [("mae", "loss (mae)"), (squared, "loss (squared)")])
def test_the_loss_is_named(recordings, loss, label):
    assert draw(network(loss=loss).fit(*recordings)).ax_.get_ylabel() == label


def test_ticks_are_whole_epochs(recordings):
    display = draw(network(max_epochs=2).fit(*recordings))
    ticks = display.ax_.get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))


def test_a_warm_start_goes_on_counting_and_forgets_the_best_of_before(recordings):
    model = network(early_stopping=True, validation_fraction=0.3, max_epochs=3).fit(*recordings)
    model.set_params(early_stopping=False, warm_start=True).fit(*recordings)
    display = draw(model)
    np.testing.assert_array_equal(display.lines_["train_loss"].get_xdata(), np.arange(1, 7))
    np.testing.assert_array_equal(np.isnan(display.lines_["valid_ccc"].get_ydata()), [False] * 3 + [True] * 3)
    assert display.best_epoch is None


def test_the_network_is_found_in_pipelines_searches_and_wrappers(recordings):
    X, y = recordings
    pipeline = make_pipeline(av.OnFrames(), network())
    search = GridSearchCV(pipeline, {"earlyfusionregressor__lr": [1e-3]}, cv=2).fit(X, y)
    expected = search.best_estimator_[-1].net_.history[:, "train_loss"]
    np.testing.assert_array_equal(draw(search).train_loss, expected)
    rescaled = av.RescaledRegressor(network(), n_splits=2).fit(X, y)
    expected = rescaled.regressor_.net_.history[:, "train_loss"]
    np.testing.assert_array_equal(draw(rescaled).train_loss, expected)


def test_what_trains_no_network_is_refused(recordings):
    X, y = recordings
    with pytest.raises(TypeError, match="Ridge trains no network itself"):
        draw(make_pipeline(av.FrameRegressor(Ridge())).fit(X, y)[-1].regressors_[0])
    late = av.LateFusionRegressor([("trees", av.FrameRegressor(), None)]).fit(X, y)
    message = "LateFusionRegressor trains no network itself, so that there is no history. Pass one of its"
    with pytest.raises(TypeError, match=re.escape(message)):
        draw(late)


@pytest.mark.parametrize("estimator", [network(), make_pipeline(av.OnFrames(), network())])
def test_unfitted_estimators_are_refused(estimator):
    with pytest.raises(NotFittedError):
        draw(estimator)


def test_reads_in_greyscale(recordings):
    display = draw(network(early_stopping=True, validation_fraction=0.3).fit(*recordings))
    styles = [display.lines_[key].get_linestyle() for key in ("train_loss", "valid_loss")]
    assert styles == ["-", "--"]


def test_parameters_are_attributes_and_plot_returns_the_display():
    display = TrainingDisplay(train_loss=[3.0, 2.0], valid_ccc=[0.1, 0.2], best_epoch=2, loss_name="mse")
    assert (display.train_loss, display.valid_loss, display.best_epoch) == ([3.0, 2.0], None, 2)
    assert not hasattr(display, "ax_")
    assert display.plot(ax=Figure().subplots(2)) is display


def test_a_new_figure_without_axes():
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    display = TrainingDisplay(train_loss=[1.0]).plot()
    assert display.figure_ is pyplot.figure(display.figure_.number)
    pyplot.close(display.figure_)
