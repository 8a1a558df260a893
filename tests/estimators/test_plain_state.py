"""Networks kept by skops: built again from plain objects, and the same to the last bit."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, LRScheduler, TensorBoard
from torch.nn.utils import prune

import avfusion as av
from avfusion.estimators._plain_state import check_same_weights, without_results

skops = pytest.importorskip("skops.io")

SMALL = {"hidden_size": 4, "max_epochs": 2, "random_state": 0}
STEPS = (av.Align(rate_hz=1.0), av.AddContext(widths_s=(1, 5)), av.OnFrames(StandardScaler()))


class Wide(torch.nn.Module):
    """A network of the user's with a buffer, a tied weight and a normalisation that learns its statistics."""

    def __init__(self, widths, size=3):
        super().__init__()
        self.output_size = size
        self.norm = torch.nn.BatchNorm1d(size)
        self.maps = torch.nn.ModuleDict(
            {name: torch.nn.Linear(width, size) for name, width in widths.items()}
        )
        self.tied = torch.nn.Linear(size, size)
        self.again = self.tied
        self.register_buffer("seen", torch.zeros(1), persistent=False)

    def forward(self, streams, masks):
        total = sum(self.maps[name](x.nan_to_num()) for name, x in streams.items())
        self.seen += float(self.training)
        return self.again(self.tied(self.norm(total.transpose(1, 2)).transpose(1, 2))) + self.seen


class Prune(Callback):
    """Changes the network otherwise than in its weights."""

    def on_train_end(self, net, **kwargs):
        for module in net.module_.modules():
            if isinstance(module, torch.nn.Linear):
                prune.l1_unstructured(module, "weight", amount=0.2)


class Count(Callback):
    """Counts epochs, and holds weights."""

    def __init__(self, begin=0):
        self.begin = begin

    def on_train_begin(self, net, **kwargs):
        self.epochs_ = self.begin

    def on_epoch_end(self, net, **kwargs):
        self.epochs_ += 1
        self.weights_ = next(net.module_.parameters())


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(8, audio_rate_hz=1, video_rate_hz=1, random_state=0)


def through_skops(model, more=()):
    return skops.loads(skops.dumps(model), trusted=[*av.skops_types(), *more])


def models():
    network = av.EarlyFusionRegressor(**SMALL)
    for name, cls in av.all_estimators()["estimator"].items():
        model = cls()
        given = {"modality": "audio", **SMALL, "max_epochs": 1}
        if cls is av.AutoFusionRegressor:  # without boosting, whose type skops asks about
            model = cls({"network": network, "lines": av.FrameRegressor(Ridge())}, cv=2)
        yield name, model.set_params(**{k: v for k, v in given.items() if k in model.get_params()})
    yield "pipeline", make_pipeline(*STEPS, network)
    members = [("heard", network, "audio"), ("seen", av.FrameRegressor(Ridge()), ["video"])]
    yield "late fusion, stacked", av.LateFusionRegressor(members, final_estimator=Ridge(), cv=2)
    yield "rescaled", av.RescaledRegressor(network)
    yield "members", av.EarlyFusionRegressor(n_members=2, early_stopping=True, **SMALL)
    yield "core", av.EncodedFusionRegressor(core=av.fusion.LowRankFusion, core__rank=2, **SMALL)


