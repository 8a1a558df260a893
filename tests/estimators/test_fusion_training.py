"""Training of the network estimators: validation rows, automatic choices, precision, and its record."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch

import avfusion as av
from avfusion.sequences._targets import as_targets

QUICK = {"hidden_size": 8, "max_epochs": 2, "batch_size": 2, "random_state": 0}


def values_of(y):
    return as_targets(y).values


class TestExplicitValidation:
    def test_is_recorded_each_epoch_and_trained_on_by_nobody(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(**QUICK)
        alone = model.fit(X.iloc[:4], y.iloc[:4]).predict(X)
        watched = model.fit(X.iloc[:4], y.iloc[:4], X_val=X.iloc[4:], y_val=y.iloc[4:])
        pd.testing.assert_series_equal(watched.predict(X), alone)
        scores = watched.net_.history[:, "valid_ccc"]
        assert len(scores) == QUICK["max_epochs"]
        # rows shorter than the window are seen whole, so the last epoch's score is that of `score`
        whole = model.set_params(window=None).fit(X.iloc[:4], y.iloc[:4], X_val=X.iloc[4:], y_val=y.iloc[4:])
        np.testing.assert_allclose(
            whole.net_.history[-1, "valid_ccc"], whole.score(X.iloc[4:], y.iloc[4:]), atol=1e-5
        )

    def test_early_stopping_looks_at_it_and_trains_on_all_rows(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(
            **{**QUICK, "max_epochs": 50, "lr": 0.1}, early_stopping=True, patience=2
        )
        model.fit(X.iloc[:4], y.iloc[:4], X_val=X.iloc[4:], y_val=y.iloc[4:])
        scores = model.net_.history[:, "valid_ccc"]
        assert len(scores) < 50
        assert len(scores) == int(np.argmax(scores)) + 1 + 2

    def test_errors(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(**QUICK)
        with pytest.raises(ValueError, match="X_val is given without y_val"):
            model.fit(X, y, X_val=X)
        with pytest.raises(
            ValueError, match=r"y_val has 1 target\(s\) per clip, but in fit y had 1 target\(s\) per frame"
        ):
            model.fit(X, y, X_val=X, y_val=np.arange(6.0))
        with pytest.raises(ValueError, match="audio"):
            model.fit(X, y, X_val=X[["video"]], y_val=y)


class TestAutomaticChoices:
    @pytest.mark.parametrize(
        ("n_rows", "steps", "window", "expected"),
        [(6, 20, None, 8), (200, 3, None, 20), (900, 2, None, 64), (50, 40, 10, 24)],  # 50 (1 + 39 / 10) / 10
    )
    def test_batch_is_a_tenth_of_an_epoch_within_limits(self, n_rows, steps, window, expected):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(n_rows, steps, 2)), list(rng.normal(size=(n_rows, steps)))
        model = av.EarlyFusionRegressor(hidden_size=2, max_epochs=1, window=window, random_state=0)
        assert model.fit(av.as_sequences({"audio": X}), y).batch_size_ == expected
        assert model.set_params(batch_size=5).fit(av.as_sequences({"audio": X}), y).batch_size_ == 5

    @pytest.mark.parametrize(("per_frame", "loss"), [(True, "ccc+mse"), (False, "mse")])
    def test_loss_is_that_of_the_kind_of_label(self, ragged, per_frame, loss):
        X, y = ragged
        y = y if per_frame else np.arange(6.0)
        auto, named = (av.EarlyFusionRegressor(**QUICK, loss=name).fit(X, y) for name in ("auto", loss))
        np.testing.assert_array_equal(auto.net_.history[:, "train_loss"], named.net_.history[:, "train_loss"])


class TestPrecision:
    @pytest.mark.parametrize(
        "regressor", [av.RecursiveJointAttentionRegressor, av.MultimodalTransformerRegressor]
    )
    def test_bfloat16_is_near_float32_and_keeps_types(self, ragged, regressor):
        X, y = ragged
        single, half = (regressor(**QUICK, precision=p).fit(X, y) for p in ("float32", "bfloat16"))
        ours, theirs = values_of(half.predict(X)), values_of(single.predict(X))
        assert ours.dtype == theirs.dtype
        assert 0 < np.abs(ours - theirs).max() < 0.05 * values_of(y).std()
        assert {p.dtype for p in half.net_.module_.parameters()} == {torch.float32}
        again = regressor(**QUICK, precision="bfloat16").fit(X, y)
        np.testing.assert_array_equal(values_of(again.predict(X)), ours)
        copy = pickle.loads(pickle.dumps(half))
        np.testing.assert_array_equal(values_of(copy.predict(X)), ours)
        half.partial_fit(X, y)

    def test_the_forward_pass_is_in_bfloat16_and_the_loss_is_not(self, ragged):
        seen = []

        def loss(prediction, target, mask):
            seen.append((prediction.dtype, torch.is_autocast_enabled("cpu")))
            return ((prediction - target)[mask] ** 2).mean()

        model = av.EarlyFusionRegressor(**QUICK, precision="bfloat16", loss=loss).fit(*ragged)
        assert set(seen) == {(torch.float32, False)}
        layer, types = model.net_.module_.network.sequence.linear, []
        layer.register_forward_hook(lambda module, inputs, output: types.append(output.dtype))
        model.predict(ragged[0])
        assert set(types) == {torch.bfloat16}

    def test_float64_stays(self):
        X = np.random.default_rng(0).normal(size=(30, 3))
        same = [
            av.EarlyFusionRegressor(**QUICK, precision=p).fit(X, X[:, 0]).predict(X)
            for p in ("float32", "bfloat16")
        ]
        np.testing.assert_array_equal(*same)

    def test_others_are_refused(self, ragged):
        with pytest.raises(ValueError, match="The 'precision' parameter of EarlyFusionRegressor must be"):
            av.EarlyFusionRegressor(**QUICK, precision="float16").fit(*ragged)


def test_warm_start_goes_on_from_a_pickle(ragged):
    model = av.EarlyFusionRegressor(**QUICK, warm_start=True).fit(*ragged)
    copy = pickle.loads(pickle.dumps(model))
    ours, theirs = (values_of(m.fit(*ragged).predict(ragged[0])) for m in (model, copy))
    np.testing.assert_array_equal(ours, theirs)
