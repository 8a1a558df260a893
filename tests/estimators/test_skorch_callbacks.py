"""Every callback that skorch ships: what it does in a training of ours, by a number or a file."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import skorch.callbacks
import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    Freezer,
    GradientNormClipping,
    Initializer,
    LoadInitState,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
)

import avfusion as av

LAYER = "network.joint.linear.weight"
QUICK = {"hidden_size": 4, "max_epochs": 3, "batch_size": 2, "random_state": 0}


def rows():
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(n, 3)) for n in (5, 9, 7, 8, 6, 12)]
    return av.as_sequences({"audio": cells}), [cell[:, 0] for cell in cells]


def fit(*callbacks, **settings):
    X, y = rows()
    model = av.EarlyFusionRegressor(callbacks=list(callbacks), **QUICK | settings)
    return model.fit(X[:4], y[:4], X_val=X[4:], y_val=y[4:])


def history(model, key):
    return model.net_.history[:, key]


def score(model):
    X, y = rows()
    return model.score(X[4:], y[4:])


class Weights(Callback):
    """Remember the weights of one layer at the end of each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.seen_ = []

    def on_epoch_end(self, net, **kwargs):
        self.seen_.append(net.module_.get_parameter(LAYER).detach().clone())


class Namespace(dict):
    """A run of Neptune, as far as skorch uses it: series by path."""

    def __init__(self, root=None, path=""):
        super().__init__()
        self.root, self.path, self.stopped = self if root is None else root, path, False

    def __getitem__(self, name):
        path = f"{self.path}/{name}".strip("/")
        if path not in self.root:
            self.root.store(path, Namespace(self.root, path))
        return self.root.get(path)

    def __setitem__(self, name, value):
        self.root.store(f"{self.path}/{name}".strip("/"), value)

    def store(self, path, value):
        super().__setitem__(path, value)

    def append(self, value):
        self.values_ = [*getattr(self, "values_", []), value]

    def stop(self):
        self.stopped = True


def batch_scoring(tmp_path, monkeypatch):
    model = fit(BatchScoring("neg_mean_absolute_error", name="mae"))
    batches = model.net_.history[-1, "batches", :, ("valid_batch_size", "mae")]
    sizes, scores = zip(*batches)
    assert history(model, "mae")[-1] == pytest.approx(np.average(scores, weights=sizes))


def checkpoint(tmp_path, monkeypatch):
    model = fit(Checkpoint("valid_ccc_best", dirname=str(tmp_path), f_pickle="net.pkl"))
    best = int(np.argmax(history(model, "valid_ccc")))
    assert history(model, "event_cp")[best]
    assert len(json.loads((tmp_path / "history.json").read_text())) == best + 1
    model.net_.load_params(f_params=tmp_path / "params.pt")
    assert score(model) == pytest.approx(max(history(model, "valid_ccc")), abs=1e-5)
    assert (tmp_path / "net.pkl").stat().st_size > 0


def early_stopping(tmp_path, monkeypatch):
    stop = EarlyStopping("train_loss", patience=1, threshold=10, threshold_mode="abs", load_best=True)
    model = fit(stop, max_epochs=5)
    assert len(history(model, "train_loss")) == 2
    assert score(model) == pytest.approx(
        history(model, "valid_ccc")[0], abs=1e-5
    )  # the first epoch's weights


def epoch_scoring(tmp_path, monkeypatch):
    model = fit(EpochScoring("ccc", lower_is_better=False))
    assert history(model, "ccc")[-1] == pytest.approx(score(model), abs=1e-5)


def epoch_timer(tmp_path, monkeypatch):
    assert all(seconds > 0 for seconds in history(fit(EpochTimer()), "dur"))


def freezer(tmp_path, monkeypatch):
    seen = Weights()
    fit(Freezer("*joint.linear*"), seen, weight_average=None)
    assert torch.equal(seen.seen_[0], seen.seen_[-1])


def unfreezer(tmp_path, monkeypatch):
    seen = Weights()
    fit(Freezer("*joint.linear*"), Unfreezer("*joint.linear*", at=3), seen, weight_average=None)
    assert torch.equal(seen.seen_[0], seen.seen_[1])
    assert not torch.equal(seen.seen_[1], seen.seen_[2])


