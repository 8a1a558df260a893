import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.inspection import PredictionDisplay, PredictionPanel

RATE_HZ = 5.0


def sequences(lengths, seed, rate_hz=RATE_HZ):
    rng = np.random.default_rng(seed)
    cells = [None if n is None else rng.normal(size=n) for n in lengths]
    return av.SequenceArray.from_sequences(cells, dtype=np.float64, rate_hz=rate_hz)


@pytest.fixture
def labels():
    """Five rows of two targets: row 1 has no labels, row 3 only NaN."""
    lengths = [6, None, 4, 3, 7]
    arousal, valence = sequences(lengths, 0), sequences(lengths, 1)
    frames = [array.frames.copy() for array in (arousal, valence)]
    frames[0][2:4] = np.nan
    for values in frames:
        values[10:13] = np.nan
    columns = {"arousal": arousal.with_frames(frames[0]), "valence": valence.with_frames(frames[1])}
    return pd.DataFrame(columns, index=list("abcde"))


@pytest.fixture
def predictions():
    lengths = [6, 2, 4, 3, 7]
    columns = {"arousal": sequences(lengths, 2), "valence": sequences(lengths, 3)}
    return pd.DataFrame(columns, index=list("abcde"))


@pytest.fixture(scope="module")
def recordings():
    return av.datasets.make_audiovisual_regression(
        8, duration_s=(9, 15), audio_rate_hz=1, video_rate_hz=1, random_state=0
    )


def draw(*arguments, **options):
    return PredictionDisplay.from_predictions(*arguments, ax=Figure().subplots(), **options)


def cell(frame, row, target):
    return frame[target].array[row].frames[:, 0]


def ccc(true, predicted):
    true, predicted = np.asarray(true), np.asarray(predicted)
    true, predicted = true[~np.isnan(true)], predicted[~np.isnan(true)]
    covariance = np.mean((true - true.mean()) * (predicted - predicted.mean()))
    return 2 * covariance / (true.var() + predicted.var() + (true.mean() - predicted.mean()) ** 2)


