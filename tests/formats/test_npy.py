"""Arrays as numpy writes them, and files that only pretend."""

import numpy as np
import pytest

from avfusion.formats._npy import read


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "i2", "u1", "f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back(tmp_path, dtype, order):
    values = np.asarray(np.arange(6).reshape(3, 2), dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(read(tmp_path / "a.npy")[0].values, values)


def test_a_header_that_promises_more_than_there_is_takes_no_memory(tmp_path):
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
        )
    with pytest.raises(ValueError, match=r"mmap|size|larger"):
        read(path)


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="object"):
        read(tmp_path / "a.npy")


def test_records_are_a_table(tmp_path):
    np.save(tmp_path / "a.npy", np.array([(0.5, 1), (1.0, 0)], dtype=[("F0", "f4"), ("voiced", "?")]))
    (part,) = read(tmp_path / "a.npy")
    assert part.named
    assert part.values.to_dict("list") == {"F0": [0.5, 1.0], "voiced": [True, False]}


@pytest.mark.parametrize("values", [np.array([1j]), np.array(["a"]), np.array(["2020"], dtype="M8[Y]")])
def test_what_is_no_number_is_said(tmp_path, values):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(TypeError, match="not real numbers"):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("descr", ["|V0", [("x", "|V0")]])
def test_values_without_size_take_no_time(tmp_path, descr):
    path = tmp_path / "a.npy"
    header = {"descr": descr, "fortran_order": False, "shape": (10**12, 1)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(ValueError, match="values without size"):
        read(path)


@pytest.mark.parametrize("more", [b"x", bytes(48)])
def test_more_than_the_array_of_the_header_is_refused(tmp_path, more):
    np.save(tmp_path / "a.npy", np.zeros((3, 2)))
    with (tmp_path / "a.npy").open("ab") as file:
        file.write(more)
    with pytest.raises(ValueError, match="more than the one array"):
        read(tmp_path / "a.npy")


def test_the_second_of_two_arrays_in_a_file_is_not_dropped(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, np.zeros((3, 2)))
        np.save(file, np.ones((3, 2)))
    with pytest.raises(ValueError, match="more than the one array"):
        read(tmp_path / "a.npy")
