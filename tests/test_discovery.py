import importlib
import inspect
from contextlib import nullcontext

import numpy as np
import pytest

import avfusion as av
from avfusion import all_estimators, skops_types


def test_lists_every_public_regressor_once():
    table = all_estimators()
    doors = {"EncodedFusionRegressor", "FusionRegressor"}  # these need a core or network of the user's
    public = {name for name in av.__all__ if name.endswith("Regressor")} - doors
    assert set(table.index) == public
    assert table.index.is_unique
    assert all(getattr(av, name) is cls for name, cls in table["estimator"].items())


def test_what_is_published_says_so_in_its_references():
    table = all_estimators()
    published = table[table["published in"] != ""]
    assert "RecursiveJointAttentionRegressor" in published.index
    for cls, source in zip(published["estimator"], published["published in"]):
        assert source in inspect.getdoc(cls).partition("References")[2]


def test_a_new_class_in_a_room_joins(monkeypatch):
    class NewRegressor(av.EncodedFusionRegressor):
        core = av.fusion.LowRankFusion

    monkeypatch.setattr(av.fusion, "NewRegressor", NewRegressor, raising=False)
    monkeypatch.setattr(av.fusion, "__all__", [*av.fusion.__all__, "NewRegressor"])
    assert all_estimators().loc["NewRegressor", "estimator"] is NewRegressor


def test_classical_ones_take_streams_of_any_length():
    classical = all_estimators().query("`published in` == ''")
    assert classical["any length"].all()
    assert {"EarlyFusionRegressor", "FrameRegressor"} <= set(classical.index)


@pytest.mark.parametrize("name", all_estimators().index)
def test_alignment_is_needed_where_it_says_so(name):
    estimator, needed = all_estimators().loc[name, ["estimator", "needs alignment"]]
    rng = np.random.default_rng(0)
    streams = {
        stream: [rng.normal(size=(n_steps, 3)) for n_steps in rng.integers(5, 20, size=12)]
        for stream in ("audio", "video")
    }
    model = estimator()
    short = {"max_epochs": 2, "modality": "audio"}
    model.set_params(**{key: value for key, value in short.items() if key in model.get_params()})
    with pytest.raises(ValueError, match="Unequal lengths in row 0") if needed else nullcontext():
        assert model.fit(streams, rng.normal(size=12)).predict(streams).shape == (12,)


def test_types_for_skops_run_nothing_when_they_are_made():
    """Names that a file may call with whatever arguments it has: no functions, no readers, no searches."""
    types = skops_types()
    assert types == sorted(set(types))
    for name in types:
        module, _, attribute = name.rpartition(".")
        cls = getattr(importlib.import_module(module), attribute)
        assert isinstance(cls, type), name
        assert module == "numpy" or module.split(".")[1] in {
            *("estimators", "fusion", "released", "preprocessing", "networks", "sequences"),
        }, name
    assert {f"{cls.__module__}.{cls.__name__}" for cls in all_estimators()["estimator"]} <= set(types)
