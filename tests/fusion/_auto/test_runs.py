"""Candidates in folds: budget, failures, what is stopped early, what is fitted in the end."""

import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge

import avfusion as av
from avfusion.fusion._auto import _runs
from avfusion.fusion._auto._candidates import Candidate
from avfusion.fusion._auto._kept_fits import KeptFits
from avfusion.fusion._auto._runs import Tried, fit_chosen, fit_on, try_candidates
from avfusion.sequences._recordings import read_recordings

FOLDS = [(np.setdiff1d(np.arange(12), test), test) for test in np.arange(12).reshape(4, 3)]
ALL = ["audio", "video"]


class Slow(RegressorMixin, BaseEstimator):
    """Predicts the mean, after a while."""

    def __init__(self, seconds=0.05, works=True):
        self.seconds = seconds
        self.works = works

    def fit(self, X, y, sample_weight=None):
        time.sleep(self.seconds)
        if not self.works:
            raise ValueError("does not work")
        self.mean_ = np.average(y, weights=sample_weight)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def read(absent=(), **more):
    rng = np.random.default_rng(0)
    streams = {name: [rng.normal(size=(2, 3)) for _ in range(12)] for name in ALL}
    for row in absent:
        streams["audio"][row] = None
    labels = [float(cell.mean()) for cell in streams["video"]]
    return read_recordings(streams, labels, caller="AutoFusionRegressor", **more)


def ridge(name="ridge", streams=ALL, given=False):
    return Candidate(name, av.FrameRegressor(Ridge()), list(streams), given=given)


def slow(name="slow", given=False, **options):
    return Candidate(name, Slow(**options), ALL, given=given)


def tried(candidates, data=None, **options):
    return try_candidates(data or read(), candidates, FOLDS, lambda name: {}, **options)


def notes(found):
    return {one.candidate.name: one.note for one in found}


def test_predictions_are_those_of_fits_on_the_other_folds():
    data = read(absent=[0, 5])
    [found] = tried([ridge(streams=["audio"])], data)
    for (train, test), (name, rows, predictions) in zip(FOLDS, found.predictions):
        train = np.setdiff1d(train, [0, 5])
        model = clone(found.candidate.estimator).fit(
            data.frame[["audio"]].iloc[train], data.targets.values[train]
        )
        assert (name, rows.tolist()) == ("ridge", [row for row in test if row not in (0, 5)])
        expected = model.predict(data.frame[["audio"]].iloc[rows])
        np.testing.assert_allclose(predictions.values, expected)


def test_two_processes_give_the_same():
    values = [[p.values for _, _, p in one.predictions] for n in (1, 2) for one in tried([ridge()], n_jobs=n)]
    np.testing.assert_array_equal(*values)


def test_the_first_candidate_is_always_fitted_and_others_as_they_fit_in():
    found = tried([slow("first"), slow("second"), slow("third", given=True)], budget_s=0)
    assert [one.done for one in found] == [True, False, False]
    assert set(list(notes(found).values())[1:]) == {"left out: budget_s"}
    assert all(one.done for one in tried([slow("first"), slow("second")], budget_s=60))


def test_what_would_not_fit_in_is_stopped_after_its_first_folds(monkeypatch):
    monkeypatch.setattr(_runs, "AT_LEAST_S", 0.0)
    start = time.perf_counter()
    found = tried([ridge(), slow(seconds=0.3)], budget_s=time.perf_counter() - start + 0.9)
    assert notes(found)["slow"] == "left out: budget_s"
    assert time.perf_counter() - start < 4 * 0.3 + 1.5


def test_a_costly_one_that_gives_nothing_is_stopped():
    mean, good = Candidate("mean", Slow(0), ALL, costly=True), replace(ridge("good"), costly=True)
    found = tried([ridge("few", ["audio"]), mean, good, slow("cheap", seconds=0), slow("given", given=True)])
    assert {name for name, note in notes(found).items() if note} == {"mean"}
    assert notes(found)["mean"] == "left out: no gain in the first 2 folds"


def test_costly_ones_count_together_with_those_that_they_are_averaged_with():
    first, useless = slow("first", seconds=0), Candidate("useless", Slow(0), ALL, costly=True)
    good, mean = (
        replace(ridge("good"), costly=True),
        Candidate("mean", None, ALL, mean_of=("useless", "good")),
    )
    assert not any(notes(tried([first, useless, good, mean])).values())
    gone = replace(slow("good", works=False, seconds=0), costly=True)
    found = notes(tried([first, useless, gone, mean]))
    assert found["useless"] == "left out: no gain in the first 2 folds"
    assert found["good"].startswith("failed: ")


