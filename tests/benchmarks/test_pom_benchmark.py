import os

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error

import avfusion as av
from benchmarks import pom

REAL = os.environ.get("AVFUSION_DATA")


def answers(rng, labels, noise, scale=1.0):
    parts = {part: scale * (y + noise * rng.normal(size=y.shape)) for part, y in labels.items()}
    return {**parts, "fit_s": 1.0}


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    return {"valid": rng.normal(size=(300, 4)), "test": rng.normal(size=(300, 4))}


@pytest.fixture
def constant(labels):
    return {**{part: np.zeros_like(y) for part, y in labels.items()}, "fit_s": 0.0}


def test_figures_are_means_over_ratings_and_shrinking_leaves_r(labels, constant):
    rng = np.random.default_rng(1)
    given = answers(rng, labels, noise=1.0, scale=3.0)
    row = pom.figures(given, labels, constant)
    assert row["test MAE"] == pytest.approx(mean_absolute_error(labels["test"], given["test"]))
    expected = [np.corrcoef(labels["test"][:, k], given["test"][:, k])[0, 1] for k in range(4)]
    assert row["test r"] == pytest.approx(np.mean(expected))
    # of y + n, half is signal: three times as much is shrunk to a sixth
    assert row["shrunk to"] == pytest.approx(1 / 6, abs=0.02)
    shrunk = row["shrunk to"] * given["test"]
    assert row["test MAE, shrunk"] == pytest.approx(mean_absolute_error(labels["test"], shrunk), abs=1e-6)
    assert np.isnan(pom.figures(constant, labels, constant)["test r"])


def test_mixture_takes_its_weights_from_the_validation_clips_alone(labels):
    rng = np.random.default_rng(1)
    good, bad = answers(rng, labels, 0.5), answers(rng, labels, 2.0)
    mixture = pom.mixed([good, bad], labels["valid"])
    assert mixture["weights"][0] == pytest.approx(4 / 4.25, abs=0.05)  # inverse variances
    expected = sum(w * member["test"] for w, member in zip(mixture["weights"], (good, bad)))
    np.testing.assert_allclose(mixture["test"], expected)
    assert mixture["fit_s"] == 2.0


def test_ensembles_stand_beside_their_members(labels, constant):
    rng = np.random.default_rng(1)
    alone = {name: [answers(rng, labels, 1.0) for _ in range(3)] for name in (pom.RJA, pom.TREES)}
    everything = pom.with_ensembles(alone, labels["valid"], constant)
    assert [len(every_seed) for every_seed in everything.values()] == [3, 3, 1, 3, 1]
    rows = [
        {"method": name, **pom.figures(one, labels, constant)}
        for name, every_seed in everything.items()
        for one in every_seed
    ]
    summary = pom.summarise(rows)
    mean, both, all_of_them = (summary["test r"].iloc[k] for k in (2, 3, 4))
    assert all_of_them > max(mean, both) > summary["test r"].iloc[0]
    text = pom.to_markdown(summary)
    assert f"| {pom.RJA}, mean of 3 seeds | " in text
    assert "MFN .805/.349" in text
    assert pom.with_ensembles({pom.RJA: alone[pom.RJA]}, labels["valid"], constant).keys() == {pom.RJA}


def test_methods_differ_in_seed_and_the_family_shares_its_settings():
    first, second = pom.pom_methods(0), pom.pom_methods(1)
    assert {
        "median",
        "ridge",
        "ridge, features as they are",
        "gradient boosting",
    } == first.keys() - second.keys()
    for name, model in pom.family({**pom.NETWORK, "random_state": 7}).items():
        assert type(model).__name__ == name
        assert {key: model.get_params()[key] for key in pom.NETWORK} == pom.NETWORK
        assert model.random_state == 7
    assert second[pom.RJA][-1].random_state == 1


def test_only_training_clips_are_fitted_on():
    seen = {}

    class Spy(av.FrameRegressor):
        def fit(self, X, y):
            seen["split"], seen["y"] = set(X["split"]), len(y)
            return super().fit(X, y)

    rng = np.random.default_rng(0)
    X = av.as_sequences({"audio": [rng.normal(size=(3, 2)) for _ in range(6)]})
    X["split"] = ["train", "valid", "train", "test", "test", "train"]
    y = pd.DataFrame({"a": np.arange(6.0), "b": 0.0})
    found = pom.answers_of(Spy(), X, y)
    assert seen == {"split": {"train"}, "y": 3}
    assert (found["valid"].shape, found["test"].shape) == ((1, 2), (2, 2))


@pytest.mark.skipif(not REAL, reason="AVFUSION_DATA is unset")
def test_the_script_on_the_real_clips(tmp_path, capsys):
    pom.main(["--data-home", REAL, "--seeds", "1", "--only", "median", "ridge", "--output", str(tmp_path)])
    table = (tmp_path / "summary.md").read_text()
    assert "| ridge | 0.836 / 0.218 | 0.853 | 0.276 |" in table
    assert table in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"summary.md", "summary.json"}