class TestSteps:
    def test_lines_are_labels_and_predictions_over_seconds(self, labels, predictions):
        display = draw(labels, {"ridge": predictions}, rows=[4, 0])
        expected = [(4, "arousal"), (4, "valence"), (0, "arousal"), (0, "valence")]
        assert len(display.axes_) == 4
        for (row, target), ax, label, lines in zip(
            expected, display.axes_, display.label_lines_, display.prediction_lines_
        ):
            np.testing.assert_array_equal(label.get_ydata(), cell(labels, row, target))
            np.testing.assert_array_equal(lines["ridge"].get_ydata(), cell(predictions, row, target))
            for line in (label, lines["ridge"]):
                np.testing.assert_array_equal(line.get_xdata(), np.arange(len(line.get_ydata())) / RATE_HZ)
            assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", target)

    def test_unlabelled_steps_are_gaps(self, labels, predictions):
        display = draw(labels, predictions, rows=0, targets="arousal")
        np.testing.assert_array_equal(np.isnan(display.label_lines_[0].get_ydata()), [0, 0, 1, 1, 0, 0])
        assert not np.isnan(display.prediction_lines_[0]["prediction"].get_ydata()).any()

    def test_a_label_between_gaps_is_a_point(self):
        values = np.array([1.0, np.nan, 2.0, 3.0, np.nan, np.nan, 4.0])
        line = draw([values], [np.zeros(7)]).label_lines_[0]
        assert line.get_marker() == "o"
        np.testing.assert_array_equal(line.get_markevery(), [1, 0, 0, 0, 0, 0, 1])
        whole = draw([np.ones(3)], [np.zeros(3)]).label_lines_[0]
        assert whole.get_marker() == "None"

    def test_titles_name_the_row_and_its_ccc(self, labels, predictions):
        display = draw(labels, predictions, rows=[0, 4], targets="arousal")
        for ax, row in zip(display.axes_, (0, 4)):
            expected = ccc(cell(labels, row, "arousal"), cell(predictions, row, "arousal"))
            name = labels.index[row]
            assert ax.get_title(loc="left") == f"{name}: CCC {expected:.2f}"

    def test_several_models_are_told_apart_and_named_in_order(self, labels, predictions):
        models = {"one": predictions, "two": labels, "three": predictions}
        display = draw(labels, models, rows=4, targets="valence")
        lines = display.prediction_lines_[0]
        assert list(lines) == ["one", "two", "three"]
        assert len({line.get_linestyle() + str(line._unscaled_dash_pattern) for line in lines.values()}) == 3
        score = ccc(cell(labels, 4, "valence"), cell(predictions, 4, "valence"))
        assert display.ax_.get_title(loc="left").endswith(f"CCC {score:.2f}, 1.00, {score:.2f}")
        legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert legend == ["label", "one", "two", "three"]

    def test_the_first_labelled_rows_by_default(self, labels, predictions):
        display = draw(labels, predictions)
        assert [panel.row for panel in display.panels] == ["a", "a", "c", "c", "e", "e"]
        many = pd.DataFrame({k: labels["arousal"] for k in range(10)})
        assert len(draw(many, many).panels) == 10  # one row, not three
        assert len(draw(many, many, rows=[0, 2]).panels) == 20

    def test_a_row_without_a_single_label_shows_its_prediction(self, labels, predictions):
        display = draw(labels, predictions, rows=3, targets="arousal")
        assert display.ax_.get_title(loc="left") == "d: no labels"
        assert len(display.prediction_lines_[0]["prediction"].get_ydata()) == 3

    def test_predictions_may_be_missing(self, labels, predictions):
        values = predictions["valence"].array.frames.copy()
        values[-1] = np.nan
        predictions["valence"] = predictions["valence"].array.with_frames(values)
        display = draw(labels, predictions, rows=-1, targets=["valence"])
        assert display.ax_.get_title(loc="left") == "e: CCC none"
        assert np.isnan(display.prediction_lines_[0]["prediction"].get_ydata()[-1])

    def test_targets_by_position_and_in_order(self, labels, predictions):
        display = draw(labels, predictions, rows=0, targets=[1, "arousal"])
        assert [panel.target for panel in display.panels] == ["valence", "arousal"]

    @pytest.mark.parametrize(
        ("rate_hz", "step", "label"), [(None, 1.0, "time (steps)"), (4, 0.25, "time (s)")]
    )
    def test_time_of_plain_arrays(self, rate_hz, step, label):
        display = draw([np.zeros(3)], [np.ones(3)], rate_hz=rate_hz)
        np.testing.assert_array_equal(display.label_lines_[0].get_xdata(), np.arange(3) * step)
        assert display.ax_.get_xlabel() == label
        assert display.panels[0].row == "row 0"

    @pytest.mark.parametrize("form", [np.asarray, list, lambda y: av.as_sequences({"y": y})["y"]])
    def test_the_forms_of_y(self, form):
        values = np.random.default_rng(0).normal(size=(4, 5, 2)).astype(np.float32)
        display = draw(form(values), values, rows=2)
        np.testing.assert_array_equal(display.label_lines_[1].get_ydata(), values[2, :, 1])

    def test_each_target_has_one_scale_over_all_rows(self):
        import matplotlib

        matplotlib.use("agg")
        from matplotlib import pyplot

        y = [np.array([[0.0, 5.0], [1.0, 6.0]]), np.array([[-9.0, 5.0], [3.0, 7.0]])]
        display = PredictionDisplay.from_predictions(y, y)
        limits = [ax.get_ylim() for ax in display.axes_]
        assert limits[0] == limits[2]
        assert limits[1] == limits[3]
        assert limits[0][0] < -9
        assert limits[0][1] > 3
        assert 4 < limits[1][0] < 5
        assert [ax.get_xlabel() for ax in display.axes_] == ["", "", "time (steps)", "time (steps)"]
        pyplot.close(display.figure_)

    def test_nothing_overlaps_with_long_names(self):
        from matplotlib import pyplot

        rng = np.random.default_rng(0)
        name = "self-assessed arousal during the whole conversation with the agent {}"
        y = pd.DataFrame({name.format(k): list(rng.normal(size=(3, 40))) for k in range(2)})
        models = {f"recursive joint attention with {k} recursions and softmax over time": y for k in range(7)}
        rows = [
            f"participant_{k:04d}_session_emotion_elicitation_by_film_clips_camera_3.mp4" for k in range(3)
        ]
        display = PredictionDisplay.from_predictions(y, models, row_names=rows)
        display.figure_.canvas.draw()
        boxes = [ax.get_tightbbox() for ax in display.axes_]
        boxes.append(display.figure_.legends[0].get_window_extent())
        for k, box in enumerate(boxes):
            assert box.x0 >= -1
            assert box.x1 <= display.figure_.bbox.x1 + 1
            assert box.y0 >= -1
            assert not any(box.padded(-1).overlaps(other) for other in boxes[k + 1 :])
        pyplot.close(display.figure_)


