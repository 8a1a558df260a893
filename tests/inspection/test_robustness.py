import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion.inspection import RobustnessDisplay, robustness_curve
from avfusion.metrics import mean_absolute_error


@pytest.fixture(scope="module", params=["frame", "clip"])
def fitted(request):
    X, y = av.datasets.make_audiovisual_regression(
        10, duration_s=(20, 40), audio_rate_hz=1, video_rate_hz=1, target=request.param, random_state=0
    )
    network = av.EarlyFusionRegressor(max_epochs=20, hidden_size=8, random_state=0)
    return make_pipeline(av.OnFrames(StandardScaler()), network).fit(X, y), X, y


def test_without_damage_it_is_the_models_score(fitted):
    model, X, y = fitted
    curve = robustness_curve(model, X, y, damages=["absent", "dropped"], shares=(0.0, 1.0), n_repeats=2)
    assert curve.undamaged == pytest.approx(model.score(X, y))
    none = curve.table.query("amount == 0")
    assert len(none) == 2 * 2 * 2
    assert (none["score"] == curve.undamaged).all()


def test_scores_are_those_of_the_damaged_rows(fitted):
    model, X, y = fitted
    curve = robustness_curve(model, X, y, damages=["absent"], shares=(1.0,), scoring="mae", n_repeats=1)
    for name in ("audio", "video"):
        gone = X.assign(
            **{name: av.SequenceArray.from_sequences([None] * len(X), width=X[name].array.width, rate_hz=1.0)}
        )
        expected = mean_absolute_error(y, model.predict(gone))
        own = curve.table.query("modality == @name")["score"].item()
        assert own == pytest.approx(expected, rel=1e-5)


def test_draws_do_not_depend_on_what_else_is_asked_for(fitted):
    model, X, y = fitted
    options = {"shares": (0.5,), "snr_db": (0.0,), "n_repeats": 2, "random_state": 3}
    everything = robustness_curve(model, X, y, **options).table
    some = robustness_curve(model, X, y, damages=["noise", "dropped"], modalities=["video"], **options).table
    merged = some.merge(everything, on=["damage", "modality", "amount", "repeat"])
    assert len(merged) == len(some) == 4
    assert (merged["score_x"] == merged["score_y"]).all()
    other = robustness_curve(model, X, y, **{**options, "random_state": 4}).table
    assert (other["score"] != everything["score"]).any()


def test_more_noise_hurts_more(fitted):
    model, X, y = fitted
    curve = robustness_curve(model, X, y, damages=["noise"], snr_db=(40.0, -20.0), n_repeats=3)
    weak, strong = (curve.summary()["score"].xs(amount, level="amount") for amount in (40.0, -20.0))
    assert (weak > strong - 0.02).all()
    assert np.abs(weak - curve.undamaged).max() < 0.05


