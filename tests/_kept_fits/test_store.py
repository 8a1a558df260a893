import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import FunctionTransformer

import avfusion as av
from avfusion._kept_fits import _store
from avfusion._kept_fits._store import Fit, FitStore, read_fit, write_fit
from avfusion.model_selection import compare
from avfusion.model_selection.comparison import _runs
from avfusion.sequences import as_targets

SECONDS = ["fit_s", "predict_s"]


def data():
    rates = {"label_rate_hz": 2, "audio_rate_hz": 2, "video_rate_hz": 2}
    X, y = av.datasets.make_audiovisual_regression(8, **rates, random_state=0)
    return X.assign(person=np.arange(8) % 4), y.to_frame()


class Slow(RegressorMixin, BaseEstimator):
    """Takes its time, and leaves a mark in a file for each fit."""

    def __init__(self, log, random_state=None, seconds=0.0, power=1):
        self.log = log
        self.random_state = random_state
        self.seconds = seconds
        self.power = power

    def fit(self, X, y):
        with Path(self.log).open("a") as file:
            file.write(f"{self.random_state}\n")
        time.sleep(self.seconds)
        self.form_ = as_targets(y).form
        return self

    def predict(self, X):
        lengths = X["audio"].array.lengths
        rng = np.random.default_rng(self.random_state)
        return self.form_.wrap(rng.normal(size=(lengths.sum(), 1)) ** self.power, lengths, X.index)


def run(folder, log, change=None, **options):
    X, y = data()
    models = {"slow": Slow(log), "other": Slow(log, random_state=9)} if change is None else change
    options = {"groups": "person", "cv": GroupKFold(4), "n_seeds": 2, "verbose": False} | options
    return compare(models, X, y, resume=folder, **options)


def fits(log):
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_second_call_fits_nothing_and_repeats_everything(tmp_path):
    log = tmp_path / "log"
    without = run(None, log)
    first = run(tmp_path / "store", log)
    assert fits(log) == 32
    again = run(tmp_path / "store", log)
    assert fits(log) == 32
    pd.testing.assert_frame_equal(first.table, again.table)
    pd.testing.assert_frame_equal(first.folds, again.folds)
    pd.testing.assert_frame_equal(first.table.drop(columns=SECONDS), without.table.drop(columns=SECONDS))
    pd.testing.assert_frame_equal(first.prediction_table(), again.prediction_table())


def test_other_scores_need_no_other_fits_but_whatever_changes_the_predictions_does(tmp_path):
    log, store = tmp_path / "log", tmp_path / "store"
    run(store, log)
    run(store, log, scoring="sagr", random_state=0)
    assert fits(log) == 16
    run(store, log, n_seeds=3)  # one more of each
    assert fits(log) == 24
    run(store, log, {"renamed": Slow(log)}, n_seeds=1)
    assert fits(log) == 24
    run(store, log, {"slow": Slow(log, power=3)}, n_seeds=1)
    assert fits(log) == 28
    run(store, log, {"slow": Slow(log)}, n_seeds=1, cv=GroupKFold(2))
    assert fits(log) == 30
    X, y = data()
    X = X.assign(age=1.0)
    compare({"slow": Slow(log)}, X, y, groups="person", cv=GroupKFold(4), resume=store, verbose=False)
    assert fits(log) == 34