class TestClips:
    def test_actual_against_predicted_with_the_diagonal(self):
        y = pd.DataFrame({"vivid": [1.0, 4.0, np.nan, 2.0], "credible": [3.0, 5.0, 6.0, 7.0]})
        predicted = y.fillna(3.0) * 0.5 + 1
        display = draw(y, predicted, name="ridge")
        assert len(display.axes_) == 2
        line = display.prediction_lines_[0]["ridge"]
        np.testing.assert_array_equal(line.get_xdata(), predicted["vivid"])
        np.testing.assert_array_equal(line.get_ydata(), y["vivid"])
        assert line.get_linestyle() == "None"
        np.testing.assert_array_equal(display.label_lines_[1].get_xydata(), [[2.5, 2.5], [7.0, 7.0]])
        ax = display.axes_[0]
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted vivid", "actual vivid")
        assert ax.get_title(loc="left") == f"ridge: CCC {ccc(y['vivid'], predicted['vivid']):.2f}"
        assert ax.get_aspect() == 1

    def test_a_panel_for_each_model(self):
        y = np.array([1.0, 2.0, 4.0])
        display = draw(y, {"one": y, "two": y + 1})
        assert [list(panel.predictions) for panel in display.panels] == [["one"], ["two"]]
        np.testing.assert_array_equal(display.prediction_lines_[1]["two"].get_xdata(), y + 1)

    def test_rows_select_clips(self):
        y = np.arange(5.0)
        display = draw(y, y * 2, rows=[3, 1])
        np.testing.assert_array_equal(
            display.prediction_lines_[0]["prediction"].get_xydata(), [[6, 3], [2, 1]]
        )


