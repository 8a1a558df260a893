"""Arguments as bytes."""

import pickle
import sys

import numpy as np
import pytest

from avfusion.model_selection._parcel import Parcel, opened

pytest.importorskip("distributed")


def test_arrays_are_not_copied():
    values = np.arange(1000.0)
    parcel = Parcel({"values": values})
    assert np.shares_memory(parcel.open()["values"], values)
    assert 8000 <= sys.getsizeof(parcel) < 10_000


def test_a_parcel_is_opened_once():
    parcel = pickle.loads(pickle.dumps(Parcel([1, 2])))
    assert parcel.open() is parcel.open()
    assert opened(parcel) == [1, 2]
    assert opened("no parcel") == "no parcel"


def test_functions_that_have_no_name_travel():
    factor = np.full(3, 2.0)
    parcel = pickle.loads(pickle.dumps(Parcel(lambda value: factor * value)))
    assert parcel.open()(3).tolist() == [6.0, 6.0, 6.0]


def test_what_cannot_be_opened_says_so_when_it_is():
    class Broken:
        def __reduce__(self):
            return float, ("no number",)

    parcel = pickle.loads(pickle.dumps(Parcel(Broken())))
    with pytest.raises(ValueError, match="no number"):
        parcel.open()
