import pickle
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import avfusion as av
from avfusion.networks import AttentionStack
from avfusion.released import FeatureJointAttention, released_state_dict
from avfusion.sequences._targets import as_targets

QUICK = {
    **{"hidden_size": 8, "max_epochs": 2, "random_state": 0, "window": 4, "dropout_site": "attended"},
    **{"lr": 3e-3, "batch_size": "auto", "optimizer": "adamw"},
}


def values_of(y):
    return as_targets(y).values


def released(**changes):
    return av.ReleasedJointAttentionRegressor(**{**QUICK, **changes})


def over_features(n_modalities, hidden_size, window, dropout, n_recursions=1):
    """The attention of the released code as a core between the package's encoders."""
    step = partial(FeatureJointAttention, n_steps=window, dropout=dropout)
    return AttentionStack(n_modalities, hidden_size, step, n_recursions)


def cored(**changes):
    own = {name: value for name, value in QUICK.items() if name != "dropout_site"} | changes
    own = {f"core__{name}" if name == "n_recursions" else name: value for name, value in own.items()}
    return av.EncodedFusionRegressor(core=over_features, **own)


@pytest.mark.parametrize(
    "change",
    [
        {"n_recursions": 2},
        {"input_norm": "standard"},
        {"dropout_site": "correlation"},
        {"intra_lstm": False},
        {"joint_lstm": False},
    ],
)
def test_its_parameters_reach_the_network(ragged, change):
    X, y = ragged
    plain, changed = (values_of(model.fit(X, y).predict(X)) for model in (released(), released(**change)))
    assert np.abs(plain - changed).max() > 1e-5


@pytest.mark.parametrize("site", ["attended", "correlation"])
def test_where_dropout_stands_reaches_the_network(ragged, site):
    step = released(dropout_site=site).fit(*ragged).net_.module_.network.core.steps[0]
    assert isinstance(step, FeatureJointAttention)
    assert step.dropout_site == site
    assert step.n_steps == 4


def test_dropout_of_the_skip_encoders_is_their_own(ragged):
    network = released(encoder_dropout=0.2, dropout=0.4).fit(*ragged).net_.module_.network
    assert [encoder.dropout.p for encoder in network.encoders] == [0.2, 0.2]
    assert (network.joint.dropout.p, network.core.steps[0].dropout.p) == (0.0, 0.4)


