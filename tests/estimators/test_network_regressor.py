import itertools
import pickle
import warnings
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback

import avfusion as av
from avfusion.estimators._batches import StreamDataset, observed_statistics
from avfusion.estimators._model import within_memory
from avfusion.estimators._training import SequenceNet
from avfusion.sequences._targets import as_targets

QUICK = {"hidden_size": 8, "max_epochs": 2, "batch_size": 2, "random_state": 0}
NETWORKS = [av.EarlyFusionRegressor, av.RecursiveJointAttentionRegressor]
networks = pytest.mark.parametrize("network", NETWORKS)


def values_of(y):
    return as_targets(y).values


class Batches(Callback):
    """Keep every batch that is trained on."""

    def __init__(self):
        self.streams, self.targets = [], []

    def on_batch_begin(self, net, batch, training, **kwargs):
        if training:
            self.streams.append(batch[0]["streams"])
            self.targets.append(batch[1])


class TestTargetScale:
    def test_the_network_learns_standardised_targets(self, ragged):
        X, y = ragged
        y = pd.DataFrame({"a": y, "b": y.array.with_frames(100 - 7 * y.array.pack().frames)})
        seen = Batches()
        model = av.EarlyFusionRegressor(window=None, callbacks=[seen], **{**QUICK, "max_epochs": 1}).fit(X, y)
        targets = torch.cat([batch.flatten(0, 1) for batch in seen.targets]).numpy()
        np.testing.assert_allclose(np.nanmean(targets, axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(np.nanstd(targets, axis=0), 1, atol=1e-5)
        np.testing.assert_allclose(model.target_mean_, values_of(y).mean(axis=0))
        np.testing.assert_allclose(model.target_scale_, values_of(y).std(axis=0))

    def test_predictions_move_with_the_scale_of_y(self, ragged):
        X, y = ragged
        moved = pd.Series(y.array.with_frames(1e4 + 50 * y.array.pack().frames), index=y.index)
        first, second = (values_of(av.EarlyFusionRegressor(**QUICK).fit(X, v).predict(X)) for v in (y, moved))
        np.testing.assert_allclose(second, 1e4 + 50 * first, rtol=1e-6)

    def test_off(self, ragged):
        X, y = ragged
        seen = Batches()
        model = av.EarlyFusionRegressor(standardize_target=False, window=None, callbacks=[seen], **QUICK)
        model.fit(X, y)
        assert (model.target_mean_, model.target_scale_) == (0, 1)
        targets = torch.cat([batch.flatten() for batch in seen.targets])
        assert float(targets[~targets.isnan()].max()) == pytest.approx(values_of(y).max())

    def test_constant_target(self, ragged):
        X, _ = ragged
        model = av.EarlyFusionRegressor(**QUICK).fit(X, np.full(6, 3.0))
        assert model.target_scale_ == [1.0]
        assert np.isfinite(model.predict(X)).all()


class TestStatistics:
    def rows(self, offset):
        rng = np.random.default_rng(0)
        lengths = [5, 400, 3, 90]
        rows = [offset + rng.normal(size=(n, 3)) * [1, 5, 0.1] for n in lengths]
        rows[1][7, 2] = rows[3][:50] = np.nan
        return rows

    @pytest.mark.parametrize("offset", [0.0, 1e6])
    def test_is_that_of_numpy(self, offset):
        rows = self.rows(offset)
        starts, lengths = np.array([100, -1, 0, 5]), np.array([5, 400, 3, 90])
        frames = np.full((110, 3), 1e9)
        for row in (0, 2, 3):
            frames[starts[row] : starts[row] + lengths[row]] = rows[row]
        data = StreamDataset({"a": frames}, {"a": starts}, lengths, np.dtype("float64"))
        mean, std = observed_statistics(data, "a")
        observed = np.concatenate([rows[0], rows[2], rows[3][50:]])
        np.testing.assert_allclose(mean, np.nanmean(observed, axis=0), rtol=1e-13)
        np.testing.assert_allclose(std, np.nanstd(observed, axis=0), rtol=1e-9)

    @pytest.mark.parametrize("offset", [0.0, 1e6])
    def test_are_of_each_feature_where_it_was_observed(self, offset):
        rows = self.rows(offset)
        rows[0][:, 1] = rows[2][0] = np.nan
        rows[1][::3, 0] = np.nan
        frames, lengths = np.concatenate(rows), np.array([5, 400, 3, 90])
        starts = np.cumsum(lengths) - lengths
        data = StreamDataset({"a": frames}, {"a": starts}, lengths, np.dtype("float64"))
        mean, std = observed_statistics(data, "a")
        np.testing.assert_allclose(mean, np.nanmean(frames, axis=0), rtol=1e-13)
        np.testing.assert_allclose(std, np.nanstd(frames, axis=0), rtol=1e-9)

    def test_a_feature_that_no_training_row_has_is_nothing_later(self, ragged, recwarn):
        X, y = ragged
        frames = X["video"].array.pack().frames.copy()
        frames[:, 0] = np.nan
        blind = X.assign(video=X["video"].array.with_frames(frames))
        with pytest.warns(UserWarning, match=r"'video' has features that are NaN in all steps .*: 0\."):
            model = av.EarlyFusionRegressor(**QUICK).fit(blind, y)
        assert not recwarn.list  # and no other
        expected = values_of(model.predict(blind))
        for value in (0.0, -3.0, 1e6):
            frames[:, 0] = value
            again = model.predict(X.assign(video=X["video"].array.with_frames(frames)))
            np.testing.assert_allclose(values_of(again), expected, atol=1e-6)

    def test_features_with_a_large_offset_train_as_without(self, ragged):
        X, y = ragged
        X = X.assign(
            **{
                n: X[n].array.astype(f"sequence[float64, {X[n].array.width}, 1Hz]")
                for n in ("audio", "video")
            }
        )
        moved = X.assign(audio=X["audio"].array.with_frames(1e6 + 10 * X["audio"].array.pack().frames))
        first, second = (values_of(av.EarlyFusionRegressor(**QUICK).fit(x, y).predict(x)) for x in (X, moved))
        np.testing.assert_allclose(second, first, atol=1e-6)

    def test_are_of_the_training_rows_only(self, ragged):
        X, y = ragged
        X = X.assign(far=["no", "no", "no", "yes", "no", "no"])
        frames = X["video"].array.pack().frames.copy()
        frames[X["video"].array.pack().starts[3] :][:7] += 1000
        X["video"] = X["video"].array.with_frames(frames)
        norms = {}
        for seed in range(8):
            model = av.EarlyFusionRegressor(
                early_stopping=True, validation_groups="far", **{**QUICK, "random_state": seed}
            ).fit(X, y)
            norms[seed] = float(model.net_.module_.input_norms["video"].mean.abs().max())
        assert min(norms.values()) < 2  # the far row was held out
        assert all(norm < 2 or norm > 100 for norm in norms.values())


class TestHoldOut:
    def held_out(self, monkeypatch, model, X, y, **kwargs):
        """Rows that were trained on and held out, found by spying."""
        parts = []
        original = SequenceNet.train

        def spy(net, train, valid=None, **options):
            parts.extend([train, valid])
            return original(net, train, valid, **options)

        monkeypatch.setattr(SequenceNet, "train", spy)
        model.fit(X, y, **kwargs)
        starts = np.cumsum(X["video"].array.pack().lengths.clip(0)) - X["video"].array.pack().lengths.clip(0)
        assert len(set(starts)) == len(X)
        return [[int(np.flatnonzero(starts == s)[0]) for s in part.starts["video"]] for part in parts]

    def data(self):
        X, y = av.datasets.make_audiovisual_regression(
            12, recordings_per_subject=3, duration_s=(4, 9), audio_rate_hz=1, video_rate_hz=1, random_state=0
        )
        return X, y

    @pytest.mark.parametrize("seed", range(4))
    def test_groups_of_a_column_are_on_one_side(self, monkeypatch, seed):
        X, y = self.data()
        model = av.EarlyFusionRegressor(early_stopping=True, validation_groups="subject", **QUICK)
        train, valid = self.held_out(monkeypatch, model.set_params(random_state=seed), X, y)
        assert sorted(train + valid) == list(range(12))
        assert not set(X["subject"].iloc[train]) & set(X["subject"].iloc[valid])
        assert len(valid) == 3

    def test_given_groups_take_precedence(self, monkeypatch):
        X, y = self.data()
        groups = np.array(list("xyxyxyxyxyxy"))
        model = av.EarlyFusionRegressor(early_stopping=True, validation_groups="subject", **QUICK)
        train, valid = self.held_out(monkeypatch, model, X, y, groups=groups)
        assert len({*groups[train]}) == len({*groups[valid]}) == 1
        assert len(train) == len(valid) == 6

    def test_rows_without_groups(self, monkeypatch):
        X, y = self.data()
        model = av.EarlyFusionRegressor(early_stopping=True, validation_fraction=0.4, **QUICK)
        train, valid = self.held_out(monkeypatch, model, X, y)
        assert (len(train), len(valid)) == (7, 5)

    def test_groups_follow_the_rows_through_cross_validation(self):
        X, y = self.data()
        model = av.EarlyFusionRegressor(early_stopping=True, validation_groups="subject", **QUICK)
        scores = cross_validate(model, X, y, groups=X["subject"], cv=GroupKFold(2), error_score="raise")
        assert np.isfinite(scores["test_score"]).all()

    def test_groups_by_metadata_routing(self, monkeypatch):
        X, y = self.data()
        groups = np.array(list("xyxyxyxyxyxy"))
        with config_context(enable_metadata_routing=True):
            model = av.EarlyFusionRegressor(early_stopping=True, **QUICK).set_fit_request(groups=True)
            parts = []
            original = av.EarlyFusionRegressor._hold_out

            def spy(self, dataset, groups, random):
                parts.append(groups)
                return original(self, dataset, groups, random)

            monkeypatch.setattr(av.EarlyFusionRegressor, "_hold_out", spy)
            cross_validate(model, X, y, params={"groups": groups}, cv=2, error_score="raise")
        np.testing.assert_array_equal(np.concatenate(parts), [*groups[6:], *groups[:6]])

    def test_bad_groups(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(early_stopping=True, **QUICK)
        with pytest.raises(ValueError, match="groups has 5 values for 6 rows of X"):
            model.fit(X, y, groups=list("aabbc"))
        with pytest.raises(ValueError, match=r"at least two rows .two groups.* 6 row.s. in 1 group"):
            model.fit(X, y, groups=["a"] * 6)
        model.set_params(validation_groups="speaker")
        with pytest.raises(ValueError, match=r"'speaker' is no column of X. Its columns are .*'subject'"):
            model.fit(X, y)
        with pytest.raises(ValueError, match=r"validation_groups is missing for row 1 \(index "):
            model.set_params(validation_groups="subject").fit(X.assign(subject=["a", None, *"bbcc"]), y)
        with pytest.raises(ValueError, match="validation_groups='audio' is a modality; groups are"):
            model.set_params(validation_groups="audio").fit(X, y)
        assert not hasattr(model, "net_")

    @pytest.mark.parametrize(("labelled", "name"), [("p", "held-out"), ("q", "training")])
    def test_both_sides_need_labels(self, ragged, monkeypatch, labelled, name):
        X, y = ragged
        monkeypatch.setattr(
            "sklearn.model_selection.GroupShuffleSplit.split", lambda *_, **__: iter([([0, 1, 4, 5], [2, 3])])
        )
        model = av.EarlyFusionRegressor(early_stopping=True, **QUICK)
        with pytest.raises(ValueError, match=f"no label in the {name} rows of early_stopping"):
            model.fit(X, y.where(X["subject"] == labelled))
        assert not hasattr(model, "net_")


class TestWarmStart:
    def test_goes_on_from_the_weights(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(warm_start=True, weight_average=None, **QUICK).fit(X, y)
        state = {name: value.clone() for name, value in model.net_.module_.state_dict().items()}
        before = model.net_

        class First(Callback):
            def on_train_begin(self, net, **kwargs):
                self.state = {name: value.clone() for name, value in net.module_.state_dict().items()}

        first = First()
        model.set_params(callbacks=[first], max_epochs=3).fit(X, y)
        assert all(torch.equal(first.state[name], state[name]) for name in state)
        assert len(model.net_.history) == 2 + 3
        assert len(before.history) == 2

    def test_anew_without_it(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(**QUICK)
        first = values_of(model.fit(X, y).predict(X))
        np.testing.assert_array_equal(values_of(model.fit(X, y).predict(X)), first)
        assert len(model.net_.history) == 2

    def test_parameters_of_now_count(self, ragged):
        model = av.EarlyFusionRegressor(warm_start=True, **QUICK).fit(*ragged)
        model.set_params(lr=1e-12, schedule=None, weight_average=None, weight_decay=0.0)
        first = values_of(model.predict(ragged[0]))
        np.testing.assert_allclose(values_of(model.fit(*ragged).predict(ragged[0])), first, atol=1e-6)

    def test_what_does_not_fit_is_refused(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(warm_start=True, **QUICK).fit(X, y)
        net = model.net_
        message = r"1 target\(s\) per clip, but in fit y had 1 target\(s\) per frame.*warm_start=False"
        with pytest.raises(ValueError, match=message):
            model.fit(X, np.arange(6.0))
        with pytest.raises(
            ValueError, match="has 3 features per frame, but EarlyFusionRegressor was fitted on 2"
        ):
            model.fit(X.assign(video=X["audio"]), y)
        with pytest.raises(ValueError, match="do not fit the network of the parameters of now"):
            model.set_params(hidden_size=4).fit(X, y)
        assert model.net_ is net


class TestLosses:
    @pytest.mark.parametrize("loss", ["ccc", "mse", "mae", "huber", "ccc+mse"])
    def test_by_name_is_as_by_function(self, ragged, loss):
        X, y = ragged
        models = [av.EarlyFusionRegressor(loss=v, **QUICK) for v in (loss, av.networks.LOSSES[loss])]
        first, second = (values_of(model.fit(X, y).predict(X)) for model in models)
        np.testing.assert_array_equal(first, second)

    def test_differ(self, ragged):
        X, y = ragged
        models = [
            av.EarlyFusionRegressor(loss=loss, **QUICK) for loss in ("ccc", "mse", "mae", "huber", "ccc+mse")
        ]
        predictions = [values_of(model.fit(X, y).predict(X)) for model in models]
        assert all(np.abs(a - b).max() > 1e-5 for a, b in itertools.pairwise(predictions))

    def test_own(self, ragged):
        calls = []

        def quartic(prediction, target, mask):
            calls.append((prediction.shape, target.shape, mask.shape, mask.dtype))
            return (prediction - target)[mask].pow(4).mean()

        model = av.EarlyFusionRegressor(loss=quartic, **QUICK).fit(*ragged)
        assert calls[0][0] == calls[0][1] == calls[0][2]
        assert calls[0][3] == torch.bool
        assert np.isfinite(values_of(model.predict(ragged[0]))).all()

    def test_unknown(self, ragged):
        with pytest.raises(
            ValueError, match=r"'loss' parameter of EarlyFusionRegressor must be .* Got 'cc' instead"
        ):
            av.EarlyFusionRegressor(loss="cc").fit(*ragged)


@pytest.mark.parametrize(
    ("optimizer", "kind"),
    [
        ("adamw", torch.optim.AdamW),
        ("adam", torch.optim.Adam),
        ("sgd", torch.optim.SGD),
        (torch.optim.NAdam,) * 2,
    ],
)
def test_optimizers(ragged, optimizer, kind):
    model = av.EarlyFusionRegressor(optimizer=optimizer, lr=0.02, weight_decay=0.03, schedule=None, **QUICK)
    model.fit(*ragged)
    assert type(model.net_.optimizer_) is kind
    group = model.net_.optimizer_.param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.02, 0.03)


class TestWindows:
    @networks
    @pytest.mark.parametrize(("window", "hop"), [(5, 1), (5, 2), (4, 4), (6, None), (3, 2)])
    def test_long_rows_are_averaged_over_their_windows(self, ragged, network, window, hop):
        X, y = ragged
        model = network(window=window, hop=hop, **QUICK).fit(X, y)
        cells = model.predict(X)
        step = hop or window // 2
        for row in range(len(X)):
            length = len(y.iloc[row])
            begins = [*range(0, max(length - window, 0), step), max(length - window, 0)]
            total, count = np.zeros((length, 1)), np.zeros((length, 1))
            for begin in begins:
                piece = slice(begin, begin + window)
                cut = {
                    n: [None if X[n].iloc[row] is pd.NA else X[n].iloc[row].frames[piece]]
                    for n in ("audio", "video")
                }
                columns = {
                    n: av.SequenceArray.from_sequences(c, "float32", X[n].array.width, 1)
                    for n, c in cut.items()
                }
                alone = clone(model).set_params(window=None)
                alone.__dict__.update({k: v for k, v in vars(model).items() if k not in ("window", "hop")})
                total[piece] += np.asarray(alone.predict(pd.DataFrame(columns)).iloc[0])
                count[piece] += 1
            np.testing.assert_allclose(np.asarray(cells.iloc[row]), total / count, atol=1e-6)

    @networks
    def test_rows_up_to_the_window_are_whole(self, ragged, network):
        X, y = ragged
        model = network(window=None, **QUICK).fit(X, y)
        whole = values_of(model.predict(X))
        np.testing.assert_allclose(values_of(model.set_params(window=12).predict(X)), whole, atol=1e-6)
        assert np.abs(values_of(model.set_params(window=6).predict(X)) - whole).max() > 1e-5

    @networks
    def test_whole_rows_do_not_depend_on_their_batch(self, ragged, network):
        X, y = ragged
        model = network(window=None, **QUICK).fit(X, y)
        together = as_targets(model.set_params(batch_size=6).predict(X))
        for row in range(6):
            alone = values_of(model.predict(X.iloc[[row]]))
            np.testing.assert_allclose(alone, together.values[together.row_of_value == row], atol=1e-6)

    def test_clips_are_never_cut(self, ragged):
        X, _ = ragged
        y = np.arange(6.0)
        first, second = (
            av.EarlyFusionRegressor(window=window, **QUICK).fit(X, y).predict(X) for window in (2, None)
        )
        np.testing.assert_array_equal(first, second)

    def test_hop_beyond_the_window(self, ragged):
        model = av.EarlyFusionRegressor(window=4, hop=5)
        with pytest.raises(
            ValueError, match="hop=5 is larger than window=4: steps between windows would have no"
        ):
            model.fit(*ragged)
        assert not hasattr(model, "net_")

    def test_training_batches_hold_no_more_than_a_window(self, ragged):
        seen = Batches()
        av.EarlyFusionRegressor(window=5, callbacks=[seen], **QUICK).fit(*ragged)
        assert max(streams["audio"].shape[1] for streams in seen.streams) == 5
        assert max(len(streams["audio"]) for streams in seen.streams) == 2


class TestLabels:
    def unlabelled(self, y, share=0.3):
        frames = y.array.pack().frames.copy()
        hidden = np.random.default_rng(3).random(len(frames)) < share
        return hidden, lambda value: pd.Series(
            y.array.with_frames(np.where(hidden[:, None], value, frames)), index=y.index, name=y.name
        )

    def test_frames_without_a_label_have_no_influence(self, ragged):
        X, y = ragged
        hidden, fill = self.unlabelled(y)
        assert 5 < hidden.sum() < 30

        def without(value):
            def loss(prediction, target, mask):
                return av.networks.LOSSES["mse"](prediction, target, mask & (target != value))

            return loss

        kwargs = {"standardize_target": False, "window": 5, **QUICK}
        expected = values_of(av.EarlyFusionRegressor(loss="mse", **kwargs).fit(X, fill(np.nan)).predict(X))
        for value in (-64.0, 1024.0):
            found = av.EarlyFusionRegressor(loss=without(value), **kwargs).fit(X, fill(value)).predict(X)
            np.testing.assert_array_equal(values_of(found), expected)

    def test_scale_is_that_of_the_labels(self, ragged):
        X, y = ragged
        hidden, fill = self.unlabelled(y)
        model = av.EarlyFusionRegressor(**QUICK).fit(X, fill(np.nan))
        known = y.array.pack().frames[~hidden]
        np.testing.assert_allclose((model.target_mean_, model.target_scale_), (known.mean(0), known.std(0)))

    def test_rows_without_labels_are_as_rows_of_nan(self, ragged):
        X, y = ragged
        missing = y.where(y.index != "c")
        nan = [np.asarray(cell) * (np.nan if label == "c" else 1) for label, cell in y.items()]
        nan = pd.Series(av.SequenceArray.from_sequences(nan, rate_hz=1), index=y.index)
        first, second = (
            values_of(av.EarlyFusionRegressor(**QUICK).fit(X, v).predict(X)) for v in (missing, nan)
        )
        np.testing.assert_array_equal(first, second)
        assert len(first) == sum(map(len, y))  # these rows are predicted as well

    def test_clips_without_a_label_have_no_influence(self, ragged):
        X, _ = ragged
        y = np.array([1.0, np.nan, 3.0, 2.0, 5.0, 4.0])
        seen = Batches()
        model = av.EarlyFusionRegressor(callbacks=[seen], **{**QUICK, "max_epochs": 1}).fit(X, y)
        assert int(torch.cat(seen.targets).isnan().sum()) == 1
        assert model.target_mean_ == pytest.approx(3.0)
        assert np.isfinite(model.predict(X)).all()

    def test_frame_and_clip_targets(self, ragged):
        X, y = ragged
        frames = av.EarlyFusionRegressor(**QUICK).fit(X, y)
        clips = av.EarlyFusionRegressor(**QUICK).fit(X, np.arange(6.0))
        assert [len(cell) for cell in frames.predict(X)] == [9, 4, 12, 7, 5, 10]
        assert clips.predict(X).shape == (6,)

    @pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
    def test_pooling(self, ragged, pooling):
        X, _ = ragged
        model = av.EarlyFusionRegressor(pooling=pooling, **QUICK).fit(X, np.arange(6.0))
        alone = [float(model.predict(X.iloc[[row]])[0]) for row in range(6)]
        np.testing.assert_allclose(model.predict(X), alone, atol=1e-6)


class TestDtype:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_of_a_table_is_that_of_the_network(self, dtype):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(20, 3)).astype(dtype), rng.normal(size=20)
        model = av.EarlyFusionRegressor(**QUICK).fit(X, y)
        assert {str(p.dtype) for p in model.net_.module_.parameters()} == {f"torch.{dtype}"}

    def test_of_sequences(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(**QUICK).fit(X, y)
        assert next(model.net_.module_.parameters()).dtype == torch.float32
        half = X.assign(audio=X["audio"].array.astype("sequence[float16, 3, 1Hz]"))
        assert next(clone(model).fit(half, y).net_.module_.parameters()).dtype == torch.float32

    def test_may_be_another_in_predict(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=20)
        for first, second in (("float32", "float64"), ("float64", "float32")):
            model = av.EarlyFusionRegressor(**QUICK).fit(X.astype(first), y)
            np.testing.assert_allclose(
                model.predict(X.astype(second)), model.predict(X.astype(first)), atol=1e-6
            )


class TestParameters:
    @pytest.mark.parametrize(
        "change",
        [
            {"input_norm": "layer"},
            {"input_norm": None},
            {"input_noise": 0.0},
            {"modality_dropout": 0.6},
            {"dropout": 0.0},
            {"schedule": None},
            {"gradient_clip": 1e-3, "optimizer": "sgd"},
            {"weight_average": None},
            {"window": 3},
        ],
    )
    def test_each_has_an_effect(self, ragged, change):
        X, y = ragged
        plain, changed = (
            values_of(av.EarlyFusionRegressor(**QUICK, **c).fit(X, y).predict(X)) for c in ({}, change)
        )
        assert np.isfinite(changed).all()
        assert np.abs(plain - changed).max() > 1e-6

    def test_odd_hidden_size(self, ragged):
        with pytest.raises(ValueError, match="hidden_size=7 must be even: half for each direction in time"):
            av.EarlyFusionRegressor(hidden_size=7).fit(*ragged)

    @pytest.mark.parametrize("random_state", [np.random.RandomState(3), None])
    def test_random_state_may_be_a_generator(self, ragged, random_state):
        X, y = ragged
        model = av.EarlyFusionRegressor(**{**QUICK, "random_state": random_state})
        first, second = (values_of(model.fit(X, y).predict(X)) for _ in range(2))
        assert np.abs(first - second).max() > 1e-6

    def test_shared_parameters_are_described(self):
        for network in (*NETWORKS, av.UnimodalRegressor):
            for name in network().get_params(deep=False):
                assert f"\n    {name} : " in network.__doc__, (network, name)

    def test_modalities_are_chosen(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(modalities=["video"], **QUICK).fit(X, y)
        assert model.modalities_ == {"video": 2}
        other = X.drop(columns="audio")
        other = other[other["video"].notna()]
        np.testing.assert_array_equal(
            values_of(model.predict(other)), values_of(model.predict(X.loc[other.index]))
        )


@pytest.mark.parametrize("early_stopping", [False, True])
def test_no_data_is_kept(ragged, early_stopping):
    X, y = ragged
    settings = {**QUICK, "early_stopping": early_stopping, "max_epochs": 1, "batch_size": 1200}
    model = av.EarlyFusionRegressor(**settings).fit(X, y)
    many = pd.concat([X] * 200, ignore_index=True), pd.concat([y] * 200, ignore_index=True)
    large = av.EarlyFusionRegressor(**settings).fit(*many)
    assert len(pickle.dumps(large)) < 1.1 * len(pickle.dumps(model)) + 2000


def test_no_warnings(ragged):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        av.RecursiveJointAttentionRegressor(early_stopping=True, **QUICK).fit(*ragged).predict(ragged[0])


@networks
def test_learns_a_linear_mapping(network):
    rng = np.random.default_rng(0)
    audio, video = ([rng.normal(size=(30, 2)) for _ in range(12)] for _ in range(2))
    X = av.as_sequences({"audio": audio, "video": video})
    y = [a[:, 0] - v[:, 1] for a, v in zip(audio, video)]
    model = network(hidden_size=16, max_epochs=60, dropout=0.0, input_noise=0.0, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9


class TestMembers:
    def data(self):
        return av.datasets.make_audiovisual_regression(
            6, recordings_per_subject=2, duration_s=(6, 12), audio_rate_hz=1, video_rate_hz=1, random_state=0
        )

    def test_prediction_is_the_mean_over_networks_of_different_seeds(self):
        X, y = self.data()
        model = av.EarlyFusionRegressor(n_members=3, **QUICK).fit(X, y)
        together = model.predict(X)
        nets, alone = model.nets_, []
        for net in nets:
            model.nets_ = [net]
            alone.append([np.asarray(cell) for cell in model.predict(X)])
        for row, cell in enumerate(together):
            np.testing.assert_allclose(np.asarray(cell), np.mean([a[row] for a in alone], axis=0), atol=1e-6)
        assert np.abs(alone[0][0] - alone[1][0]).max() > 1e-3
        assert model.net_ is nets[0]

    def test_first_member_is_the_network_of_one(self):
        X, y = self.data()
        one = av.EarlyFusionRegressor(**QUICK).fit(X, y).net_.module_.state_dict()
        three = av.EarlyFusionRegressor(n_members=3, **QUICK).fit(X, y).net_.module_.state_dict()
        assert all(torch.equal(one[name], three[name]) for name in one)

    def test_warm_start_keeps_the_number(self):
        X, y = self.data()
        model = av.EarlyFusionRegressor(n_members=2, warm_start=True, **QUICK).fit(X, y)
        epochs = [len(net.history) for net in model.nets_]
        assert [len(net.history) for net in model.fit(X, y).nets_] == [2 * n for n in epochs]
        with pytest.raises(ValueError, match=r"n_members=3, but the last fit.* had 2"):
            model.set_params(n_members=3).fit(X, y)


class TestPartialFit:
    def data(self):
        return av.datasets.make_audiovisual_regression(
            12, duration_s=(20, 40), audio_rate_hz=1, video_rate_hz=1, random_state=0
        )

    def test_every_call_is_one_epoch_and_the_loss_falls(self):
        X, y = self.data()
        model = av.EarlyFusionRegressor(random_state=0, weight_average=None)
        for n_calls in range(1, 31):
            assert model.partial_fit(X, y) is model
            assert len(model.net_.history) == n_calls
        losses = model.net_.history[:, "train_loss"]
        assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
        assert {lr for g in model.net_.optimizer_.param_groups for lr in [g["lr"]]} == {model.lr}

    def test_same_calls_same_result(self):
        X, y = self.data()
        a, b = (av.EarlyFusionRegressor(random_state=3) for _ in range(2))
        for rows in (slice(0, 6), slice(6, 12), slice(0, 12)):
            a.partial_fit(X[rows], y[rows])
            b.partial_fit(X[rows], y[rows])
        assert all(
            np.array_equal(p, q) for p, q in zip(map(np.asarray, a.predict(X)), map(np.asarray, b.predict(X)))
        )

    def test_goes_on_from_fit(self):
        X, y = self.data()
        model = av.EarlyFusionRegressor(**QUICK).fit(X, y)
        before = [np.asarray(cell) for cell in model.predict(X)]
        epochs, scale = len(model.net_.history), model.target_scale_.copy()
        model.partial_fit(X[:4], y[:4])
        assert len(model.net_.history) == epochs + 1
        assert model.target_scale_ == pytest.approx(scale)
        assert np.abs(np.asarray(model.predict(X)[0]) - before[0]).max() > 0

    def test_other_rows_must_be_alike(self):
        X, y = self.data()
        model = av.EarlyFusionRegressor(**QUICK).partial_fit(X, y)
        with pytest.raises(ValueError, match="target"):
            model.partial_fit(X, np.arange(len(X), dtype=float))
        with pytest.raises(ValueError, match="lacks sequence columns"):
            model.partial_fit(X.drop(columns="audio"), y)


def test_ctrl_c_is_let_through_and_leaves_no_half_trained_network():
    class Interrupt(Callback):
        def on_batch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    X, y = av.datasets.make_audiovisual_regression(6, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    model = av.EarlyFusionRegressor(callbacks=[("interrupt", Interrupt())], **QUICK)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "net_")
    model.set_params(callbacks=None).fit(X, y)
    model.set_params(callbacks=[("interrupt", Interrupt())])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y.array.with_frames(100 * y.array.pack().frames))
    assert not hasattr(model, "net_")  # the former network would answer on the scale of the new labels


def test_a_training_that_diverges_is_an_error():
    X, y = av.datasets.make_audiovisual_regression(6, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    model = av.EarlyFusionRegressor(optimizer="sgd", lr=1e30, schedule=None, gradient_clip=None, **QUICK)
    with pytest.raises(ValueError, match="Training diverged: weights became infinite or NaN"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


class TestFitsThatFail:
    diverging: ClassVar = {"optimizer": "sgd", "lr": 1e12, "gradient_clip": None, "schedule": None}

    def assert_unfitted(self, model, X):
        assert [name for name in vars(model) if name.endswith("_")] == []
        assert not hasattr(model, "modalities_")
        with pytest.raises(NotFittedError):
            check_is_fitted(model)
        with pytest.raises(NotFittedError):
            model.predict(X)

    def train_by_hand(self, model, X, y):
        for _ in range(10):
            model.partial_fit(X, y)

    @pytest.mark.parametrize("fitted", [False, True])
    def test_leave_nothing(self, ragged, fitted):
        model = av.EarlyFusionRegressor(**QUICK)
        if fitted:
            model.fit(*ragged)
        with pytest.raises(ValueError, match="Training diverged"):
            model.set_params(**self.diverging, max_epochs=5).fit(*ragged)
        self.assert_unfitted(model, ragged[0])

    def test_a_module_that_does_not_fit_leaves_nothing(self, ragged):
        model = av.FusionRegressor(network=torch.nn.Identity, **QUICK)
        for fit in (model.fit, model.partial_fit):
            with pytest.raises(TypeError):
                fit(*ragged)
            self.assert_unfitted(model, ragged[0])

    def test_by_hand_leave_no_net_that_predicts_nan(self, ragged):
        model = av.EarlyFusionRegressor(**{**QUICK, **self.diverging})
        with pytest.raises(ValueError, match="Training diverged"):
            self.train_by_hand(model, *ragged)
        self.assert_unfitted(model, ragged[0])

    def test_by_hand_after_a_whole_training_leave_that(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(**QUICK).fit(X, y)
        before = values_of(model.predict(X))
        with pytest.raises(ValueError, match="Training diverged"):
            model.set_params(**self.diverging | {"lr": 1e30}).partial_fit(X, y)
        np.testing.assert_array_equal(values_of(model.predict(X)), before)

    def test_with_warm_start_the_former_model_stays(self, ragged):
        X, y = ragged
        model = av.EarlyFusionRegressor(warm_start=True, **QUICK).fit(X, y)
        before = values_of(model.predict(X))
        with pytest.raises(ValueError, match="Training diverged"):
            model.set_params(**self.diverging, max_epochs=5).fit(X, y)
        np.testing.assert_array_equal(values_of(model.predict(X)), before)


@pytest.mark.parametrize(
    ("cls", "parameters"),
    [
        (av.EarlyFusionRegressor, {"hidden_size": 10**6}),
        (av.RecursiveJointAttentionRegressor, {"hidden_size": 10**5}),
        (av.UnimodalRegressor, {"hidden_size": 10**5, "modality": "audio"}),
        (av.LowRankFusionRegressor, {"rank": 10**9}),
    ],
)
def test_a_network_that_fits_into_no_memory_is_refused_before_it_is_built(cls, parameters):
    X, y = av.datasets.make_audiovisual_regression(
        4, duration_s=(5, 8), audio_rate_hz=1, video_rate_hz=1, label_rate_hz=1, random_state=0
    )
    name = next(iter(parameters))
    with pytest.raises(ValueError, match=f"{name}={parameters[name]}: The network would have .* weights"):
        cls(**parameters).fit(X, y)


def test_a_look_at_the_size_draws_no_random_numbers():
    def build(widths, size):
        layers = torch.nn.Sequential(torch.nn.Linear(sum(widths.values()), size), torch.nn.LSTM(size, 3))
        return layers.append(torch.nn.Linear(3, int(torch.ones(1).sum())))  # fails where nothing has a value

    torch.manual_seed(0)
    expected = [p.clone() for p in build({"a": 2}, size=3000).parameters()]
    torch.manual_seed(0)
    looked_at = within_memory(partial(build, size=3000), {"hidden_size": 3000})({"a": 2})
    assert all(torch.equal(a, b) for a, b in zip(expected, looked_at.parameters()))
    plain = partial(build, size=3)
    assert within_memory(plain, {"hidden_size": 3, "random_state": 10**6, "warm_start": True}) is plain
