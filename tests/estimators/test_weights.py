"""sample_weight in training: 0 is no label, 1 is nothing, integers are repeated labels, ratios matter."""

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

import avfusion as av
from avfusion.estimators._routing import weight_parameters
from avfusion.estimators._training import LabelledLoss
from avfusion.estimators._weights import moments, of_mean_one
from avfusion.networks import LOSSES
from avfusion.sequences import as_targets

QUICK = {"max_epochs": 3, "hidden_size": 8, "batch_size": 3, "window": 6, "random_state": 0}
NETWORK = av.EarlyFusionRegressor(**QUICK)
RIDGE = av.FrameRegressor(Ridge())
STRICT = {"error_score": "raise"}


def recordings(target="frame", n_targets=1, n=8):
    X, y = av.datasets.make_audiovisual_regression(
        n, recordings_per_subject=2, duration_s=(7.0, 19.0), audio_rate_hz=1, video_rate_hz=1, target=target,
        random_state=0,
    )  # fmt: skip
    if n_targets == 1:
        return X, y
    other = y.array.with_frames(1 - y.array.pack().frames ** 2) if target == "frame" else 1 - y**2
    return X, pd.DataFrame({"arousal": y, "valence": other})


def values_of(predictions):
    return as_targets(predictions).values


def cells(y):
    targets = as_targets(y)
    return [targets.values[targets.row_of_value == row] for row in range(targets.n_rows)]


def weights_like(y, draw, seed=0):
    rng = np.random.default_rng(seed)
    return [draw(rng, cell.shape) for cell in cells(y)]


def zero_or_one(rng, shape):
    return (rng.random(shape) < 0.7).astype(float)


def with_holes(y, weights):
    return [np.where(weight > 0, cell, np.nan) for cell, weight in zip(cells(y), weights)]


def late(**settings):
    members = [("network", av.UnimodalRegressor(**QUICK), "audio"), ("ridge", RIDGE, None)]
    return av.LateFusionRegressor(members, cv=2, **settings)


EVERY = {
    "network": NETWORK,
    "several": av.RecursiveJointAttentionRegressor(**QUICK, n_members=2, loss="ccc"),
    "huber": av.UnimodalRegressor("video", **QUICK, loss="huber", standardize_target=False),
    "early stopping": av.EarlyFusionRegressor(**QUICK, early_stopping=True, validation_fraction=0.3),
    "unequal streams": av.MultimodalTransformerRegressor(**QUICK),
    "frames": RIDGE,
    "trees": av.FrameRegressor(ExtraTreesRegressor(3, random_state=0)),
    "pipeline": av.FrameRegressor(make_pipeline(StandardScaler(), Ridge())),
    "rescaled": av.RescaledRegressor(RIDGE, n_splits=2),
    "late": late(),
    "simplex": late(weights="simplex"),
    "stacked": late(final_estimator=Ridge()),
    "search": av.FusionSearchCV(NETWORK, {"lr": [1e-3, 1e-2]}, cv=2, n_trials=2, random_state=0),
}
every = pytest.mark.parametrize("model", EVERY.values(), ids=EVERY)


@pytest.mark.works_with(
    "scikit-learn",
    "`sample_weight`: a weight of 0 is a label that is not there, to the last bit",
)
@every
@pytest.mark.parametrize("n_targets", [1, 2])
def test_a_weight_of_zero_is_a_label_that_is_not_there(model, n_targets):
    X, y = recordings(n_targets=n_targets)
    weights = weights_like(y, zero_or_one)
    found = sklearn.clone(model).fit(X, cells(y), sample_weight=weights).predict(X)
    expected = sklearn.clone(model).fit(X, with_holes(y, weights)).predict(X)
    if isinstance(model, av.estimators._network_regressor.NetworkRegressor):
        np.testing.assert_array_equal(values_of(found), values_of(expected))  # to the last bit
    elif isinstance(getattr(model, "regressor", None), ExtraTreesRegressor):
        np.testing.assert_allclose(values_of(found), values_of(expected), rtol=1e-5)
    else:
        np.testing.assert_allclose(values_of(found), values_of(expected), rtol=1e-4, atol=1e-5)


@every
def test_a_common_factor_changes_nothing_in_networks(model):
    X, y = recordings()
    weights = weights_like(y, lambda rng, shape: rng.integers(0, 5, shape).astype(float))
    fits = [
        sklearn.clone(model).fit(X, y, sample_weight=[factor * weight for weight in weights])
        for factor in (1.0, 8.0)
    ]
    plain = sklearn.clone(model).fit(X, y)
    found = [values_of(fit.predict(X)) for fit in (*fits, plain)]
    assert np.abs(found[0] - found[2]).max() > 1e-4  # weights do count
    if not any("Ridge" in str(part) for part in (model, model.get_params())):  # whose alpha is not relative
        np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)


