"""Cells become nested lists for who writes JSON, and stay sequences for everybody else."""

import json

import numpy as np
import pandas as pd
import pytest

import avfusion as av


@pytest.fixture
def X():
    steps = np.arange(6.0).reshape(3, 2)
    X = av.as_sequences({"audio": [steps, None, steps[:1]]}, rate_hz=25)
    return X.assign(subject=["a", "b", "c"])


@pytest.mark.works_with("pandas", "`to_json` in all orients, with and without index")
@pytest.mark.parametrize("orient", ["split", "records", "index", "columns", "values", "split without index"])
def test_to_json_writes_frames(X, orient):
    orient, _, without = orient.partition(" ")
    given = {"index": False} if without else {}
    text = X.to_json(orient=orient, **given)
    expected = X.assign(audio=pd.Series([[[0, 1], [2, 3], [4, 5]], None, [[0, 1]]], dtype=object))
    assert json.loads(text) == json.loads(expected.to_json(orient=orient, **given))


def asks(module, code):
    """Run code as if it were of another module."""
    scope = {"__name__": module, "pd": pd}
    exec(f"def ask(X):\n    return {code}", scope)
    return scope["ask"]


def test_mlflow_is_given_lists(X):
    rows = asks("mlflow.models.utils", "X.to_dict(orient='split')['data']")(X)
    assert rows == [[[[0, 1], [2, 3], [4, 5]], "a"], [None, "b"], [[[0, 1]], "c"]]
    assert asks("mlflow.models.utils", "[cell for cell in X['audio']]")(X)[0] == [[0, 1], [2, 3], [4, 5]]


def test_types_are_inferred_from_one_step(X):
    assert asks("mlflow.types.utils", "X['audio'].to_list()")(X) == [[[0, 1]], None, [[0, 1]]]


def test_others_are_given_sequences(X):
    for module in ("users_script", "mlflows", "skorch", "pandas_like.io"):
        for code in (
            "X.to_dict(orient='list')['audio']",
            "list(X['audio'])",
            "[row[1] for row in X.itertuples()]",
        ):
            first, missing, last = asks(module, code)(X)
            assert isinstance(first, av.Sequence), (module, code)
            assert isinstance(last, av.Sequence), (module, code)
            assert missing is None or missing is pd.NA


def test_what_mlflow_calls_is_given_sequences(X):
    """A model that MLflow asks for predictions reads its input itself."""
    seen = []

    def predict(X):
        seen.extend(X["audio"])

    scope = {"__name__": "mlflow.pyfunc"}
    exec("def ask(predict, X):\n    predict(X)", scope)
    scope["ask"](predict, X)
    assert [type(cell).__name__ for cell in seen] == ["Sequence", "NAType", "Sequence"]