@pytest.mark.works_with(
    "skops", "every estimator, pipelines, late fusion: equal predictions, only types of `skops_types`"
)
@pytest.mark.parametrize(
    ("name", "model"), list(models()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_loaded_predicts_the_same_to_the_last_bit(name, model, data):
    X, y = data
    model.fit(X, y)
    state = torch.random.get_rng_state()
    again = through_skops(model)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert again.predict(X).equals(model.predict(X))
    assert set(vars(again)) == set(vars(model))


def test_labels_per_clip_and_precision(data):
    X, _ = data
    y = np.arange(8.0)
    model = av.EarlyFusionRegressor(precision="bfloat16", pooling="attention", **SMALL).fit(X, y)
    np.testing.assert_array_equal(through_skops(model).predict(X), model.predict(X))


def test_history_and_results_of_callbacks_are_kept(data):
    model = av.EarlyFusionRegressor(early_stopping=True, n_members=2, **SMALL).fit(*data)
    again = through_skops(model)
    assert again.net_ is again.nets_[0]
    for net, former in zip(again.nets_, model.nets_):
        assert net.history == former.history
        stop, before = (dict(n.callbacks_)["stop_early"] for n in (net, former))
        assert (stop.best_epoch_, stop.best_score_) == (before.best_epoch_, before.best_score_)


@pytest.mark.works_with("skops", "training goes on from a loaded network: `partial_fit` and `warm_start`")
def test_training_goes_on_as_it_would_have(data):
    X, y = data
    by_hand = av.EarlyFusionRegressor(optimizer="adam", **SMALL)
    for _ in range(2):
        by_hand.partial_fit(X, y)
    finished = av.EarlyFusionRegressor(warm_start=True, **SMALL).fit(X, y)
    for model, go_on in ((by_hand, "partial_fit"), (finished, "fit"), (finished, "partial_fit")):
        again, model = through_skops(model), pickle.loads(pickle.dumps(model))
        for either in (again, model):
            getattr(either, go_on)(X, y)
        assert again.predict(X).equals(model.predict(X)), go_on
        assert len(again.net_.history) == len(model.net_.history)


def test_parameters_set_after_training_do_not_change_what_was_trained(data):
    X, y = data
    model = av.EarlyFusionRegressor(**SMALL).fit(X, y)
    expected = model.predict(X)
    again = through_skops(model.set_params(hidden_size=8, max_epochs=9))
    assert again.hidden_size == 8
    assert again.predict(X).equals(expected)


def test_a_network_of_ones_own_is_named_and_kept_whole(data):
    X, y = data
    model = av.FusionRegressor(network=Wide, network__size=5, optimizer=torch.optim.SGD, **SMALL).fit(X, y)
    more = set(skops.get_untrusted_types(data=skops.dumps(model))) - set(av.skops_types())
    assert more == {f"{__name__}.Wide", "torch.optim.sgd.SGD"}
    assert model.net_.module_.network.seen > 0
    assert through_skops(model, more).predict(X).equals(model.predict(X))


@pytest.mark.works_with(
    "skops", "a network that training changed otherwise than in its weights", refused=True
)
def test_what_cannot_be_built_again_is_refused_before_it_is_written(data):
    model = av.EarlyFusionRegressor(callbacks=[Prune()], **SMALL).fit(*data)
    with pytest.raises(
        ValueError, match=r"other ones than those that were trained. Keep it with avfusion.pers"
    ):
        skops.dumps(model)
    assert pickle.loads(pickle.dumps(model)).predict(data[0]).equals(model.predict(data[0]))


def test_weights_of_other_shapes_are_named(data):
    net = av.EarlyFusionRegressor(**SMALL).fit(*data).net_
    weights = {name: p.detach().numpy() for name, p in net.module_.state_dict().items()}
    check_same_weights(net, weights)
    name = next(iter(weights))
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        check_same_weights(net, weights | {name: np.zeros((1, 2, 3))})


def test_callbacks_of_ones_own_keep_parameters_and_numbers(data):
    X, y = data
    rate = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1)
    model = av.EarlyFusionRegressor(callbacks=[("count", Count(3)), rate], schedule=None, **SMALL).fit(X, y)
    more = set(skops.get_untrusted_types(data=skops.dumps(model))) - set(av.skops_types())
    assert more == {f"{__name__}.Count", "skorch.callbacks.lr_scheduler.LRScheduler"} | {
        "torch.optim.lr_scheduler.StepLR"
    }
    again = through_skops(model, more)
    assert again.callbacks[0][1].begin == 3
    assert dict(again.net_.callbacks_)["count"].epochs_ == 5
    assert again.predict(X).equals(model.predict(X))
    assert model.callbacks[0][1].weights_ is not None  # the model itself is as it was


def test_callbacks_given_as_classes_stay(data):
    assert without_results([Count, ("named", Count)]) == [Count, ("named", Count)]
    assert without_results(None) is None


@pytest.mark.works_with("skops", "grid searches, with scikit-learn's splitters and scorers trusted by name")
def test_a_search_needs_more_than_this_package(data):
    X, y = data
    search = GridSearchCV(av.EarlyFusionRegressor(**SMALL), {"hidden_size": [2, 4]}, cv=2).fit(X, y)
    more = set(skops.get_untrusted_types(data=skops.dumps(search))) - set(av.skops_types())
    assert all(name.startswith("sklearn.") for name in more)
    again = through_skops(search, more)
    assert again.predict(X).equals(search.predict(X))
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


def test_pickles_hold_the_modules_themselves(data):
    X, y = data
    model = av.FusionRegressor(network=Wide, **SMALL).fit(X, y)
    model.net_.module_.network.note = "set by hand"
    assert pickle.loads(pickle.dumps(model)).net_.module_.network.note == "set by hand"


class Writer:
    """Stands for a connection, which cannot be pickled."""

    def add_scalar(self, *args, **kwargs):
        pass

    def __reduce__(self):
        raise TypeError("cannot pickle a connection")


@pytest.mark.works_with("joblib", "a model trained with a tracker's callback is saved without its connection")
def test_connections_to_trackers_stay_behind(data, tmp_path):
    X, y = data
    tracker = TensorBoard(Writer(), close_after_train=False)
    model = av.EarlyFusionRegressor(callbacks=[("count", Count()), tracker], n_members=2, **SMALL)
    with pytest.raises(TypeError, match="cannot pickle a connection"):
        pickle.dumps(model)  # not yet trained: its tracker is still needed
    pipeline = make_pipeline(model).fit(X, y)
    again = av.persistence.load(av.persistence.save(pipeline, tmp_path / "net.model"))
    assert again.predict(X).equals(pipeline.predict(X))
    assert [name for name, _ in again[-1].callbacks] == ["count"]
    assert model.callbacks[1] is tracker
    assert tracker in dict(model.net_.callbacks_).values()
    loaded = through_skops(model, [f"{__name__}.Count"])
    assert loaded.predict(X).equals(model.predict(X))