@pytest.mark.works_with("scikit-learn", "`sample_weight`: integers equal repeated rows for what is exact")
@pytest.mark.parametrize("target", ["frame", "clip"])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_integer_weights_are_repeated_rows_for_what_is_exact(target, n_targets):
    X, y = recordings(target, n_targets)
    times = np.array([0, 1, 3, 2, 0, 1, 1, 2])
    rows = np.repeat(np.arange(8), times)
    again = y.iloc[rows].reset_index(drop=True)
    expected = RIDGE.fit(X.iloc[rows].reset_index(drop=True), again).predict(X)
    for weight in (times, times.tolist(), pd.Series(times)):
        found = RIDGE.fit(X, y, sample_weight=weight).predict(X)
        np.testing.assert_allclose(values_of(found), values_of(expected), rtol=1e-4, atol=1e-5)
    found = RIDGE.fit(X.assign(trust=times), y, sample_weight="trust").predict(X)
    np.testing.assert_allclose(values_of(found), values_of(expected), rtol=1e-4, atol=1e-5)


def test_each_target_of_a_frame_has_its_own_weight():
    X, y = recordings(n_targets=2)
    weights = weights_like(y, lambda rng, shape: rng.integers(0, 3, shape).astype(float))
    found = values_of(RIDGE.fit(X, cells(y), sample_weight=weights).predict(X))
    table = np.hstack([X[name].array.pack().frames for name in ("audio", "video")])
    for k in range(2):
        own = np.concatenate(weights)[:, k]
        expected = Ridge().fit(table, values_of(y)[:, k], sample_weight=own).predict(table)
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-4, atol=1e-5)


def test_moments_against_repeated_labels():
    labels = np.array([[1.0, np.nan], [2.0, 5.0], [4.0, 7.0]])
    times = np.array([[3, 1], [1, 2], [2, 1]])
    found = moments(labels, times.astype(float))
    expected = [np.repeat(labels[:, k], times[:, k]) for k in range(2)]
    np.testing.assert_allclose(found[0], [np.nanmean(column) for column in expected])
    np.testing.assert_allclose(found[1], [np.nanstd(column) for column in expected])
    shares = of_mean_one(labels, 1e300 * times)
    np.testing.assert_allclose([shares[:, 0].mean(), shares[1:, 1].mean()], 1)
    np.testing.assert_allclose(shares[0, 0] / shares[1, 0], 3)


