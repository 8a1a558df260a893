"""Classes that are defined in a notebook or script, fitted there, and sent to processes or to files."""

import json
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from skorch.exceptions import DeviceWarning

import avfusion as av
from avfusion.sequences._targets import as_targets

DEFINITIONS = '''
import json
import sys

import cloudpickle
import joblib
import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

import avfusion as av
from avfusion.sequences._targets import as_targets


class Products(torch.nn.Module):
    """A core of one's own."""

    def __init__(self, n_modalities, hidden_size):
        super().__init__()
        self.output_size = hidden_size
        self.mix = torch.nn.Linear(hidden_size, hidden_size)

    def forward(self, streams, mask):
        return self.mix(torch.stack(streams).prod(0)) * mask[..., None]


class ProductRegressor(av.EncodedFusionRegressor):
    """An estimator of one's own."""

    core = Products
    power: float = 2.0


class Epochs(Callback):
    """A callback of one's own."""

    def on_epoch_end(self, net, **kwargs):
        self.losses_ = [*getattr(self, "losses_", ()), net.history[-1, "train_loss"]]


def fourth_power(prediction, target, mask):
    """A loss of one's own."""
    return ((prediction - target)[mask] ** 4).mean()


X, y = av.datasets.make_audiovisual_regression(
    8, recordings_per_subject=2, audio_rate_hz=1, video_rate_hz=1, duration_s=(8, 15), random_state=0
)
'''

FITTED = '''
def network():
    return ProductRegressor(
        hidden_size=4, max_epochs=2, random_state=0, loss=fourth_power, callbacks=[Epochs()], batch_size=2
    )


MODELS = {
    "network": network(),
    "late fusion": av.LateFusionRegressor(
        [("own", make_pipeline(av.OnFrames(), network()), None), ("ridge", av.FrameRegressor(), "video")]
    ),
}


def parameter(model):
    return next(name for name in model.get_params() if name.split("__")[-1] == "lr")


def searches(model, n_jobs):
    """The results of the tools, as numbers, each of which is given the fitted model."""
    space, cv = {parameter(model): [1e-3, 1e-1]}, GroupKFold(2)
    split = {"groups": X["subject"], "cv": cv}
    grid = GridSearchCV(model, space, cv=2, error_score="raise", n_jobs=n_jobs).fit(X, y)
    search = GridSearchCV(model, space, cv=2, error_score="raise").fit(X, y)
    validated = cross_validate(search, X, y, **split, error_score="raise", n_jobs=n_jobs)
    compared = av.compare({"model": model}, X, y, **split, error_score="raise", n_jobs=n_jobs, verbose=False)
    ours = av.FusionSearchCV(
        model, {parameter(model): [1e-1]}, cv=cv, n_trials=2, error_score="raise", n_jobs=n_jobs
    ).fit(X, y, groups="subject")
    predicted = joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(model.predict)(part) for part in (X[:4], X[4:]))
    return {
        "GridSearchCV": grid.cv_results_["mean_test_score"].tolist(),
        "cross_validate": validated["test_score"].tolist(),
        "compare": compared.table["ccc"].tolist(),
        "FusionSearchCV": ours.cv_results_["mean_test_score"].tolist(),
        "predict": [as_targets(part).values.ravel().tolist() for part in predicted],
    }


fitted = {name: model.fit(X, y) for name, model in MODELS.items()}
for name, model in fitted.items():
    with open(f"{name}.cloudpickle", "wb") as file:
        cloudpickle.dump(model, file)
    joblib.dump(model, f"{name}.joblib")
result = {
    name: {"alone": searches(model, 1), "workers": searches(model, 2)} for name, model in fitted.items()
} | {"predictions": {name: as_targets(m.predict(X)).values.ravel().tolist() for name, m in fitted.items()}}
json.dump(result, open("result.json", "w"))
'''