@pytest.mark.parametrize("make", [released, cored])
class TestFeatureAxis:
    """What the contract asks of every estimator, of rows longer and shorter than the window."""

    def test_frames_of_rows_of_any_length(self, ragged, make):
        X, y = ragged
        model = make().fit(X, y)
        predictions = model.predict(X)
        assert [len(cell) for cell in predictions] == [9, 4, 12, 7, 5, 10]
        short = make(window=30).fit(X, y).predict(X)  # all rows padded to the window
        assert np.isfinite(values_of(short)).all()
        assert values_of(predictions).std() > 0

    def test_windows_are_stitched_by_their_mean(self, ragged, make):
        X, y = ragged
        model = make().fit(X, y)
        [cell] = model.predict(X.iloc[[3]])  # 7 steps in windows of 4, every 2
        streams = {name: np.asarray(X[name].iloc[3])[None] for name in ("audio", "video")}
        total, count = np.zeros(7), np.zeros(7)
        for begin in (0, 2, 3):
            part = {name: torch.tensor(x[:, begin : begin + 4]) for name, x in streams.items()}
            masks = dict.fromkeys(part, torch.ones(1, 4, dtype=torch.bool))
            with torch.no_grad():
                scaled = model.net_.module_.eval()(part, masks)[0, :, 0].numpy()
            total[begin : begin + 4] += scaled * model.target_scale_ + model.target_mean_
            count[begin : begin + 4] += 1
        np.testing.assert_allclose(np.asarray(cell).ravel(), total / count, rtol=0, atol=1e-6)

    def test_clips_are_not_cut(self, ragged, make):
        X, y = ragged
        labels = np.array([np.mean(np.asarray(cell)) for cell in y])
        model = make().fit(X, labels)
        together = model.predict(X)
        assert together.shape == (6,)
        alone = np.concatenate([model.predict(X.iloc[[row]]) for row in range(6)])
        np.testing.assert_allclose(alone, together, rtol=0, atol=1e-6)
        changed = X.copy()
        frames = np.asarray(X["audio"].iloc[2]).copy()
        frames[-1] += 3  # the last of 12 steps
        changed["audio"] = av.SequenceArray.from_sequences(
            [frames if row == 2 else X["audio"].iloc[row] for row in range(6)], rate_hz=1
        )
        assert np.abs(model.predict(changed) - together).nonzero()[0].tolist() == [2]

    def test_a_row_alone_is_as_in_any_batch(self, ragged, make):
        X, y = ragged
        model = make().fit(X, y)
        together = model.predict(X)
        for row in range(len(X)):  # two of them lack a stream
            alone = values_of(model.predict(X.iloc[[row]]))[:, 0]
            np.testing.assert_allclose(alone, np.asarray(together.iloc[row]).ravel(), rtol=0, atol=1e-6)

    def test_absent_streams_train(self, ragged, make):
        X, y = ragged
        model = make(modality_dropout=0.5).fit(X, y)
        X = X[X["audio"].notna()]
        assert np.isfinite(values_of(model.predict(X.assign(video=None)))).all()

    def test_grid_search_in_two_processes(self, ragged, make):
        X, y = ragged
        grid = {"window": [3, 6], "joint_lstm": [False, True]}
        search = GridSearchCV(make(), grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
        assert len(set(search.cv_results_["mean_test_score"])) >= 3  # no window without attention or memory
        assert [len(cell) for cell in search.predict(X)] == [9, 4, 12, 7, 5, 10]

    def test_clone_and_pickle(self, ragged, make):
        X, y = ragged
        model = make().fit(X, y)
        again = clone(model).fit(X, y)
        for copy in (again, pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(values_of(copy.predict(X)), values_of(model.predict(X)))


def test_the_feature_axis_needs_a_window(ragged):
    with pytest.raises(ValueError, match="must be fixed: set window to a number of steps, for instance 16"):
        released(window=None).fit(*ragged)


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
        with pytest.raises(ValueError, match=r"missing: Joint\.linear\.bias"):
            unfitted.load_released(weights)
        assert not hasattr(unfitted, "net_")
        before = values_of(fitted.predict(ragged[0]))
        with pytest.raises(ValueError, match=r"missing: video_extract\.init_hidden"):
            fitted.load_released({})
        np.testing.assert_array_equal(values_of(fitted.predict(ragged[0])), before)
        with pytest.raises(ValueError, match=r"missing: video_extract\.rnn\.weight_ih_l0, audio_extract"):
            unfitted.load_released({})

    def test_what_has_another_form(self, ragged):
        X, y = self.two_targets(ragged)
        _, weights = self.weights(ragged)
        with pytest.raises(ValueError, match=r"has the video first.*modalities=\['video', 'audio'\]"):
            self.estimator(modalities=["audio", "video"]).load_released(weights)
        with pytest.raises(ValueError, match="two streams and two targets; got modalities"):
            self.estimator(modalities=["video"]).load_released(weights)
        with pytest.raises(ValueError, match=r"got modalities \['video'\] and targets"):
            self.estimator(modalities="video").load_released(weights)
        with pytest.raises(ValueError, match=r"and targets \['va'\]"):
            self.estimator().load_released(weights, targets="va")
        flat = weights | {"audio_extract.rnn.weight_ih_l0": torch.zeros(3)}
        with pytest.raises(ValueError, match=r"audio_extract.rnn.weight_ih_l0 has the shape \(3,\)"):
            self.estimator().load_released(flat)
        one_target = self.estimator().fit(X, y["valence"])
        with pytest.raises(ValueError, match="two streams, two targets per frame, skip encoders and atten"):
            one_target.load_released(weights)
