"""The parameters that all networks share: each is described, checked and defaulted once."""

import dataclasses
import re

import pytest
import torch
from sklearn.utils._param_validation import validate_parameter_constraints

import avfusion as av
from avfusion.estimators._parameters import SHARED_PARAMETERS, NetworkParameters, check_device

DEFAULTS = {field.name: field.default for field in dataclasses.fields(NetworkParameters)}


def test_every_parameter_is_described_with_its_default():
    described = dict(re.findall(r"^ *(\w+) : .*?(?:default=(.+)|optional)$", SHARED_PARAMETERS, re.MULTILINE))
    assert list(described) == list(DEFAULTS)
    for name, text in described.items():
        assert (eval(text) if text else None) == DEFAULTS[name], name


def test_every_default_is_legal():
    assert NetworkParameters._parameter_constraints.keys() == DEFAULTS.keys()
    validate_parameter_constraints(NetworkParameters._parameter_constraints, DEFAULTS, "NetworkParameters")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_size": 7}, "hidden_size=7 must be even"),
        ({"window": 10, "hop": 11}, "hop=11 is larger than window=10"),
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"loss": "rmse"}, "'loss' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"device": "abacus"}, r"device='abacus' is not here: .*'cpu'"),
    ],
)
def test_illegal_values_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        av.EarlyFusionRegressor(**parameters)._check_parameters()


def test_docstrings_of_estimators_hold_the_shared_parameters():
    assert SHARED_PARAMETERS in av.EarlyFusionRegressor.__doc__
    assert "{shared_parameters}" not in av.EarlyFusionRegressor.__doc__


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "cpu:0", "meta"])
def test_devices_of_every_machine(device):
    check_device(device)