def test_labels_per_clip_and_several_targets(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    for y in (X[:, 0], X @ [[1.0, 2.0], [0.5, 1.0]]):
        first, again = (
            compare({"r": Ridge()}, X, y, resume=tmp_path, verbose=False).predictions["r"] for _ in range(2)
        )
        np.testing.assert_array_equal(first, again)
    assert len(list(tmp_path.iterdir())) == 10


def test_failed_fits_are_tried_again(tmp_path):
    log = tmp_path / "log"
    with pytest.raises(RuntimeError, match="All 4 fits failed"):
        run(tmp_path / "store", log, {"slow": Slow(log, power="x")}, n_seeds=1)
    assert not list((tmp_path / "store").iterdir())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_fitted_again(tmp_path, content):
    log, store = tmp_path / "log", tmp_path / "store"
    first = run(store, log)
    next(store.glob("*.npz")).write_bytes(content)
    again = run(store, log)
    assert fits(log) == 17
    pd.testing.assert_frame_equal(first.table.drop(columns=SECONDS), again.table.drop(columns=SECONDS))


def test_files_hold_no_code(tmp_path):
    y = as_targets([np.zeros(2), None, np.ones(1)])
    path = FitStore(tmp_path, [1.0]).path(Ridge(), [0], [1])
    write_fit(path, Fit(y, 1.5, 0.5))
    found = read_fit(path, y)
    np.testing.assert_array_equal(found.predictions.lengths, y.lengths)
    assert (found.fit_s, found.predict_s) == (1.5, 0.5)
    with np.load(path, allow_pickle=False) as arrays:
        assert {array.dtype.kind for array in arrays.values()} <= {"f", "i"}


def test_a_function_without_a_name_is_known_by_its_code(tmp_path):
    store = FitStore(tmp_path, [1.0])
    of = [
        store.path(av.FrameRegressor(FunctionTransformer(function)), [0], [1])
        for function in (lambda x: x, lambda x: x, lambda x: -x)
    ]
    assert of[0] == of[1] != of[2]


def test_what_cannot_be_pickled_is_refused_before_any_fit(tmp_path):
    model = av.FrameRegressor(FunctionTransformer(number for number in ()))
    with pytest.raises(ValueError, match=r"cannot be saved .*generator"):
        FitStore(tmp_path, [1.0]).path(model, [0], [1])


KILLED = """
import sys
from pathlib import Path
from tests._kept_fits.test_store import Slow, run

if __name__ == "__main__":
    log = Path(sys.argv[2])
    models = {"slow": Slow(log, seconds=0.2), "other": Slow(log, random_state=9, seconds=0.2)}
    result = run(sys.argv[1], log, models, n_jobs=int(sys.argv[3]))
    result.folds.drop(columns=["fit_s", "predict_s"]).to_csv(sys.argv[4], index=False)
"""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_killed_comparison_goes_on(tmp_path, n_jobs):
    store, log, script = tmp_path / "store", tmp_path / "log", tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}
    command = [sys.executable, str(script), str(store), str(log), str(n_jobs), str(tmp_path / "folds.csv")]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    deadline = time.monotonic() + 240
    while len(list(store.glob("*.npz"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)  # workers, too
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in store.glob("*.npz")}
    assert 3 <= len(kept) < 16
    subprocess.run(command, env=environment, check=True)
    assert len(list(store.glob("*.npz"))) == 16
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert 16 <= fits(log) <= 16 + n_jobs  # at most the fits under way were done twice
    expected = run(None, log).folds.drop(columns=SECONDS)
    found = pd.read_csv(tmp_path / "folds.csv")
    np.testing.assert_array_equal(found["ccc"], expected["ccc"])


def test_two_processes_share_a_folder(tmp_path):
    store, script = tmp_path / "store", tmp_path / "shared.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}
    command = [sys.executable, str(script), str(store), str(tmp_path / "log"), "1"]
    both = [subprocess.Popen([*command, str(tmp_path / name)], env=environment) for name in "ab"]
    assert [process.wait(240) for process in both] == [0, 0]
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()
    assert len(list(store.iterdir())) == 16


def test_a_folder_that_cannot_be_written_to_is_refused_before_any_fit(tmp_path, monkeypatch):
    def refused(dir):
        raise PermissionError(13, "Permission denied", "name of the moment")

    monkeypatch.setattr(_store, "TemporaryFile", refused)  # root may write anywhere
    with pytest.raises(PermissionError, match=f"resume: Permission denied: '{tmp_path / 'store'}'"):
        run(tmp_path / "store", tmp_path / "log")
    assert fits(tmp_path / "log") == 0


@pytest.mark.parametrize("name", ["file", "file/fits"])
def test_a_file_in_the_place_of_the_folder_is_refused_before_any_fit(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match=r"resume: .* cannot be a folder"):
        FitStore(tmp_path / name, [1.0])


def test_on_a_full_disk_fits_count_but_are_not_kept(tmp_path, monkeypatch):
    def full(path, fit):
        raise OSError(28, "No space left on device")

    expected = run(None, tmp_path / "log")
    monkeypatch.setattr(_runs, "write_fit", full)
    with pytest.warns(UserWarning, match="the fit was not kept .*No space left"):
        found = run(tmp_path / "store", tmp_path / "log")
    pd.testing.assert_frame_equal(found.table.drop(columns=SECONDS), expected.table.drop(columns=SECONDS))


def test_threads_may_keep_the_same_fit(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    models = {name: Ridge() for name in "abcdefgh"}
    with joblib.parallel_config("threading"):
        for y in X.T:
            compare(models, X, y, resume=tmp_path, n_jobs=4, error_score="raise", verbose=False)
    assert len(list(tmp_path.iterdir())) == 10


def _changed(path, **arrays):
    with np.load(path) as file:
        np.savez(path, **(dict(file) | arrays))


@pytest.mark.parametrize(
    "arrays",
    [
        {"values": np.zeros((3, 1))},
        {"values": np.zeros((10, 2))},
        {"values": np.full((10, 1), np.nan)},
        {"values": np.zeros((10, 1)).astype(str)},
        {"lengths": np.full(10, 1)},
        {"seconds": np.zeros(5)},
    ],
    ids=str,
)
def test_a_file_of_other_rows_is_fitted_again(tmp_path, arrays):
    X = np.random.default_rng(0).normal(size=(20, 2))
    first, again = (
        compare({"r": Ridge()}, X, X[:, 0], resume=tmp_path, cv=2, scoring="mae", verbose=False)
        for _ in [0, _changed(next(tmp_path.glob("*.npz")), **arrays) if list(tmp_path.iterdir()) else 0]
    )
    pd.testing.assert_frame_equal(first.table.drop(columns=SECONDS), again.table.drop(columns=SECONDS))


EDITED = """
import sys
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from avfusion._kept_fits._store import FitStore

def scaled(x):
    return x * FACTOR

class Mine(Ridge):
    factor = CONSTANT
    def predict(self, X):
        return super().predict(X) * POWER

for model in make_pipeline(FunctionTransformer(scaled), Ridge()), Mine():
    print(FitStore(sys.argv[1], [1.0]).path(model, [0], [1]).name)
"""


def test_code_of_a_script_that_was_edited_counts(tmp_path, monkeypatch, capsys):
    def names(**values):
        text = EDITED
        for name, value in values.items():
            text = text.replace(name, value)
        (tmp_path / "script.py").write_text(text)
        monkeypatch.setattr(sys, "argv", ["script.py", str(tmp_path / "store")])
        before = sys.modules["__main__"]
        try:
            runpy.run_path(str(tmp_path / "script.py"), run_name="__main__")
        finally:
            sys.modules["__main__"] = before
        return capsys.readouterr().out.split()

    same = {"FACTOR": "1", "CONSTANT": "1", "POWER": "1"}
    first = names(**same)
    assert names(**same) == first
    edited = [names(**(same | {name: "2"})) for name in same]
    assert [[a == b for a, b in zip(first, other)] for other in edited] == [
        [False, True], [True, False], [True, False],
    ]  # fmt: skip