@pytest.mark.parametrize("name", LOSSES)
def test_steps_over_batches_add_up_to_the_loss_of_all(name):
    """Of a loss that is a mean over entries; batches here have as many labels each."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(6, 4, 2, dtype=torch.float64, generator=generator) for _ in range(2))
    weight = torch.rand(6, 4, 2, dtype=torch.float64, generator=generator)
    weight = weight / weight.mean((0, 1))
    loss = LabelledLoss(LOSSES[name])
    parts = [loss(x[k : k + 2], y[k : k + 2], weight[k : k + 2]).item() for k in (0, 2, 4)]
    if name in ("mse", "mae", "huber"):
        whole = LabelledLoss(LOSSES[name])(x[..., :1], y[..., :1], weight[..., :1]).item()
        one = [loss(*(part[k : k + 2, :, :1] for part in (x, y, weight))).item() for k in (0, 2, 4)]
        assert np.mean(one) == pytest.approx(whole)
    nothing = loss(x[:2].requires_grad_(), y[:2], torch.zeros_like(weight[:2]))
    assert nothing.item() == 0
    assert min(parts) > 0
    small = loss(x[:2], y[:2], 1e-3 * weight[:2]).item()
    assert small == pytest.approx(1e-3 * parts[0])


def conflicting(n=24):
    """Recordings of two sites, whose labels follow the stream in opposite directions."""
    rng = np.random.default_rng(0)
    streams = [rng.normal(size=(20, 1)).astype(np.float32) for _ in range(n)]
    sign = np.where(np.arange(n) % 2, 1.0, -1.0)
    X = av.as_sequences({"audio": streams}).assign(trust=np.where(sign > 0, 1.0, 0.02))
    return X, [s * stream[:, 0] for s, stream in zip(sign, streams)], [stream[:, 0] for stream in streams]


@pytest.mark.parametrize("loss", ["ccc+mse", "mse"])
def test_a_network_learns_from_those_that_count(loss):
    X, y, trusted = conflicting()
    settings = {"max_epochs": 30, "hidden_size": 8, "dropout": 0.0, "random_state": 0, "loss": loss}
    scores = {}
    for name, trust in (("first", X["trust"]), ("second", 1.02 - X["trust"])):
        model = av.UnimodalRegressor(**settings).fit(X, y, sample_weight=trust)
        scores[name] = av.metrics.pcc_score(trusted, model.predict(X))
    assert scores["first"] > 0.8
    assert scores["second"] < -0.8


def test_held_out_rows_are_scored_by_their_weights():
    X, y = recordings()
    weights = weights_like(y, lambda rng, shape: rng.random(shape))
    settings = {**QUICK, "early_stopping": True, "validation_fraction": 0.4, "patience": 50}
    model = av.EarlyFusionRegressor(**settings, weight_average=None, standardize_target=False)
    model.fit(X, y, sample_weight=weights)
    random = np.random.RandomState(0)
    split = sklearn.model_selection.GroupShuffleSplit(1, test_size=0.4, random_state=random)
    _, held_out = next(split.split(np.arange(8), groups=np.arange(8)))
    predicted = model.predict(X.iloc[held_out])
    own = [weights[row] for row in held_out]
    best = max(model.net_.history[:, "valid_ccc"])
    found = model.set_params(hop=6).predict(X.iloc[held_out])
    assert best == pytest.approx(av.metrics.ccc_score(y.iloc[held_out], found, sample_weight=own), abs=0.02)
    assert len(predicted) == len(held_out)


def test_partial_fit_takes_weights():
    X, y = recordings()
    weights = weights_like(y, zero_or_one)
    found = sklearn.clone(NETWORK).partial_fit(X, cells(y), sample_weight=weights).predict(X)
    expected = sklearn.clone(NETWORK).partial_fit(X, with_holes(y, weights)).predict(X)
    np.testing.assert_array_equal(values_of(found), values_of(expected))


def mine(prediction, target, labelled):
    return (prediction - target)[labelled].square().mean()


def weighted_mine(prediction, target, labelled, weight=None):
    errors = (prediction - target)[labelled].square()
    return errors.mean() if weight is None else (weight[labelled] * errors).sum() / weight[labelled].sum()


class Module(torch.nn.Module):
    def forward(self, prediction, target, labelled):
        return mine(prediction, target, labelled)


def test_a_loss_of_ones_own_takes_weights_or_is_refused():
    X, y = recordings()
    weights = weights_like(y, lambda rng, shape: rng.random(shape))
    found = av.EarlyFusionRegressor(**QUICK, loss=weighted_mine).fit(X, y, sample_weight=weights).predict(X)
    expected = av.EarlyFusionRegressor(**QUICK, loss="mse").fit(X, y, sample_weight=weights).predict(X)
    np.testing.assert_allclose(values_of(found), values_of(expected), atol=1e-4)
    for loss, name in ((mine, "mine"), (Module(), "Module")):
        model = av.EarlyFusionRegressor(**QUICK, loss=loss)
        for fit in (model.fit, model.partial_fit):
            with pytest.raises(TypeError, match=rf"loss={name} takes no weight. Give it a parameter weight"):
                fit(X, y, sample_weight=weights)
        assert not hasattr(model, "net_")


def test_other_names_are_refused():
    X, y = recordings()
    with pytest.raises(TypeError, match=r"EarlyFusionRegressor\.fit got an unexpected argument: 'weights'"):
        NETWORK.fit(X, y, weights=np.ones(8))


@pytest.mark.works_with("scikit-learn", "`sample_weight` for estimators that take none", refused=True)
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (av.FrameRegressor(KNeighborsRegressor()), r"'regressor', KNeighborsRegressor\(\), takes no"),
        (av.FrameRegressor(make_pipeline(StandardScaler(), KNeighborsRegressor())), r"KNeighbors.* takes no"),
        (
            av.RescaledRegressor(av.FrameRegressor(KNeighborsRegressor())),
            r"KNeighborsRegressor\(\), takes no",
        ),
        (
            av.LateFusionRegressor(
                [("a", RIDGE, None), ("b", av.FrameRegressor(KNeighborsRegressor()), None)]
            ),
            r"LateFusionRegressor, 'b', 'regressor', KNeighborsRegressor\(\), takes no sample_weight",
        ),
        (
            av.LateFusionRegressor([("a", RIDGE, None)], final_estimator=KNeighborsRegressor()),
            r"final_estimator, KNeighborsRegressor\(\), takes no sample_weight",
        ),
        (
            av.FusionSearchCV(av.FrameRegressor(KNeighborsRegressor()), {"regressor__n_neighbors": [1]}),
            r"KNeighborsRegressor\(\), takes no sample_weight",
        ),
    ],
)
def test_what_takes_no_weights_is_refused_by_name(model, message):
    X, y = recordings()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=np.ones(8))


def test_scikit_learns_ensembles_draw_rows():
    """An argument `sample_weight` would have them weigh rows, which not every regressor can take."""
    for model in EVERY.values():
        assert not has_fit_parameter(model, "sample_weight")
        assert weight_parameters(model, [1], "model") == {"sample_weight": [1]}


WEIGHTS = [1.0, 0.0, 3.0, 2.0, 1.0, 0.0, 2.0, 4.0]
ROUTES = {
    "rows": lambda y: pd.Series(WEIGHTS),
    "frames, list": lambda y: weights_like(y, lambda rng, shape: rng.random(shape)[:, 0]),
    "frames, Series": lambda y: pd.Series(
        av.SequenceArray.from_sequences(
            weights_like(y, lambda rng, shape: rng.random(shape)), dtype="float64"
        )
    ),
}


def taken(weights, rows):
    return weights.iloc[rows] if hasattr(weights, "iloc") else [weights[row] for row in rows]


@pytest.mark.parametrize("form", ROUTES)
@pytest.mark.parametrize("model", [NETWORK, RIDGE, late(), av.RescaledRegressor(RIDGE, n_splits=2)])
class TestTools:
    """scikit-learn's tools hand weights on, cut to the rows of each fold."""

    def expected(self, model, X, y, weights, weighted_score):
        scores = []
        for test in (np.arange(4), np.arange(4, 8)):
            train = np.setdiff1d(np.arange(8), test)
            fit = sklearn.clone(model).fit(X.iloc[train], y.iloc[train], sample_weight=taken(weights, train))
            own = taken(weights, test) if weighted_score else None
            scores.append(fit.score(X.iloc[test], y.iloc[test], sample_weight=own))
        return scores

    @pytest.mark.works_with(
        "scikit-learn",
        "`sample_weight` through pipelines, cross-validation and grids, with metadata routing off",
    )
    def test_without_routing(self, model, form):
        X, y = recordings()
        weights = ROUTES[form](y)
        expected = self.expected(model, X, y, weights, False)
        pipeline = make_pipeline(av.Align(1.0), model)
        name = pipeline.steps[-1][0]
        params = {f"{name}__sample_weight": weights}
        found = cross_validate(pipeline, X, y, cv=2, params=params, **STRICT)["test_score"]
        np.testing.assert_allclose(found, expected, atol=1e-4)
        search = GridSearchCV(pipeline, {"align__rate_hz": [1.0]}, cv=2, **STRICT)
        search.fit(X, y, **params)
        np.testing.assert_allclose(search.best_score_, np.mean(expected), atol=1e-4)
        found = sklearn.clone(pipeline).fit(X, y, **params).predict(X)
        fitted = sklearn.clone(model).fit(X, y, sample_weight=weights).predict(X)
        np.testing.assert_allclose(values_of(found), values_of(fitted), atol=1e-4)

    @pytest.mark.works_with(
        "scikit-learn",
        "`sample_weight` through pipelines, cross-validation and grids, with metadata routing on",
    )
    def test_with_routing(self, model, form):
        X, y = recordings()
        weights = ROUTES[form](y)
        expected = self.expected(model, X, y, weights, True)
        with sklearn.config_context(enable_metadata_routing=True):
            asks = sklearn.clone(model).set_fit_request(sample_weight=True)
            if isinstance(model, av.LateFusionRegressor):
                for _, member, _ in asks.estimators:
                    member.set_fit_request(sample_weight=True)
            asks.set_score_request(sample_weight=True)
            pipeline = make_pipeline(av.Align(1.0), asks)
            params = {"sample_weight": weights}
            scoring = {"ccc": av.metrics.scorers["ccc"].set_score_request(sample_weight=True)}
            for estimator, scores in ((asks, None), (pipeline, None), (pipeline, scoring)):
                found = cross_validate(estimator, X, y, cv=2, scoring=scores, params=params, **STRICT)
                own = found["test_score" if scores is None else "test_ccc"]
                np.testing.assert_allclose(own, expected, atol=1e-4)
            search = GridSearchCV(pipeline, {"align__rate_hz": [1.0]}, cv=2, **STRICT)
            search.fit(X, y, **params)
            np.testing.assert_allclose(search.best_score_, np.mean(expected), atol=1e-4)


