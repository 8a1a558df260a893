"""Comparisons and searches on a real Dask cluster of two processes, some of which are killed."""

import logging
import os
import signal
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import NopPruner
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

import avfusion as av
from avfusion.model_selection import DaskBackend
from avfusion.store import _mapped_frames

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

NETWORK = av.EarlyFusionRegressor(hidden_size=4, max_epochs=2, window=10, random_state=0)
LOOPBACK = "127.0.0.1:0"  # any free port
ALPHA = {"alpha": FloatDistribution(0.1, 100)}
ALPHAS = {"alpha": [0.1, 1.0, 10.0, 100.0]}


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=LOOPBACK, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def both(client):
    """Wait for both workers, which may have been killed by another test."""
    client.wait_for_workers(2, timeout=60)
    return client


@pytest.fixture(scope="module")
def recordings():
    return av.datasets.make_audiovisual_regression(
        8, recordings_per_subject=2, duration_s=(8, 15), audio_rate_hz=1, video_rate_hz=1, random_state=0
    )


@pytest.fixture(scope="module")
def table():
    """Rows enough that the row numbers of a fold lie on a worker: more than 1,000 bytes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 3))
    return X, X @ [1.0, 2.0, 3.0] + rng.standard_normal(600)


class Deadly(Ridge):
    """A ridge regression whose fourth fit, in whichever process, kills some processes."""

    def __init__(self, alpha=1.0, folder=None, victims=()):
        super().__init__(alpha=alpha)
        self.folder, self.victims = folder, victims

    def fit(self, X, y):
        Path(self.folder, str(len(os.listdir(self.folder)))).touch()
        if len(os.listdir(self.folder)) >= 4 and not Path(self.folder, "killed").exists():
            Path(self.folder, "killed").touch()
            for process in [*(set(self.victims) - {os.getpid()}), os.getpid()]:
                os.kill(process, signal.SIGKILL)
            time.sleep(5)
        return super().fit(X, y)


def deadly(tmp_path, victims=()):
    folder = tmp_path / "fits"
    folder.mkdir()
    return Deadly(folder=str(folder), victims=victims)


@pytest.mark.works_with(
    "Dask", "`compare` and `GridSearchCV` on two workers give what they give without a cluster"
)
def test_results_are_those_without_a_cluster(both, recordings):
    X, y = recordings
    ridge = av.FrameRegressor(Ridge())
    search = av.FusionSearchCV(NETWORK, {"lr": [1e-3, 1e-2, 1e-1]}, cv=2, n_trials=3, random_state=0)
    models = {"ridge": ridge, "network": NETWORK, "search": search}
    grid = GridSearchCV(ridge, {"regressor__alpha": [1.0, 100.0]}, cv=2)
    expected = av.compare(models, X, y, groups="subject", cv=2, verbose=False)
    expected_scores = grid.fit(X, y).cv_results_["mean_test_score"]
    with joblib.parallel_config("dask"):
        found = av.compare(models, X, y, groups="subject", cv=2, verbose=False)
    with joblib.parallel_config(DaskBackend()):
        scores = grid.fit(X, y).cv_results_["mean_test_score"]
    for name, own in expected.predictions.items():
        for a, b in zip(own, found.predictions[name], strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    np.testing.assert_array_equal(scores, expected_scores)


@pytest.mark.works_with(
    "Dask", "`GridSearchCV` by `DaskBackend` goes on when both workers are killed, with the same scores"
)
def test_a_grid_goes_on_when_all_that_was_sent_is_lost(both, table, tmp_path):
    X, y = table
    expected = GridSearchCV(Ridge(), ALPHAS, cv=3).fit(X, y).cv_results_["mean_test_score"]
    workers = list(both.run(os.getpid).values())
    with joblib.parallel_config(DaskBackend()):
        search = GridSearchCV(deadly(tmp_path, workers), ALPHAS, cv=3, refit=False).fit(X, y)
    assert (tmp_path / "fits" / "killed").exists()
    assert not set(workers) & set(both.run(os.getpid).values())
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)


@pytest.mark.works_with("Dask", "`compare` goes on when a worker is killed, with the same predictions")
def test_a_comparison_goes_on_when_a_worker_is_killed(both, table, tmp_path):
    X, y = table
    model = deadly(tmp_path)
    with joblib.parallel_config("dask"):
        found = av.compare({"ridge": model}, X, y, cv=5, resume=tmp_path / "kept", verbose=False)
    assert (tmp_path / "fits" / "killed").exists()
    expected = av.compare({"ridge": Ridge()}, X, y, cv=5, verbose=False)
    np.testing.assert_array_equal(found.predictions["ridge"], expected.predictions["ridge"])
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 5


@pytest.mark.works_with("Dask", "`FusionSearchCV` replaces the trial of a worker that is killed")
def test_a_search_replaces_the_trial_of_a_killed_worker(both, table, tmp_path):
    X, y = table
    search = av.FusionSearchCV(deadly(tmp_path), ALPHAS, cv=3, n_trials=4, refit=False, random_state=0)
    with joblib.parallel_config("dask"):
        search.fit(X, y)
    states = [trial.state.name for trial in search.study_.trials]
    assert sorted(states) == ["COMPLETE"] * 4 + ["FAIL"]
    for parameters, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
        assert score == cross_val_score(Ridge(**parameters), X, y, cv=3, scoring="r2").mean()


def test_errors_of_folds_come_back(both, table):
    X, y = table
    models = {"ridge": Ridge(), "wrong": Ridge(alpha="much")}
    with joblib.parallel_config("dask"):
        with pytest.warns(FitFailedWarning, match="wrong, fold 1 of 3 .*alpha"):
            found = av.compare(models, X, y, cv=3, verbose=False)
        with pytest.raises(RuntimeError, match=r"wrong, fold . of 3"):
            av.compare(models, X, y, cv=3, error_score="raise", verbose=False)
    assert found.table["ccc"].isna().to_dict() == {"ridge": False, "wrong": True}


@pytest.mark.works_with("Dask", "data travel to the workers once for a call, and tasks carry less than 10 kB")
def test_data_travel_once_and_tasks_carry_keys(both, recordings, monkeypatch):
    from distributed.protocol.pickle import dumps

    X, y = recordings
    X = X.assign(video=X["video"].array.take(np.arange(8)))
    sizes, sent, submit, scatter = [], [], both.submit, both.scatter

    def submitted(function, **options):
        sizes.append(len(dumps((function, options["tasks"]))))
        return submit(function, **options)

    def scattered(value, **options):
        sent.append(value)
        return scatter(value, **options)

    monkeypatch.setattr(both, "submit", submitted)
    monkeypatch.setattr(both, "scatter", scattered)
    with joblib.parallel_config("dask"):
        av.compare({"network": NETWORK}, X, y, groups="subject", cv=3, n_seeds=2, verbose=False)
        av.FusionSearchCV(NETWORK, {"lr": [1e-3, 1e-2]}, cv=2, n_trials=4, refit=False).fit(X, y)
    assert len(sent) == 2  # the data of each call
    assert len(sizes) >= 6
    assert max(sizes) < 10_000


def test_a_store_that_a_worker_does_not_have_is_named(both, recordings, tmp_path):
    av.write_store(tmp_path / "store", *recordings)
    X, y = av.read_store(tmp_path / "store")
    ridge = av.FrameRegressor(Ridge())

    def use(module, name, value):
        setattr(module, name, value)

    def gone(path):
        raise FileNotFoundError(path)

    with joblib.parallel_config("dask"):
        found = av.compare({"ridge": ridge}, X, y, groups="subject", cv=2, verbose=False)
        both.run(use, _mapped_frames, "identity_of", gone)
        try:
            with pytest.raises(FileNotFoundError, match=r"frames_000.npy .*on a disk that all share"):
                av.compare({"ridge": ridge}, X, y, groups="subject", cv=2, verbose=False)
        finally:
            both.run(use, _mapped_frames, "identity_of", _mapped_frames.identity_of)
    expected = av.compare({"ridge": ridge}, *recordings, groups="subject", cv=2, verbose=False)
    assert found.table["ccc"].equals(expected.table["ccc"])


def test_a_cluster_that_has_lost_all_workers_ends_the_call():
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=LOOPBACK
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        threading.Timer(1.0, cluster.scale, [0]).start()
        with (
            joblib.parallel_config(DaskBackend(client=client, wait_for_workers_timeout=0.5)),
            pytest.raises(TimeoutError, match=r"has had no worker for 1\.5 s"),
        ):
            joblib.Parallel()(joblib.delayed(time.sleep)(0.5) for _ in range(50))


def test_calls_in_a_row_leave_no_errors_behind(both, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("tornado.application"), "propagate", True)
    with joblib.parallel_config(DaskBackend()):
        for _ in range(5):
            assert joblib.Parallel()(joblib.delayed(abs)(-i) for i in range(3)) == [0, 1, 2]
        time.sleep(1.5)  # by then what watched these calls has ended
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.works_with("Dask", "`FusionSearchCV(n_jobs=1)` is repeatable on a cluster too")
def test_a_search_with_one_job_is_the_same_on_a_cluster(both, table):
    search = av.FusionSearchCV(Ridge(), ALPHA, cv=3, n_trials=6, n_jobs=1, random_state=0, refit=False)
    expected = list(search.fit(*table).cv_results_["param_alpha"])
    with joblib.parallel_config("dask"):
        assert list(search.fit(*table).cv_results_["param_alpha"]) == expected


@pytest.mark.works_with("Dask", "a worker with several threads runs several trials of `FusionSearchCV`")
def test_threads_of_a_worker_run_trials_side_by_side(table):
    search = av.FusionSearchCV(Ridge(), ALPHA, cv=3, n_trials=8, random_state=0, pruner=NopPruner())
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=4, processes=False, dashboard_address=LOOPBACK
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        joblib.parallel_config(DaskBackend(client=client)),
    ):
        found = search.fit(*table).cv_results_
    assert len(set(found["param_alpha"])) == 8
    for parameters, score in zip(found["params"], found["mean_test_score"], strict=True):
        assert score == cross_val_score(Ridge(**parameters), *table, cv=3).mean()


@pytest.mark.works_with("Dask", "a cluster of a single core does the work, not the process that asks for it")
def test_one_worker_of_one_core_is_a_cluster_too(table):
    search = av.FusionSearchCV(Ridge(), ALPHA, cv=3, n_trials=2, random_state=0)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=LOOPBACK, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        joblib.parallel_config(DaskBackend(client=client)),
    ):
        (worker,) = client.run(os.getpid).values()
        assert joblib.Parallel()(joblib.delayed(os.getpid)() for _ in range(2)) == [worker, worker]
        search.fit(*table)
    assert {trial.user_attrs["worker"][1] for trial in search.study_.trials} == {worker}
