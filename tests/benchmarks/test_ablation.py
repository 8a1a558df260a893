import json

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin

import avfusion as av
from avfusion.metrics import ccc_score
from benchmarks import ablation


class Recalled(RegressorMixin, BaseEstimator):
    """Stands for an estimator whose predictions with each seed are known."""

    def __init__(self, runs, random_state=None):
        self.runs = runs
        self.random_state = random_state

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.asarray(self.runs)[self.random_state, X[:, 0].astype(int)]


def comparison(predictions, label, groups):
    rows = np.arange(len(label), dtype=float)[:, None]
    estimators = {name: Recalled(runs.tolist()) for name, runs in predictions.items()}
    folds = [(np.flatnonzero(groups != g), np.flatnonzero(groups == g)) for g in np.unique(groups)]
    return av.compare(estimators, rows, label, groups=groups, cv=folds, n_seeds=3, verbose=False)


def simulated(gains, n_groups=12, size=15, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.normal(size=n_groups * size)
    groups = np.repeat(np.arange(n_groups), size)
    noise = rng.normal(size=(3, len(label)))
    return {name: label + scale * noise for name, scale in gains.items()}, label, groups


def test_differences_against_a_slow_version():
    predictions, label, groups = simulated({"default": 1.0, "better": 0.8, "worse": 1.1})
    lines = ablation.differences(comparison(predictions, label, groups), n_resamples=300, random_state=5)
    by_name = {line["variant"]: line for line in lines}
    members = [np.flatnonzero(groups == g) for g in range(12)]
    counts = np.random.RandomState(5).multinomial(12, np.full(12, 1 / 12), size=300)
    for name in ("better", "worse"):
        paired = [
            ccc_score(label, own) - ccc_score(label, default)
            for own, default in zip(predictions[name], predictions["default"])
        ]
        assert by_name[name]["difference"] == pytest.approx(np.mean(paired), abs=1e-12)
        assert by_name[name]["sd of difference"] == pytest.approx(np.std(paired, ddof=1), abs=1e-12)
        assert by_name[name]["seeds higher"] == f"{sum(d > 0 for d in paired)} of 3"
        drawn = []
        for count in counts:
            rows = np.concatenate([np.tile(own, n) for own, n in zip(members, count)])
            scores = [
                [ccc_score(label[rows], run[rows]) for run in predictions[v]] for v in (name, "default")
            ]
            drawn.append(np.mean(np.subtract(*scores)))
        tail = stats.norm.sf(np.sqrt(12 / 11) * stats.t.ppf(0.975, 11))
        expected = np.quantile(drawn, [tail, 1 - tail])
        assert (by_name[name]["low"], by_name[name]["high"]) == pytest.approx(expected, abs=1e-9)
    assert by_name["better"]["low"] > 0 > by_name["worse"]["high"]


def test_the_same_predictions_differ_by_nothing():
    predictions, y, groups = simulated({"default": 1.0, "same": 1.0})
    _, line = ablation.differences(comparison(predictions, y, groups), n_resamples=50)
    assert [line[key] for key in ("difference", "low", "high", "sd of difference")] == [0, 0, 0, 0]
    assert line["seeds higher"] == "0 of 3"


def test_pairing_removes_what_seeds_and_groups_have_in_common():
    predictions, y, groups = simulated({"default": 1.0, "better": 0.95})
    default, better = ablation.differences(comparison(predictions, y, groups))
    assert better["sd of difference"] < better["sd of seeds"] / 3
    assert better["high"] - better["low"] < 0.05
    assert better["difference"] == pytest.approx(better["ccc"] - default["ccc"])


def test_every_variant_differs_from_the_default_and_is_not_another():
    made = ablation.variants()
    assert {"0 recursions", "4 recursions", "no joint LSTM", "tanh for softmax", "no norm of inputs"} <= set(
        made
    )
    settings = [(type(model), repr(sorted(map(repr, model.get_params().items())))) for model in made.values()]
    assert len(set(settings)) == len(settings)
    assert set(ablation.variants(["2 recursions"])) == {"default", "2 recursions"}
    gated = ablation.variants(["gate over recursions"])  # with what it differs from in one thing
    assert set(gated) == {"default", "2 recursions", "gate over recursions"}
    assert set(ablation.AGAINST) | set(ablation.AGAINST.values()) <= set(ablation.variants())


def test_a_variant_is_compared_with_what_differs_in_one_thing():
    predictions, y, groups = simulated({"default": 1.0, "2 recursions": 0.9, "gate over recursions": 0.95})
    lines = {line["variant"]: line for line in ablation.differences(comparison(predictions, y, groups))}
    assert lines["gate over recursions"]["against"] == "2 recursions"
    change = lines["gate over recursions"]["ccc"] - lines["2 recursions"]["ccc"]
    assert lines["gate over recursions"]["difference"] == pytest.approx(change)
    assert lines["2 recursions"]["against"] == "default"


@pytest.mark.slow
def test_ablation_goes_on_from_finished_fits(tmp_path, monkeypatch):
    few = [
        "--seeds",
        "1",
        "--epochs",
        "1",
        "--jobs",
        "1",
        "--only",
        "0 recursions",
        "--output",
        str(tmp_path),
    ]
    ablation.main(few)
    [table, _] = json.loads((tmp_path / "synthetic.json").read_text())["tables"].values()
    assert [line["variant"] for line in table] == ["default", "0 recursions"]
    assert (tmp_path / "synthetic.md").read_text().startswith("# synthetic\n")
    assert len(list((tmp_path / "runs").rglob("*.npz"))) == 8
    monkeypatch.setattr("avfusion.model_selection.comparison._runs._fit_predict", None)
    ablation.main(few)
    [again, _] = json.loads((tmp_path / "synthetic.json").read_text())["tables"].values()
    assert again == table
