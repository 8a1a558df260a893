import pickle
from ast import literal_eval
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import avfusion as av
from avfusion.networks import AttentionStack
from avfusion.released import FeatureJointAttention
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
    """Rows longer and shorter than the window meet the contract of every estimator."""

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
    with pytest.raises(ValueError, match=r"must be fixed. Set window to it, such as 16"):
        released(window=None).fit(*ragged)


def test_its_description_has_the_released_defaults():
    lines = av.ReleasedJointAttentionRegressor.__doc__.splitlines()
    lines = [line.strip() for line in lines if "default=" in line]
    described = {line.split(" : ")[0]: literal_eval(line.split("default=")[1]) for line in lines}
    defaults = av.ReleasedJointAttentionRegressor().get_params()
    assert {"hidden_size", "input_norm", "schedule", "window", "dropout_site"} <= described.keys()
    assert {name: defaults[name] for name in described} == described
    assert "hidden_size : int, default=32" in av.EarlyFusionRegressor.__doc__