FOUND_AGAIN = """
loaded = {name: joblib.load(f"{name}.joblib") for name in ("network", "late fusion")}
assert isinstance(loaded["network"].net_.module_.network.core, Products)
assert len(loaded["network"].callbacks[0].losses_) == 2
predictions = {name: as_targets(model.predict(X)).values.ravel().tolist() for name, model in loaded.items()}
brought = {name: as_targets(model.predict(X)).values.ravel().tolist() for name, model in brought.items()}
json.dump({"joblib": predictions, "cloudpickle": brought}, open("again.json", "w"))
"""

BROUGHT_ALONG = """
import pickle

brought = {name: pickle.load(open(f"{name}.cloudpickle", "rb")) for name in ("network", "late fusion")}
"""


def run_as_main(code, folder):
    """Run code as ``__main__`` without the guard that scripts have and notebooks do not."""
    script = folder / "notebook.py"
    script.write_text(code)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    run_as_main(DEFINITIONS + FITTED, folder)
    return folder


@pytest.fixture(scope="module")
def result(folder):
    return json.loads((folder / "result.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("model", ["network", "late fusion"])
@pytest.mark.parametrize("tool", ["GridSearchCV", "cross_validate", "compare", "FusionSearchCV", "predict"])
def test_workers_find_what_one_process_finds(result, model, tool):
    alone, workers = result[model]["alone"][tool], result[model]["workers"][tool]
    assert np.isfinite(np.concatenate([np.ravel(part) for part in alone])).all()
    np.testing.assert_allclose(np.hstack(workers), np.hstack(alone), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_files_bring_their_classes_along_or_find_them_where_they_are_defined_again(folder, result):
    run_as_main(BROUGHT_ALONG + DEFINITIONS + FOUND_AGAIN, folder)
    again = json.loads((folder / "again.json").read_text())
    for kind in ("cloudpickle", "joblib"):
        for name, expected in result["predictions"].items():
            np.testing.assert_allclose(again[kind][name], expected, atol=1e-6)


@pytest.fixture(scope="module")
def trained():
    X, y = av.datasets.make_audiovisual_regression(
        4, audio_rate_hz=1, video_rate_hz=1, duration_s=(8, 15), random_state=0
    )
    network = av.EarlyFusionRegressor(hidden_size=4, random_state=0)
    return X, y, network.partial_fit(X, y)


def on_a_gpu(model):
    """As if it had been trained on a GPU: this is all that the net remembers of it."""
    model = pickle.loads(pickle.dumps(model))
    model.net_.device = "cuda"
    return model


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_net_of_a_gpu_wakes_on_the_cpu(trained):
    X, _, model = trained
    pickled = pickle.dumps(on_a_gpu(model))
    with pytest.warns(DeviceWarning, match="no CUDA devices"):
        awake = pickle.loads(pickled)
    assert awake.net_.device == torch.device("cpu")
    np.testing.assert_array_equal(as_targets(awake.predict(X)).values, as_targets(model.predict(X)).values)


@pytest.mark.parametrize("prepare", [lambda model: model, on_a_gpu])
def test_training_goes_on_after_a_pickle_as_without(trained, prepare):
    X, y, model = trained
    pickled = pickle.dumps(prepare(model))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeviceWarning)
        first, second = pickle.loads(pickled), pickle.loads(pickle.dumps(model))
    weights = list(first.net_.module_.parameters())
    trained_ones = [p for group in first.net_.optimizer_.param_groups for p in group["params"]]
    assert all(any(weight is other for other in weights) for weight in trained_ones)
    assert first.net_.optimizer_.state
    first.partial_fit(X, y)
    second.partial_fit(X, y)
    np.testing.assert_array_equal(as_targets(first.predict(X)).values, as_targets(second.predict(X)).values)


def test_pickling_leaves_the_net_as_it_is(trained):
    model = on_a_gpu(trained[2])
    weight = next(model.net_.module_.parameters())
    pickle.dumps(model)
    assert next(model.net_.module_.parameters()) is weight
    assert model.net_.device == "cuda"