def test_with_routing_all_must_say_whether_they_want_weights():
    X, y = recordings()
    with sklearn.config_context(enable_metadata_routing=True):
        for model in (NETWORK, RIDGE, late()):
            with pytest.raises(UnsetMetadataPassedError, match="set_fit_request"):
                cross_validate(model, X, y, cv=2, params={"sample_weight": WEIGHTS}, **STRICT)
        inner = av.FrameRegressor(Ridge().set_fit_request(sample_weight=True))  # which is enough
        inner.set_score_request(sample_weight=False)
        found = cross_validate(inner, X, y, cv=2, params={"sample_weight": WEIGHTS}, **STRICT)
        declines = av.FrameRegressor(Ridge().set_fit_request(sample_weight=False))
        with pytest.raises(ValueError, match="nothing to give weights to"):
            declines.fit(X, y, sample_weight=WEIGHTS)
        piped = av.FrameRegressor(make_pipeline(StandardScaler(), Ridge()))
        with pytest.raises(ValueError, match="asks for no sample_weight"):
            piped.fit(X, y, sample_weight=WEIGHTS)
    rows = np.array(WEIGHTS)
    expected = [
        RIDGE.fit(X[train], y[train], sample_weight=rows[train]).score(X[~train], y[~train])
        for train in (np.arange(8) >= 4, np.arange(8) < 4)
    ]
    np.testing.assert_allclose(found["test_score"], expected, atol=1e-5)


