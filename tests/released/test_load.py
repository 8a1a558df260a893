"""Weights of the released code in an estimator."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch

import avfusion as av
from avfusion.released import released_state_dict
from avfusion.sequences._targets import as_targets


def values_of(y):
    return as_targets(y).values


class TestLoadReleased:
    small: ClassVar = {"hidden_size": 8, "max_epochs": 1, "window": 4, "modalities": ["video", "audio"]}

    def estimator(self, **changes):
        return av.ReleasedJointAttentionRegressor(**{**self.small, "random_state": 0, **changes})

    def two_targets(self, ragged):
        X, y = ragged
        return X, pd.DataFrame({"valence": y, "arousal": y.array.with_frames(-y.array.pack().frames)})

    def weights(self, ragged, **changes):
        fitted = self.fitted(ragged, **changes)
        return fitted, released_state_dict(fitted.net_.module_)

    def fitted(self, ragged, **changes):
        fitted = self.estimator(**changes).fit(*self.two_targets(ragged))
        with torch.no_grad():
            for encoder in fitted.net_.module_.network.encoders:
                encoder.absence.vector.zero_()  # not in released weights
        return fitted

    @pytest.mark.parametrize("n_members", [1, 2])
    def test_into_an_estimator_without_fit(self, ragged, n_members):
        X, _ = self.two_targets(ragged)
        fitted, weights = self.weights(ragged)
        loaded = self.estimator(n_members=n_members).load_released(weights, targets=("v", "a"))
        predictions = loaded.predict(X)
        assert predictions.columns.tolist() == ["v", "a"]
        np.testing.assert_allclose(values_of(predictions), values_of(fitted.predict(X)), rtol=0, atol=1e-6)
        assert [len(cell) for cell in predictions["v"]] == [9, 4, 12, 7, 5, 10]

    def test_into_a_fitted_estimator(self, ragged):
        X, _ = self.two_targets(ragged)
        fitted, weights = self.weights(ragged)
        other = self.fitted(ragged, random_state=1, standardize_target=True)
        assert np.abs(values_of(other.predict(X)) - values_of(fitted.predict(X))).max() > 1e-3
        loaded = other.load_released({f"module.{name}": weight for name, weight in weights.items()})
        assert loaded is other
        np.testing.assert_allclose(values_of(other.predict(X)), values_of(fitted.predict(X)), atol=1e-6)

    def test_training_goes_on_from_the_weights(self, ragged):
        X, y = self.two_targets(ragged)
        _, weights = self.weights(ragged)
        tuned = self.estimator(warm_start=True, lr=1e-9, optimizer="sgd").load_released(weights).fit(X, y)
        after = released_state_dict(tuned.net_.module_)
        for name, weight in weights.items():
            torch.testing.assert_close(after[name], weight, rtol=0, atol=1e-6)

    def test_errors_leave_the_estimator_as_it_was(self, ragged):
        fitted, weights = self.weights(ragged)
        del weights["Joint.linear.bias"]
        unfitted = self.estimator()
        with pytest.raises(ValueError, match=r"Missing: 'Joint\.linear\.bias'"):
            unfitted.load_released(weights)
        assert not hasattr(unfitted, "net_")
        before = values_of(fitted.predict(ragged[0]))
        with pytest.raises(ValueError, match=r"Missing: 'video_extract\.init_hidden"):
            fitted.load_released({})
        np.testing.assert_array_equal(values_of(fitted.predict(ragged[0])), before)
        with pytest.raises(ValueError, match=r"Missing: 'video_extract\.rnn\.weight_ih_l0', 'audio_extract"):
            unfitted.load_released({})

    def test_what_has_another_form(self, ragged):
        X, y = self.two_targets(ragged)
        _, weights = self.weights(ragged)
        with pytest.raises(ValueError, match=r"has the video first.*modalities=\['video', 'audio'\]"):
            self.estimator(modalities=["audio", "video"]).load_released(weights)
        with pytest.raises(ValueError, match="two streams and two targets, but"):
            self.estimator(modalities=["video"]).load_released(weights)
        with pytest.raises(ValueError, match="the estimator has 1 and 2"):
            self.estimator(modalities="video").load_released(weights)
        with pytest.raises(ValueError, match="the estimator has 2 and 1"):
            self.estimator().load_released(weights, targets="va")
        flat = weights | {"audio_extract.rnn.weight_ih_l0": torch.zeros(3)}
        with pytest.raises(ValueError, match=r"audio_extract.rnn.weight_ih_l0 has the shape \(3,\)"):
            self.estimator().load_released(flat)
        one_target = self.estimator().fit(X, y["valence"])
        with pytest.raises(ValueError, match="two streams, two targets per frame, skip encoders and atten"):
            one_target.load_released(weights)


class TestGoingOnByHand:
    def loaded(self, ragged, **changes):
        X, y = TestLoadReleased().two_targets(ragged)
        _, weights = TestLoadReleased().weights(ragged)
        return X, y, TestLoadReleased().estimator(**changes).load_released(weights)

    @pytest.mark.parametrize("changes", [{"early_stopping": True}, {"schedule": "cosine"}])
    def test_what_belongs_to_a_whole_training_has_no_part(self, ragged, changes):
        X, y, model = self.loaded(ragged, **changes)
        for _ in range(3):
            model.partial_fit(X, y)
        assert len(model.net_.history) == 3
        assert model.net_.optimizer_.param_groups[0]["lr"] == model.lr

    def test_members_go_their_own_ways(self, ragged):
        X, y, model = self.loaded(ragged, n_members=2)
        one, other = (net.module_.state_dict() for net in model.partial_fit(X, y).nets_)
        assert any(not torch.equal(one[name], other[name]) for name in one)