def test_a_model_that_refuses_damage_has_no_score_there():
    X, y = av.datasets.make_audiovisual_regression(6, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    model = av.FrameRegressor(Ridge()).fit(X, y)
    with pytest.warns(
        UserWarning, match=r"The model refuses rows whose stream 'audio' is corrupted \(dropped\)"
    ) as seen:
        curve = robustness_curve(
            model,
            X,
            y,
            damages=["dropped", "noise"],
            modalities=["audio"],
            shares=(0.0, 0.5, 1.0),
            snr_db=(10.0,),
        )
    assert len([w for w in seen if "refuses" in str(w.message)]) == 1
    mean = curve.summary()["score"]
    assert mean["dropped", "audio"].isna().tolist() == [False, True, True]
    assert mean["noise", "audio"].notna().all()


def test_plot(fitted):
    model, X, y = fitted
    curve = robustness_curve(model, X, y, n_repeats=2)
    display = curve.plot(axes=Figure(figsize=(9, 3)).subplots(1, 3))
    assert isinstance(display, RobustnessDisplay)
    labels = [ax.get_xlabel() for ax in display.axes_]
    assert labels == [
        "share of rows without the stream",
        "share of frames dropped",
        "signal-to-noise ratio (dB)",
    ]
    drawn = display.axes_[1].lines[0].get_ydata()
    np.testing.assert_allclose(drawn, curve.summary().loc[("dropped", "audio"), "score"])
    low, high = sorted(display.axes_[2].get_xlim())
    assert display.axes_[2].get_xlim() == (high, low)
    assert len(curve.plot(axes=Figure().subplots()).axes_) == 3
    with pytest.raises(ValueError, match="ax holds 2 axes, but there are 3 panels"):
        curve.plot(axes=Figure().subplots(2))


def test_errors(fitted):
    model, X, y = fitted
    with pytest.raises(
        ValueError, match="X has no modality 'text'; its sequence columns are 'audio', 'video'"
    ):
        robustness_curve(model, X, y, modalities=["text"])
    with pytest.raises(ValueError, match=r"damages has 'fire'. Choose from 'absent', 'dropped', 'noise'"):
        robustness_curve(model, X, y, damages=["fire"])
    with pytest.raises(ValueError, match="shares has 2, but must hold numbers from 0 to 1"):
        robustness_curve(model, X, y, shares=(2,))
    with pytest.raises(ValueError, match=r"scoring=.* stands for 2 scores, 'ccc', 'mae', but one is needed"):
        robustness_curve(model, X, y, scoring=["ccc", "mae"])
    with pytest.raises(
        ValueError, match=r"lacks sequence columns that .* was fitted on"
    ):  # what the model objects to undamaged
        robustness_curve(model, pd.DataFrame({"text": X["audio"]}), y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scoring": None}, "scoring=None stands for 4 scores"),
        ({"damages": []}, r"damages=\[\] must name one or more of 'absent'"),
        ({"damages": ["noise", "noise"]}, "must name one or more of .* each once"),
        ({"damages": "fire"}, "damages has 'fire'"),
        ({"modalities": []}, r"modalities=\[\] must name one or more different sequence columns"),
        ({"shares": 0.5}, "shares=0.5 must be a sequence of numbers from 0 to 1"),
        ({"shares": ["a"]}, "shares has 'a', but must hold numbers from 0 to 1"),
        ({"shares": "half"}, "shares='half' must be a sequence"),
        ({"shares": []}, r"shares=\[\] must be a sequence of numbers from 0 to 1, of one at least"),
        ({"shares": [np.nan]}, "shares has nan, but must hold numbers from 0 to 1"),
        ({"snr_db": [np.nan]}, "snr_db has nan, but must hold finite numbers of dB"),
        ({"snr_db": [np.inf]}, "snr_db has inf, but must hold finite numbers of dB"),
        ({"snr_db": 10.0}, "snr_db=10.0 must be a sequence of finite numbers"),
        ({"n_repeats": 0}, "n_repeats=0 must be an integer of at least 1"),
        ({"n_repeats": 1.5}, "n_repeats=1.5 must be an integer"),
        ({"random_state": "seed"}, "'seed' cannot be used to seed"),
    ],
)
def test_arguments_are_checked_before_the_model_predicts(fitted, monkeypatch, arguments, message):
    model, X, y = fitted
    monkeypatch.setattr(type(model), "predict", lambda *args: pytest.fail("the model predicted"))
    with pytest.raises(ValueError, match=message):
        robustness_curve(model, X, y, **arguments)


def test_one_name_stands_for_a_list_of_one(fitted):
    model, X, y = fitted
    options = {"shares": (0.5,), "n_repeats": 1}
    one = robustness_curve(model, X, y, damages="dropped", modalities="audio", **options)
    listed = robustness_curve(model, X, y, damages=["dropped"], modalities=["audio"], **options)
    pd.testing.assert_frame_equal(one.table, listed.table)
    unused = robustness_curve(model, X, y, damages="noise", shares=(), snr_db=np.array([5]), n_repeats=1)
    assert set(unused.table["amount"]) == {5.0}


def test_random_state_as_scikit_learn_takes_it(fitted):
    model, X, y = fitted

    def scores(random_state):
        return robustness_curve(
            model, X, y, damages="dropped", shares=(0.5,), n_repeats=1, random_state=random_state
        ).table["score"]

    assert scores(np.random.RandomState(3)).equals(scores(np.random.RandomState(3)))
    assert not scores(None).equals(scores(None))


def test_a_table_has_no_streams():
    X = np.random.default_rng(0).normal(size=(20, 3))
    model = Ridge().fit(X, X[:, 0])
    for table in (X, pd.DataFrame(X), X.tolist()):
        with pytest.raises(ValueError, match=r"X is a table of numbers, which has no streams.*as_sequences"):
            robustness_curve(model, table, X[:, 0])
