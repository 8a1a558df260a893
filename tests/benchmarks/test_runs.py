import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold

import avfusion as av
from avfusion.model_selection.records._fingerprint import fingerprint
from benchmarks import runs

CV = GroupKFold(4)


def data():
    rates = {"label_rate_hz": 2, "audio_rate_hz": 2, "video_rate_hz": 2}
    X, y = av.datasets.make_audiovisual_regression(8, **rates, random_state=0)
    return X.assign(person=np.arange(8) % 4), y.to_frame()


class Slow(RegressorMixin, BaseEstimator):
    """Takes its time, and leaves a mark in a file for each fit."""

    def __init__(self, log, seed=0):
        self.log = log
        self.seed = seed

    def fit(self, X, y):
        with Path(self.log).open("a") as file:
            file.write(f"{self.seed}\n")
        time.sleep(0.3)
        return self

    def predict(self, X):
        return np.full(len(X), self.seed)


def methods():
    network = av.EarlyFusionRegressor(max_epochs=1, random_state=0)
    return {"ridge": av.FrameRegressor(Ridge()), "network": network}


def test_comparison_is_that_of_the_package_digit_for_digit(tmp_path):
    X, y = data()
    ours = runs.compare(methods(), X, y, groups="person", cv=CV, folder=tmp_path, n_jobs=1)
    theirs = av.compare(methods(), X, y, groups="person", cv=CV, verbose=False)
    seconds = ["fit_s", "predict_s"]
    for ours_, theirs_ in [(ours.table, theirs.table), (ours.folds, theirs.folds)]:
        pd.testing.assert_frame_equal(ours_.drop(columns=seconds), theirs_.drop(columns=seconds), rtol=1e-7)
    pd.testing.assert_frame_equal(ours.prediction_table(), theirs.prediction_table(), rtol=1e-7)
    assert (ours.table["fit_s"] > 0).all()
    ours.save(tmp_path / "saved")


def test_second_call_fits_nothing_and_repeats_everything(tmp_path, monkeypatch):
    X, y = data()
    first = runs.compare(methods(), X, y, groups="person", cv=CV, folder=tmp_path, n_jobs=1)
    monkeypatch.setattr(runs, "run", None)
    again = runs.compare(methods(), X, y, groups="person", cv=CV, folder=tmp_path, n_jobs=1)
    pd.testing.assert_frame_equal(first.folds, again.folds)
    pd.testing.assert_frame_equal(first.table, again.table)


def test_whatever_changes_is_another_run():
    X, y = data()
    rows = np.arange(4), np.arange(4, 8)
    known = fingerprint(X, y, None)
    model = av.EarlyFusionRegressor(random_state=0)
    keys = [
        runs.key(model, known, *rows),
        runs.key(av.EarlyFusionRegressor(random_state=1), known, *rows),
        runs.key(av.EarlyFusionRegressor(random_state=0, lr=1e-4), known, *rows),
        runs.key(av.FrameRegressor(Ridge(alpha=1)), known, *rows),
        runs.key(av.FrameRegressor(Ridge(alpha=2)), known, *rows),
        runs.key(model, known, *rows[::-1]),
        runs.key(model, fingerprint(X, y, np.arange(8)), *rows),
        runs.key(model, fingerprint(X.iloc[::-1], y, None), *rows),
        runs.key(model, fingerprint(X, y.iloc[::-1], None), *rows),
    ]
    assert len(set(keys)) == len(keys)
    assert runs.key(av.EarlyFusionRegressor(random_state=0), fingerprint(*data(), None), *rows) == keys[0]


def test_key_holds_package_versions_and_code(monkeypatch):
    known = runs.key(Ridge(), "", [0], [1])
    monkeypatch.setattr(runs.metadata, "version", lambda package: "0.0.0")
    assert runs.key(Ridge(), "", [0], [1]) != known
    model = av.RecursiveJointAttentionRegressor()
    before, early = runs.code(model), runs.code(av.EarlyFusionRegressor())
    text = runs._text
    changed = "avfusion.fusion.recursive_joint_attention"
    monkeypatch.setattr(runs, "_text", lambda name: "changed" if name == changed else text(name))
    assert runs.code(model) != before
    # a method is not run anew for a change in another one
    assert runs.code(av.EarlyFusionRegressor()) == early


def test_parameters_without_a_name_are_refused():
    with pytest.raises(ValueError, match="no name that another process"):
        runs.description(Ridge(alpha=object()))


KILLED = """
from tests.benchmarks.test_runs import *
import sys
def main():
    X, y = data()
    estimators = {f"slow #{seed}": Slow(sys.argv[2], seed) for seed in range(3)}
    folds = [(train, test) for train, test in CV.split(X, groups=X["person"])]
    runs.finish(estimators, X, y, None, folds, Path(sys.argv[1]), n_jobs=1)
main()
"""


def test_killed_run_goes_on(tmp_path):
    store, log = tmp_path / "store", tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}
    command = [sys.executable, "-c", KILLED, str(store), str(log)]
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 120
    while len(list(store.glob("*.pickle"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in store.glob("*.pickle")}
    assert 3 <= len(kept) < 12
    subprocess.run(command, env=environment, check=True)
    assert len(list(store.glob("*.pickle"))) == 12
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert 12 <= len(log.read_text().splitlines()) <= 13  # at most the fit under way was done twice