def initializer(tmp_path, monkeypatch):
    seen = Weights()
    fit(
        Initializer("*joint.linear*", fn=lambda w: torch.nn.init.constant_(w, 0.5)),
        seen,
        lr=1e-9,
        weight_decay=0.0,
    )
    assert torch.allclose(seen.seen_[0], torch.tensor(0.5))  # in the averaged weights, too


def param_mapper(tmp_path, monkeypatch):
    seen = Weights()
    fit(ParamMapper(LAYER, fn=torch.nn.init.zeros_, at=2), seen, lr=1e-9, weight_decay=0.0)
    assert seen.seen_[0].abs().max() > 0.01
    assert seen.seen_[1].abs().max() < 1e-6


def gradient_norm_clipping(tmp_path, monkeypatch):
    norms = []

    class Norms(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            gradients = [p.grad.flatten() for _, p in named_parameters if p.grad is not None]
            norms.append(float(torch.cat(gradients).norm()))

    fit(GradientNormClipping(1e-3), Norms(), gradient_clip=None)
    assert max(norms) == pytest.approx(1e-3, rel=1e-3)


def input_shape_setter(tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match="InputShapeSetter is not needed: networks are built with the widths"
    ):
        fit(skorch.callbacks.InputShapeSetter())


def lr_scheduler(tmp_path, monkeypatch):
    model = fit(LRScheduler("StepLR", step_size=1, gamma=0.1), schedule=None, lr=0.1)
    assert history(model, "event_lr") == pytest.approx([0.1, 0.01, 0.001])


def warm_restart_lr(tmp_path, monkeypatch):
    model = fit(LRScheduler(skorch.callbacks.WarmRestartLR, max_lr=0.1, base_period=1), schedule=None)
    assert history(model, "event_lr")[0] == pytest.approx(0.1)
    assert history(model, "event_lr")[1] == pytest.approx(1e-6)


def load_init_state(tmp_path, monkeypatch):
    kept = TrainEndCheckpoint(dirname=str(tmp_path))
    first = fit(kept)
    again = fit(kept, LoadInitState(kept), max_epochs=1, lr=1e-9, weight_decay=0.0)
    assert len(history(again, "train_loss")) == 4
    assert score(again) == pytest.approx(score(first), abs=1e-4)


def train_end_checkpoint(tmp_path, monkeypatch):
    model = fit(TrainEndCheckpoint(dirname=str(tmp_path)))
    kept = torch.load(tmp_path / "train_end_params.pt", weights_only=True)
    assert all(torch.equal(kept[name], weight) for name, weight in model.net_.module_.state_dict().items())


def mlflow_logger(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/runs.db")
    run = client.create_run(client.create_experiment("a", artifact_location=str(tmp_path / "files")))
    model = fit(MlflowLogger(run, client))
    logged = client.get_metric_history(run.info.run_id, "valid_ccc")
    assert [entry.value for entry in logged] == pytest.approx(history(model, "valid_ccc"))
    assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {"params.pth", "history.json"}


def neptune_logger(tmp_path, monkeypatch):
    content = SimpleNamespace(from_content=lambda text, extension: text)
    monkeypatch.setitem(__import__("sys").modules, "neptune", SimpleNamespace())
    monkeypatch.setitem(__import__("sys").modules, "neptune.types", SimpleNamespace(File=content))
    monkeypatch.setitem(__import__("sys").modules, "neptune.handler", SimpleNamespace(Handler=int))
    run = Namespace()
    model = fit(NeptuneLogger(run))
    assert run["training/validation/epoch/ccc"].values_ == history(model, "valid_ccc")
    assert run["training/config/batch_size"] == 2
    assert run.stopped


def passthrough_scoring(tmp_path, monkeypatch):
    class Count(Callback):
        def on_batch_end(self, net, training, **kwargs):
            net.history.record_batch("count", float(training))

    model = fit(Count(), PassthroughScoring("count", on_train=True))
    assert history(model, "count") == [1.0] * 3


def print_log(tmp_path, monkeypatch):
    lines = []
    model = fit(PrintLog(sink=lines.append))
    assert "valid_ccc" in lines[0]
    assert f"{history(model, 'valid_loss')[-1]:.4f}" in lines[-1]
    assert len(lines) == 2 + 3


def progress_bar(tmp_path, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, leave):
            self.total, self.n, self.shown = total, 0, {}
            bars.append(self)

        def update(self):
            self.n += 1

        def set_postfix(self, shown, refresh):
            self.shown |= shown

        def close(self):
            pass

    monkeypatch.setattr("skorch.callbacks.logging.tqdm.tqdm", Bar)
    fit(ProgressBar())
    assert [(bar.total, bar.n, sorted(bar.shown)) for bar in bars] == [
        (3, 3, ["train_loss", "valid_loss"])
    ] * 3


def sacred_logger(tmp_path, monkeypatch):
    logged = []
    run = SimpleNamespace(log_scalar=lambda name, value, step=None: logged.append((name, value, step)))
    model = fit(SacredLogger(run))
    assert [value for name, value, _ in logged if name == "valid_ccc"] == history(model, "valid_ccc")


def tensor_board(tmp_path, monkeypatch):
    board = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from torch.utils.tensorboard import SummaryWriter

    model = fit(TensorBoard(SummaryWriter(str(tmp_path))))
    events = board.EventAccumulator(str(tmp_path)).Reload()
    found = [event.value for event in events.Scalars("Loss/valid_ccc")]
    assert found == pytest.approx(history(model, "valid_ccc"), rel=1e-5)


def wandb_logger(tmp_path, monkeypatch):
    logged = []
    run = SimpleNamespace(log=logged.append, dir=str(tmp_path), watch=lambda module: logged.append(module))
    model = fit(WandbLogger(run))
    assert [row["valid_ccc"] for row in logged[1:]] == history(model, "valid_ccc")
    best = int(np.argmin(history(model, "valid_loss")))
    model.net_.load_params(f_params=tmp_path / "best_model.pth")
    assert score(model) == pytest.approx(history(model, "valid_ccc")[best], abs=1e-5)


WHAT_THEY_DO = {
    "BatchScoring": batch_scoring,
    "Checkpoint": checkpoint,
    "EarlyStopping": early_stopping,
    "EpochScoring": epoch_scoring,
    "EpochTimer": epoch_timer,
    "Freezer": freezer,
    "GradientNormClipping": gradient_norm_clipping,
    "Initializer": initializer,
    "InputShapeSetter": input_shape_setter,
    "LRScheduler": lr_scheduler,
    "LoadInitState": load_init_state,
    "MlflowLogger": mlflow_logger,
    "NeptuneLogger": neptune_logger,
    "ParamMapper": param_mapper,
    "PassthroughScoring": passthrough_scoring,
    "PrintLog": print_log,
    "ProgressBar": progress_bar,
    "SacredLogger": sacred_logger,
    "TensorBoard": tensor_board,
    "TrainEndCheckpoint": train_end_checkpoint,
    "Unfreezer": unfreezer,
    "WandbLogger": wandb_logger,
    "WarmRestartLR": warm_restart_lr,
}


@pytest.mark.works_with(
    "skorch",
    "each callback that skorch ships does what it is for, or is refused by name",
)
@pytest.mark.parametrize("name", [name for name in skorch.callbacks.__all__ if name != "Callback"])
def test_it_does_what_skorch_says(name, tmp_path, monkeypatch):
    assert name in WHAT_THEY_DO, f"skorch has a new callback, {name}: say what it does here."
    WHAT_THEY_DO[name](tmp_path, monkeypatch)


def test_all_hooks_and_the_last_epoch_are_heard_by_all():
    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    class Hooks(Callback):
        def on_train_begin(self, net, **kwargs):
            self.seen_ = []

        def on_epoch_begin(self, net, **kwargs):
            self.seen_.append("epoch_begin")

        def on_batch_begin(self, net, training, **kwargs):
            self.seen_.append(("begin", training))

        def on_grad_computed(self, net, named_parameters, **kwargs):
            self.seen_.append("grad")

        def on_batch_end(self, net, training, **kwargs):
            self.seen_.append(("end", training))

        def on_epoch_end(self, net, **kwargs):
            self.seen_.append("epoch_end")

    hooks = Hooks()
    fit(Stop(), hooks)
    trained, validated = [("begin", True), "grad", ("end", True)], [("begin", False), ("end", False)]
    assert hooks.seen_ == 2 * ["epoch_begin", *trained, *trained, *validated, "epoch_end"]
