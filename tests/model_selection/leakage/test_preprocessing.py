import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from avfusion.model_selection.leakage._preprocessing import fitted_on_all

SCALERS = [
    (StandardScaler(), "standardised"),
    (MinMaxScaler(), "scaled to one range"),
    (MinMaxScaler((-1, 1)), "scaled to one range"),
    (MinMaxScaler((0, 5)), "scaled to one range"),
    (MaxAbsScaler(), "scaled to one range"),
    (RobustScaler(), "scaled by median and quartiles"),
]
ALL = [*SCALERS, (PCA(3), "uncorrelated (as a PCA makes them)")]


@pytest.fixture
def raw():
    return np.random.default_rng(0).gamma(2, size=(400, 5))


@pytest.mark.parametrize(("scaler", "done"), ALL)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_fitted_on_all_rows(raw, scaler, done, dtype):
    assert fitted_on_all(scaler.fit_transform(raw).astype(dtype))[0] == done
    assert fitted_on_all(scaler.fit(raw[:300]).transform(raw)) == ("", 0)


@pytest.mark.parametrize(("scaler", "done"), SCALERS)
def test_cells_without_a_value(raw, scaler, done):
    raw[np.random.default_rng(1).random(raw.shape) < 0.02] = np.nan
    assert fitted_on_all(scaler.fit_transform(raw)) == (done, 5)


def test_standard_deviation_of_n_minus_1(raw):
    assert fitted_on_all((raw - raw.mean(axis=0)) / raw.std(axis=0, ddof=1)) == ("standardised", 5)


def test_some_features_only(raw):
    raw[:, :2] = StandardScaler().fit_transform(raw[:, :2])
    assert fitted_on_all(raw) == ("standardised", 2)


@pytest.mark.parametrize(("scaler", "done"), ALL)
def test_each_part_by_itself_is_fine(raw, scaler, done):
    speaker = np.arange(400) % 8
    alone = np.empty((400, 3 if isinstance(scaler, PCA) else 5))
    for part in range(8):
        alone[speaker == part] = scaler.fit_transform(raw[speaker == part])
    recording = np.arange(400) // 4
    assert fitted_on_all(alone, [recording, speaker]) == ("", 0)
    assert fitted_on_all(scaler.fit_transform(raw), [recording, speaker])[0] == done


def test_parts_of_one_row_are_no_excuse(raw):
    done = StandardScaler().fit_transform(raw)
    assert fitted_on_all(done, [np.arange(400), np.zeros(400, dtype=int)]) == ("standardised", 5)


@pytest.mark.parametrize(
    "kind", ["normal", "uniform", "clipped", "pixels", "ratings", "whole", "tanh", "flags"]
)
def test_raw_features_have_no_mark(kind):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        shape = int(rng.integers(50, 2000)), int(rng.integers(1, 6))
        table = {
            "normal": rng.normal(size=shape),
            "uniform": rng.random(shape),
            "clipped": np.clip(rng.normal(0.5, 0.4, shape), 0, 1),
            "pixels": rng.integers(0, 256, shape) / 255,
            "ratings": rng.integers(-2, 3, shape) / 2,
            "whole": rng.integers(-2, 3, shape).astype(float),
            "tanh": np.tanh(3 * rng.normal(size=shape)).astype("float16"),
            "flags": rng.integers(0, 2, shape).astype(float),
        }[kind]
        assert fitted_on_all(table) == ("", 0)


def test_few_rows_and_no_values():
    assert fitted_on_all(StandardScaler().fit_transform(np.random.default_rng(0).normal(size=(40, 3)))) == (
        "",
        0,
    )
    assert fitted_on_all(np.full((100, 3), np.nan)) == ("", 0)
    assert fitted_on_all(np.ones((100, 3))) == ("", 0)
