"""Calls without a cluster; those on one are in test_dask_backend.py."""

import sys

import joblib

from avfusion.model_selection._cluster import SentOnce, on_cluster


def test_other_backends_are_left_alone():
    with joblib.parallel_config("threading", n_jobs=2), on_cluster() as client:
        assert client is None
        assert joblib.effective_n_jobs() == 2


def test_what_is_shared_is_large_for_dask_whatever_it_is():
    shared = SentOnce(lambda: None, "small")
    assert sys.getsizeof(shared) > 1000
    assert shared.parts[1] == "small"
