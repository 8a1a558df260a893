"""The automatic estimator as users meet it; what every estimator promises is in tests/test_contract.py."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion import persistence
from avfusion.cli._estimators import read_estimators
from avfusion.fusion._auto import _candidates

RIDGE = make_pipeline(av.Functionals(("mean", "std")), Ridge())
TREES = make_pipeline(av.Functionals(("mean",)), ExtraTreesRegressor(10, random_state=0))


@pytest.fixture
def without_networks(monkeypatch):
    """Only what is fitted in a moment."""
    monkeypatch.setattr(_candidates, "N_TREES", 5)
    monkeypatch.setattr(_candidates, "_networks", lambda *args: [])


def clips(n=40, **options):
    return av.datasets.make_audiovisual_regression(
        n, target="clip", duration_s=(6, 9), random_state=0, **options
    )


def frames(n=8, **options):
    return av.datasets.make_audiovisual_regression(
        n, recordings_per_subject=2, duration_s=(20, 30), random_state=0, **options
    )


def table(n=120, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, 4))
    return X, X[:, 0] - 2 * X[:, 1]


def test_a_linear_table_is_solved_by_ridge():
    model = av.AutoFusionRegressor(random_state=0).fit(*table())
    X, y = table(seed=1)
    assert model.score(X, y) > 0.99
    assert max(model.chosen_, key=model.chosen_.get) == "ridge"
    assert model.fusion_gain_ is None
    assert model.scoring_ == "mae"


def test_trees_are_chosen_where_lines_see_nothing():
    X, _ = table(300)
    X, y = X[:200], np.sign(X[:, 0] * X[:, 1])[:200]
    model = av.AutoFusionRegressor(random_state=0).fit(X, y)
    assert model.chosen_.get("ridge", 0.0) < 0.2
    assert model.report_.loc["combination", "mae"] < model.report_.loc["ridge", "mae"]


def test_rates_may_differ_and_streams_be_absent(without_networks):
    X, y = frames(audio_rate_hz=10, video_rate_hz=4, audio_absent_share=0.2, video_absent_share=0.2)
    model = av.AutoFusionRegressor(groups="subject", random_state=0).fit(X, y)
    predictions = model.predict(X)
    assert predictions.dtype == y.dtype
    assert predictions.array.lengths.tolist() == y.array.lengths.tolist()
    assert model.scoring_ == "ccc"
    assert model.rate_hz_ is None
    assert {"ridge", "ridge-audio", "boosting-video"} <= set(model.report_.index)
    assert model.fusion_gain_.best_single in model.report_.index


def test_a_clip_without_any_stream_gets_the_mean_label(without_networks):
    X, y = clips()
    model = av.AutoFusionRegressor({"ridge": RIDGE}).fit(X, y)
    absent = X.assign(**{name: X[name].where(X.index > 0) for name in ("audio", "video")})
    assert model.predict(absent)[0] == pytest.approx(y.mean())


def test_groups_are_never_on_both_sides(without_networks):
    X, y = clips(24)
    seen = []

    class Watching(Ridge):
        def fit(self, X, y, sample_weight=None):
            seen.append(len(y))
            return super().fit(X, y)

    watching = make_pipeline(av.Functionals(("mean",)), Watching())
    groups = np.repeat(["a", "b", "c"], [4, 8, 12])
    for own, given in (({}, groups), ({"groups": "who"}, None)):
        seen.clear()
        av.AutoFusionRegressor({"ridge": watching}, **own).fit(X.assign(who=groups), y, groups=given)
        assert sorted(seen) == [12, 16, 20, 24]


def test_people_are_held_out_together_without_being_asked():
    X, y = clips(24, recordings_per_subject=6)
    y = y + X["subject"].map(dict(zip(X["subject"].unique(), (0.0, 8.0, 1.0, 9.0))))
    known = {"who": (make_pipeline(av.Functionals(("mean",)), Ridge()), "voice")}
    codes = X["subject"].factorize()[0]
    voice = av.SequenceArray.from_sequences([np.eye(4)[[code]] for code in codes], rate_hz=1.0)
    X = X.assign(voice=voice)
    model = av.AutoFusionRegressor(known).fit(X, y)
    by_rows = av.AutoFusionRegressor(known, cv=KFold(5)).fit(X, y)
    assert model.report_.loc["who", "mae"] > 2 * by_rows.report_.loc["who", "mae"]  # no use for new people
    named = av.AutoFusionRegressor(known, groups="subject").fit(X, y)
    pd.testing.assert_frame_equal(model.report_.drop(columns="fit_s"), named.report_.drop(columns="fit_s"))


def test_no_budget_still_leaves_a_model():
    X, y = clips()
    model = av.AutoFusionRegressor(budget_s=0, random_state=0).fit(X, y)
    left_out = model.report_["note"] == "left out: budget_s"
    assert left_out.sum() == len(model.report_) - 3  # constant, ridge, combination
    assert np.isfinite(model.predict(X)).all()


def test_a_fit_goes_on_from_its_folder(tmp_path, without_networks):
    X, y = clips(20)
    first, again = (av.AutoFusionRegressor(resume=tmp_path, random_state=0).fit(X, y) for _ in range(2))
    fresh = av.AutoFusionRegressor(random_state=0).fit(X, y)
    np.testing.assert_array_equal(first.predict(X), again.predict(X))
    np.testing.assert_array_equal(first.predict(X), fresh.predict(X))
    assert again.report_["fit_s"].equals(first.report_["fit_s"])  # as kept, not measured again
    assert not fresh.report_["fit_s"].equals(first.report_["fit_s"])


def test_candidates_of_ones_own_join_the_default_ones(without_networks):
    X, y = clips()
    model = av.AutoFusionRegressor({"default": "default", "mine": (TREES, "video")}).fit(X, y)
    assert model.report_.loc["mine", "streams"] == "video"
    assert "trees" in model.report_.index
    assert model.weights_.shape == (len(model.report_) - 1, 1)


def test_parameters_of_candidates_are_searched_and_replaced():
    model = av.AutoFusionRegressor({"ridge": RIDGE, "trees": (TREES, "audio"), "default": "default"})
    assert clone(model).set_params(ridge__ridge__alpha=7.0).candidates["ridge"][-1].alpha == 7.0
    assert RIDGE[-1].alpha == 1.0
    replaced = clone(model).set_params(trees=RIDGE)
    assert replaced.candidates["trees"][1] == "audio"
    assert set(replaced.candidates) == {"ridge", "trees", "default"}


@pytest.mark.parametrize("scoring", ["ccc", "pcc", "mae", "rmse"])
def test_every_score_can_be_asked_for(scoring):
    X, y = clips()
    model = av.AutoFusionRegressor({"ridge": RIDGE}, scoring=scoring).fit(X, y)
    assert scoring in model.report_.columns
    assert np.isfinite(model.report_.loc[["ridge", "combination"], scoring]).all()


def test_weights_of_rows_count():
    X, y = table()
    weights = np.r_[np.ones(60), np.zeros(60)]
    y = np.r_[y[:60], -y[60:]]
    model = av.AutoFusionRegressor(random_state=0).fit(X, y, sample_weight=weights)
    assert model.score(X[:60], y[:60]) > 0.95


def test_it_is_saved_and_opened(tmp_path, without_networks):
    X, y = clips()
    model = av.AutoFusionRegressor(random_state=0).fit(X, y)
    persistence.save(model, tmp_path / "model.skops")
    opened = persistence.load(tmp_path / "model.skops")
    np.testing.assert_array_equal(opened.predict(X), model.predict(X))
    pd.testing.assert_frame_equal(opened.report_, model.report_)
    assert str(opened.fusion_gain_) == str(model.fusion_gain_)


def test_the_command_line_reads_it(tmp_path):
    text = """
    auto: {AutoFusionRegressor: {budget_s: 60}}
    mine:
      AutoFusionRegressor:
        candidates:
          default: default
          lines: {FrameRegressor: {regressor: {Ridge: {alpha: 10}}}}
          voice: [{FrameRegressor: {}}, audio]
    """
    path = tmp_path / "estimators.yaml"
    path.write_text(text)
    found = read_estimators(path, seed=3)
    assert found["auto"].random_state == 3
    assert found["auto"].budget_s == 60
    candidates = found["mine"].candidates
    assert candidates["default"] == "default"
    assert candidates["lines"].regressor.alpha == 10
    assert candidates["voice"][1] == "audio"


def test_two_targets_may_be_labelled_in_different_rows():
    X, y = table()
    both = pd.DataFrame({"first": y, "second": -y})
    both.loc[:20, "first"] = np.nan
    both.loc[100:, "second"] = np.nan
    model = av.AutoFusionRegressor({"ridge": av.FrameRegressor(Ridge())}).fit(X, both)
    predictions = model.predict(X)
    assert predictions.columns.tolist() == ["first", "second"]
    np.testing.assert_allclose(predictions["first"], y, atol=0.6)


def test_one_row_is_refused():
    with pytest.raises(ValueError, match="At least two rows"):
        av.AutoFusionRegressor().fit([[1.0]], [1.0])
