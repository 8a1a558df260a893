import inspect
from dataclasses import fields

import pytest

import avfusion as av
from avfusion.estimators._parameters import NetworkParameters, check_device


def test_every_shared_parameter_is_described_once_with_its_default():
    doc = inspect.getdoc(av.EarlyFusionRegressor)
    for field in fields(NetworkParameters):
        lines = [line for line in doc.splitlines() if line.startswith(f"{field.name} : ")]
        assert len(lines) == 1, field.name
    assert "{" not in doc.replace('{"', "").replace("{'", "")


def test_a_subclass_needs_no_decorator_and_no_docstring():
    class Own(av.EarlyFusionRegressor):
        depth: int = 2
        lr: float = 0.5

    assert Own().get_params()["depth"] == 2
    assert Own().lr == 0.5
    assert av.EarlyFusionRegressor().lr == 3e-3
    with pytest.raises(TypeError, match="positional"):
        Own(3)


def test_an_unknown_device_is_named_with_those_there_are():
    check_device("cpu")
    with pytest.raises(ValueError, match=r"device='toaster' is not here: .*\['cpu'"):
        check_device("toaster")