def test_no_fit_is_done_twice(monkeypatch):
    fitted = []
    monkeypatch.setattr(_runs, "fit_on", lambda *args: fitted.append(args[1].name) or fit_on(*args))
    first, good = slow("first", seconds=0), [replace(ridge(name), costly=True) for name in "ab"]
    tried([first, *good, Candidate("mean", None, ALL, mean_of=("a", "b"))])
    assert sorted(fitted) == ["a"] * 4 + ["b"] * 4 + ["first"] * 4


def test_a_default_one_that_fails_is_left_out_and_a_given_one_raises():
    found = tried([ridge(), slow(works=False, seconds=0)])
    assert notes(found)["slow"].startswith("failed: ")
    assert "does not work" in notes(found)["slow"]
    with pytest.raises(ValueError, match="does not work"):
        tried([ridge(), slow(works=False, seconds=0, given=True)])
    with pytest.raises(ValueError, match="does not work"):
        tried([slow(works=False, seconds=0)])


def test_means_of_others_need_two_that_are_there():
    mean = Candidate("mean", None, ALL, mean_of=("a", "v", "gone"))
    gone = slow("gone", works=False, seconds=0)
    found = tried([ridge("a", ["audio"]), ridge("v", ["video"]), gone, mean])
    assert found[-1].done
    assert found[-1].candidate.mean_of == ("a", "v")
    assert notes(tried([ridge("a"), gone, mean_of_gone()]))["mean"] == "left out: too few of its members"


def mean_of_gone():
    return Candidate("mean", None, ALL, mean_of=("a", "gone"))


def test_a_fit_that_was_stopped_goes_on(tmp_path, monkeypatch):
    data, fitted = read(), []
    counted = lambda *args: fitted.append(args[1].name) or fit_on(*args)  # noqa: E731
    monkeypatch.setattr(_runs, "fit_on", counted)
    with pytest.raises(ValueError, match="does not work"):
        tried([ridge(), slow(works=False, seconds=0, given=True)], data, kept=KeptFits(tmp_path, data))
    assert fitted.count("ridge") == 4
    again = tried([ridge(), slow(seconds=0)], data, kept=KeptFits(tmp_path, data))
    assert fitted.count("ridge") == 4
    expected = tried([ridge()], data)[0]
    for (_, rows, kept), (_, own_rows, own) in zip(again[0].predictions, expected.predictions):
        np.testing.assert_array_equal(rows, own_rows)
        np.testing.assert_array_equal(kept.values, own.values)


def test_those_with_a_weight_and_one_that_sees_all_are_fitted():
    done = [
        Tried(ridge("all"), [0]),
        Tried(ridge("a", ["audio"]), [0]),
        Tried(ridge("v", ["video"]), [0]),
        Tried(ridge("no", ["video"]), [0]),
        Tried(Candidate("mean", None, ALL, mean_of=("a", "v")), []),
    ]
    weights = np.array([[0.5], [0.0], [0.0], [0.0], [0.0], [0.5]])
    fitted = fit_chosen(read(), done, weights, lambda name: {})
    assert [(name, streams) for name, _, streams in fitted] == [
        ("all", ALL),
        ("a", ["audio"]),
        ("v", ["video"]),
    ]


def test_weights_of_labels_reach_the_candidate():
    weights = np.arange(12.0)
    data = read(sample_weight=weights)
    model = fit_on(data, slow(seconds=0), np.arange(12), {})
    assert model.mean_ == pytest.approx(np.average(data.targets.values[:, 0], weights=weights))


def test_given_candidates_keep_their_own_rules_for_weights():
    data = read(sample_weight=np.ones(12))
    with pytest.raises(ValueError, match="takes no sample_weight"):
        fit_on(data, Candidate("k", _NoWeights(), ALL, given=True), np.arange(12), {})


class _NoWeights(DummyRegressor):
    def fit(self, X, y):
        return super().fit(X, y)


def test_unlabelled_rows_are_not_predicted():
    streams = {"audio": [np.ones((2, 1))] * 12}
    data = read_recordings(streams, [np.nan, *range(11)], caller="AutoFusionRegressor")
    one = Candidate("line", av.FrameRegressor(LinearRegression()), ["audio"])
    [found] = try_candidates(data, [one], FOLDS, lambda name: {})
    assert found.predictions[0][1].tolist() == [1, 2]