class TestFromEstimator:
    def test_predicts(self, recordings):
        X, y = recordings
        model = make_pipeline(av.OnFrames(), av.FrameRegressor()).fit(X, y)
        display = PredictionDisplay.from_estimator(model, X, y, rows=3, ax=Figure().subplots())
        lines = display.prediction_lines_[0]
        assert list(lines) == ["FrameRegressor"]
        np.testing.assert_array_equal(lines["FrameRegressor"].get_ydata(), model.predict(X)[3].frames[:, 0])
        assert display.rate_hz == 1

    def test_several_estimators_and_names_of_rows(self, recordings):
        X, y = recordings
        model = av.FrameRegressor().fit(X, y)
        display = PredictionDisplay.from_estimator(
            {"a": model, "b": model}, X, y, rows=[0, 7], row_names="subject", ax=Figure().subplots()
        )
        assert list(display.prediction_lines_[0]) == ["a", "b"]
        assert [panel.row for panel in display.panels] == ["subject 0, row 0", "subject 1, row 7"]

    def test_predictions_out_of_fold(self, recordings):
        X, y = recordings
        predicted = cross_val_predict(av.FrameRegressor(), X, y, cv=2)
        display = draw(y, predicted, rows=5)
        np.testing.assert_array_equal(
            display.prediction_lines_[0]["prediction"].get_ydata(), np.asarray(predicted[5])[:, 0]
        )

    def test_predictions_of_a_comparison(self, recordings):
        X, y = recordings
        result = av.compare({"ridge": av.FrameRegressor()}, X, y, verbose=False)
        display = draw(y, result.predictions, row_names=X["subject"])
        assert display.panels[0].row == "subject 0, row 0"
        assert np.isfinite(display.panels[0].ccc["ridge"])

    def test_unknown_column_of_names(self, recordings):
        X, y = recordings
        model = av.FrameRegressor().fit(X, y)
        with pytest.raises(ValueError, match=r"row_names='who' is not a column of X. Its columns are"):
            PredictionDisplay.from_estimator(model, X, y, row_names="who")


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"rows": 5}, "rows has 5, but y_true has the rows 0 to 4"),
            ({"rows": -6}, "rows has -6"),
            ({"rows": [0, 1]}, r"y_true has no labels in row 1 \(index 'b'\). Leave it out"),
            ({"rows": "a"}, "rows='a' must be integers from 0 to 4"),
            ({"rows": []}, "must be integers from 0 to 4"),
            ({"rows": [True, False]}, "must be integers from 0 to 4"),
            ({"targets": "trust"}, r"targets has 'trust', but y_true has 'arousal', 'valence'"),
            ({"targets": [0, 2]}, "targets has 2"),
            ({"targets": []}, r"targets=\[\] chooses none"),
            ({"row_names": ["a"]}, "row_names has 1 names, but y_true has 5 rows"),
        ],
    )
    def test_choices(self, labels, predictions, options, message):
        with pytest.raises(ValueError, match=message):
            draw(labels, predictions, **options)

    def test_predictions_that_do_not_fit(self, labels, predictions):
        with pytest.raises(
            ValueError, match="'x' differ from the labels in number of rows: 4, but y_true has 5"
        ):
            draw(labels, {"x": predictions[:4]})
        with pytest.raises(
            ValueError, match="differ from the labels in number of targets: 1, but y_true has 2"
        ):
            draw(labels, predictions[["valence"]])
        with pytest.raises(
            ValueError, match="differ from the labels in kind: per clip, but y_true is per frame"
        ):
            draw(labels, np.zeros((5, 2)))
        with pytest.raises(ValueError, match="carry the same labels in another order: row 2 is 'c'"):
            draw(labels, predictions.iloc[[0, 1, 3, 2, 4]])
        predictions = predictions.iloc[1:].reindex(predictions.index)
        with pytest.raises(
            ValueError, match=r"6 labels in row 0 \(index 'a'\), but the predictions .* are 0"
        ):
            draw(labels, predictions)

    def test_nothing_to_draw(self):
        with pytest.raises(ValueError, match="y_true has no labels"):
            draw([np.full(3, np.nan)], [np.zeros(3)])
        with pytest.raises(ValueError, match="y_pred is an empty dict"):
            draw([np.zeros(3)], {})
        with pytest.raises(ValueError, match="no panels"):
            PredictionDisplay(panels=[]).plot()


def test_parameters_are_attributes_and_plot_returns_the_display():
    panel = PredictionPanel("arousal", np.zeros(2), {"svr": np.ones(2)}, row="a")
    display = PredictionDisplay(panels=[panel], rate_hz=3)
    assert (display.panels, display.rate_hz) == ([panel], 3)
    assert not hasattr(display, "ax_")
    ax = Figure().subplots()
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure


def test_panel_scores_labelled_steps_only():
    labels = np.array([1.0, np.nan, 2.0, 4.0])
    predicted = np.array([1.5, np.nan, 2.5, 3.0])
    panel = PredictionPanel("a", labels, {"x": predicted, "y": predicted * np.nan})
    assert panel.ccc["x"] == pytest.approx(ccc(labels, predicted))
    assert np.isnan(panel.ccc["y"])


def test_importing_the_package_does_not_import_matplotlib():
    code = "import sys, avfusion; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
