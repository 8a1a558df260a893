"""What is re-exported of scikit-learn still does what this package uses it for."""

import subprocess
import sys
from numbers import Real

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge

import avfusion._sklearn_compat as compat


def test_every_name_is_there():
    assert [name for name in compat.__all__ if not hasattr(compat, name)] == []


def test_rows_are_taken_by_position_from_all_that_has_rows():
    rows = np.array([2, 0])
    assert compat._safe_indexing(["a", "b", "c"], rows) == ["c", "a"]
    assert compat._safe_indexing(np.arange(3), rows).tolist() == [2, 0]
    assert compat._safe_indexing(pd.Series([1, 2, 3], index=[5, 6, 7]), rows).to_dict() == {7: 3, 5: 1}


def test_constraints_know_their_values():
    assert compat.Interval(Real, 0, 1, closed="left").is_satisfied_by(0.0)
    assert not compat.Interval(Real, 0, 1, closed="left").is_satisfied_by(1.0)
    assert compat.StrOptions({"a"}).is_satisfied_by("a")
    assert compat.HasMethods(["sample"]).is_satisfied_by(pd.DataFrame())
    assert not compat.HasMethods(["fit"]).is_satisfied_by(pd.DataFrame())


def test_an_illegal_parameter_is_a_value_error_and_a_type_error():
    assert issubclass(compat.InvalidParameterError, ValueError)
    assert issubclass(compat.InvalidParameterError, TypeError)


def test_parameters_of_rows_are_cut_and_others_left():
    cut = compat._check_method_params(np.zeros((3, 1)), {"weight": [1, 2, 3], "name": "x"}, np.array([0, 2]))
    assert cut == {"weight": [1, 3], "name": "x"}


def test_metadata_without_routing_is_refused():
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        compat._raise_for_params({"weight": [1]}, object(), "fit")


WITHOUT_CALLBACKS = """
import sys
import numpy as np
from sklearn import ensemble, linear_model, model_selection, pipeline, preprocessing  # which need it
sys.modules["sklearn.callback"] = None  # as before scikit-learn 1.9
import avfusion._sklearn_compat as compat
from avfusion.preprocessing import OnFrames
assert compat.CallbackSupportMixin.__module__ == "avfusion._sklearn_compat"
model = OnFrames().fit(np.eye(2))
print(hasattr(model, "set_callbacks"), model.transform(np.eye(2)).shape)
"""


def test_estimators_fit_where_scikit_learn_has_no_callbacks():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CALLBACKS], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.split("\n")[0] == "False (2, 2)", done.stderr[-2000:]


def test_a_clone_is_made_whatever_the_estimator_says_of_clones():
    class Own(Ridge):
        def __sklearn_clone__(self):
            raise AssertionError

    assert compat._clone_parametrized(Own(alpha=2.0)).alpha == 2.0


def test_a_frozen_estimator_is_cloned_with_nothing_changed():
    frozen = FrozenEstimator(Ridge().fit([[1.0], [2.0]], [1.0, 2.0]))
    assert compat.cloned_with(frozen, {}) is frozen
