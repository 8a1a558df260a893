"""What a result is signed with: versions, parameters and a recipe, none of which may fail after the work."""

import json
from importlib import metadata

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from avfusion.model_selection.records import _provenance as provenance


def test_versions_are_those_that_are_installed():
    versions = provenance.package_versions()
    assert versions["torch"] == metadata.version("torch")
    assert {"python", "avfusion", "numpy", "pandas", "scikit-learn", "skorch", "optuna"} <= set(versions)


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(provenance, "_PACKAGES", ("numpy", "no-such-package-of-ours"))
    assert list(provenance.package_versions()) == ["python", "numpy"]


def test_estimators_are_described_with_all_parameters_in_json():
    described = provenance.described(make_pipeline(Ridge(alpha=np.float64(2.0))))
    assert described["class"] == "sklearn.pipeline.Pipeline"
    assert json.loads(json.dumps(described))["parameters"]["ridge__alpha"] == 2.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (float("nan"), "nan"),
        ({1: (None, True)}, {"1": [None, True]}),
        (Ridge, "Ridge"),
        (object(), "<object object>"),  # without its address, which differs from run to run
    ],
)
def test_plain_values_go_into_json(value, expected):
    assert provenance.plain(value) == expected


def test_folds_are_lists_of_rows():
    folds = [(np.array([1, 2]), np.array([0]))]
    assert provenance.rows_of(folds) == [{"train": [1, 2], "test": [0]}]


class TestRecipe:
    def test_is_read_back(self, tmp_path):
        provenance.write_recipe({"seed": 3}, tmp_path)
        assert joblib.load(tmp_path / provenance.RECIPE) == {"seed": 3}

    def test_that_of_another_result_goes(self, tmp_path):
        provenance.write_recipe({"seed": 3}, tmp_path)
        provenance.write_recipe(None, tmp_path)
        assert not list(tmp_path.iterdir())

    def test_what_cannot_be_pickled_warns_and_leaves_nothing(self, tmp_path):
        provenance.write_recipe({"seed": 3}, tmp_path)
        with pytest.warns(UserWarning, match="rerun will not work"):
            provenance.write_recipe({"scorer": lambda: None}, tmp_path)
        assert not list(tmp_path.iterdir())
