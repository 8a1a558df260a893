"""Versions that are recorded with results."""

import numpy as np

from avfusion._versions import package_versions


def test_versions_are_those_of_the_packages_and_missing_ones_are_left_out():
    versions = package_versions(["numpy", "no-such-package"])
    assert versions["numpy"] == np.__version__
    assert set(versions) == {"python", "numpy"}
    assert {"avfusion", "torch", "optuna"} <= set(package_versions())
