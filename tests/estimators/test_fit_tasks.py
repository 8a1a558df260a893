"""scikit-learn's own callbacks: an epoch is a task, and the estimator of that moment can be scored."""

import io
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.sequences._targets import as_targets

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has no callbacks")
CCC = av.metrics.scorers["ccc"]


class Journal:
    """Notes what it hears; ends the level of iterations after so many ends."""

    def __init__(self, stop_after=None):
        self.heard, self.stop_after = [], stop_after

    def setup(self, estimator, context):
        self.heard.append("setup")

    def teardown(self, estimator, context):
        self.heard.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.heard.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.heard.append(("end", context.task_name, context.task_id))
        self.last = fitted_estimator
        return self.stop_after is not None and context.task_id + 1 >= self.stop_after


class Propagated(Journal):
    max_propagation_depth = None


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(
        6, audio_rate_hz=1, video_rate_hz=1, duration_s=(10, 20), random_state=0
    )


def network(**parameters):
    return av.EarlyFusionRegressor(**{"max_epochs": 3, "hidden_size": 4, "random_state": 0} | parameters)


def values(predictions):
    return as_targets(predictions).values


def test_an_epoch_is_a_task(data):
    journal = Journal()
    model = network(max_epochs=2).set_callbacks(journal).fit(*data)
    assert journal.heard == [
        "setup",
        ("begin", "fit", 0),
        ("begin", "epoch", 0),
        ("end", "epoch", 0),
        ("begin", "epoch", 1),
        ("end", "epoch", 1),
        ("end", "fit", 0),
        "teardown",
    ]
    np.testing.assert_array_equal(
        values(model.predict(data[0])), values(network(max_epochs=2).fit(*data).predict(data[0]))
    )


@pytest.mark.parametrize("n_members", [1, 2])
def test_scores_of_epochs_are_those_of_shorter_fits(data, n_members):
    X, y = data
    settings = {"schedule": None, "weight_average": 0.5}
    monitor = callback.ScoringMonitor(scoring={"ccc": CCC})
    model = network(n_members=n_members, **settings).set_callbacks(monitor).fit(X, y)
    scores = {row["task_id_path"]: row["ccc"] for row in monitor.get_logs().data}
    assert scores[(0,)] == pytest.approx(model.score(X, y))
    if n_members == 1:
        for epochs in (1, 2, 3):
            shorter = network(max_epochs=epochs, **settings).fit(X, y)
            assert scores[(0, epochs - 1)] == pytest.approx(shorter.score(X, y), abs=1e-6)
    else:
        assert scores[(0, 0)] == pytest.approx(network(**settings).fit(X, y).score(X, y), abs=0.2)
        assert scores[(0, 1, 2)] == pytest.approx(scores[(0, 1)]) == pytest.approx(scores[(0,)])


def test_what_a_callback_returns_ends_training(data):
    journal = Journal(stop_after=2)
    model = network(max_epochs=9, n_members=2).set_callbacks(journal).fit(*data)
    assert [len(net.history) for net in model.nets_] == [2, 2]
    assert [name for what, name, _ in journal.heard[1:-1] if what == "end"] == [
        "epoch", "epoch", "member", "epoch", "epoch", "member", "fit",
    ]  # fmt: skip


def test_the_estimator_of_a_moment_stays_as_it_is(data):
    X, y = data
    kept = []

    class Keep(Journal):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            kept.append((fitted_estimator, values(fitted_estimator.predict(X))))

    network().set_callbacks(Keep()).fit(X, y)
    assert not np.array_equal(kept[0][1], kept[1][1])
    for estimator, predicted in kept:
        np.testing.assert_array_equal(values(estimator.predict(X)), predicted)


def test_a_failing_fit_is_torn_down(data):
    X, y = data
    journal = Journal()
    with pytest.raises(ValueError, match="no modality"):
        network(modalities=["face"]).set_callbacks(journal).fit(X, y)
    assert journal.heard == []

    class Fails(Journal):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("full disk")

    journal = Fails()
    model = network().set_callbacks(journal)
    with pytest.raises(RuntimeError, match="full disk"):
        model.fit(X, y)
    assert journal.heard[-1] == "teardown"
    assert not hasattr(model, "nets_")
    assert model.set_callbacks().fit(X, y).nets_


def test_every_kind_of_estimator_takes_them(data):
    X, y = data
    framewise = av.FrameRegressor()
    for model in (
        framewise,
        av.LateFusionRegressor([("audio", framewise, "audio"), ("video", framewise, "video")]),
        av.RescaledRegressor(framewise, n_splits=2),
        av.FusionSearchCV(network(), {"lr": [1e-2]}, n_trials=1, cv=2, random_state=0),
    ):
        monitor = callback.ScoringMonitor(scoring={"ccc": CCC})
        model.set_callbacks(monitor).fit(X, y)
        (row,) = monitor.get_logs().data
        assert row["ccc"] == pytest.approx(model.score(X, y))
        assert row["estimator_name"] == type(model).__name__


@pytest.mark.works_with("scikit-learn", "`set_callbacks`: an epoch of a network is a task, in searches too")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_searches_pass_them_on(data, n_jobs):
    monitor = callback.ScoringMonitor(scoring={"ccc": CCC})
    search = GridSearchCV(network().set_callbacks(monitor), {"lr": [1e-3, 1e-2]}, cv=2, n_jobs=n_jobs)
    search.fit(*data)
    rows = monitor.get_logs().data
    assert sum(row["task_name"] == "epoch" for row in rows) == 3 * (2 * 2 + 1)  # folds, and the refit
    scores = {row["task_id_path"]: row["ccc"] for row in rows}
    assert search.best_estimator_.score(*data) == pytest.approx(scores[(0, 1)])


def test_progress_bars_without_warnings(data, monkeypatch):
    rich = pytest.importorskip("rich.console")
    shown = io.StringIO()
    monkeypatch.setattr("rich._console", rich.Console(file=shown, width=100), raising=False)
    model = make_pipeline(av.Align(rate_hz=1.0), av.OnFrames(), network())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_callbacks(callback.ProgressBar()).fit(*data)
    assert "EarlyFusionRegressor - fit" in shown.getvalue()
    assert "Align - fit" in shown.getvalue()


def test_clones_and_pickles_keep_them(data):
    journal = Propagated()
    model = network(max_epochs=1).set_callbacks(journal)
    clone(model).fit(*data)
    assert journal.heard.count(("end", "epoch", 0)) == 1
    back = pickle.loads(pickle.dumps(model.fit(*data)))
    np.testing.assert_array_equal(values(back.predict(data[0])), values(model.predict(data[0])))
    with pytest.raises(TypeError, match="FitCallback"):
        model.set_callbacks("progress")