def test_a_member_may_decline_weights():
    X, y = recordings()
    with sklearn.config_context(enable_metadata_routing=True):
        members = [
            ("weighed", RIDGE, None),
            ("plain", av.FrameRegressor(Ridge(10.0)).set_fit_request(sample_weight=False), None),
        ]
        found = av.LateFusionRegressor(members).fit(X, y, sample_weight=WEIGHTS)
    expected = av.FrameRegressor(Ridge(10.0)).fit(X, y).predict(X)
    np.testing.assert_allclose(values_of(found.estimators_[1][1].predict(X)), values_of(expected), rtol=1e-5)


def test_where_all_decline_weights_have_nowhere_to_go():
    X, y = recordings()
    with sklearn.config_context(enable_metadata_routing=True):
        model = av.FrameRegressor(Ridge().set_fit_request(sample_weight=False))
        with pytest.raises(ValueError, match=r"FrameRegressor has nothing to give weights to.*=True"):
            model.fit(X, y, sample_weight=WEIGHTS)


def test_weights_at_the_rate_of_the_labels_go_through_transformers():
    X, y = av.datasets.make_audiovisual_regression(6, audio_rate_hz=5, video_rate_hz=2, random_state=0)
    model = make_pipeline(av.Align(1.0), av.AddContext((1, 3)), av.FrameRegressor(Ridge()))
    weights = weights_like(y, lambda rng, shape: rng.integers(0, 3, shape).astype(float))
    found = model.fit(X, y, frameregressor__sample_weight=weights)[-1].regressors_[0].coef_
    prepared = model[:-1].transform(X)
    table = np.hstack([prepared[name].array.pack().frames for name in ("audio", "video")])
    expected = Ridge().fit(table, values_of(y)[:, 0], sample_weight=np.concatenate(weights)[:, 0])
    np.testing.assert_allclose(found, expected.coef_, rtol=1e-3, atol=1e-5)


def test_a_table_of_numbers():
    rng = np.random.default_rng(0)
    A, weights = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    b = A @ [1.0, -1.0, 0.5]
    found = av.FrameRegressor().fit(A, b, sample_weight=weights).predict(A)
    np.testing.assert_allclose(found, Ridge().fit(A, b, sample_weight=weights).predict(A))
    model = av.EarlyFusionRegressor(max_epochs=2, random_state=0)
    kept = sklearn.clone(model).fit(A, np.where(weights > 1, b, np.nan)).predict(A)
    np.testing.assert_array_equal(model.fit(A, b, sample_weight=weights > 1).predict(A), kept)


@pytest.mark.parametrize("form", ["labels in a list", "labels in a Series"])
def test_weights_of_a_score_go_by_the_labels_of_rows(form):
    X, y = recordings()
    X = X.set_axis([f"row {i}" for i in range(len(X))])
    y = list(y) if form == "labels in a list" else pd.Series(list(y), index=X.index)
    model, shuffled = clone(RIDGE).fit(X, y), pd.Series(np.arange(1.0, len(X) + 1), index=X.index)[::-1]
    for call in (model.score, clone(model).fit):
        with pytest.raises(ValueError, match="X and sample_weight carry the same labels in another order"):
            call(X, y, sample_weight=shuffled)
    expected = model.score(X, y, sample_weight=np.arange(1.0, len(X) + 1))
    assert model.score(X, y, sample_weight=shuffled.to_dict()) == expected
