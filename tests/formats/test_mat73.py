"""MATLAB files of version 7.3, as h5py sees them."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from avfusion.formats._mat73 import variables

FRAMES = np.random.default_rng(0).normal(size=(7, 3))
WRITTEN_BY_MATLAB = Path(scipy.io.__file__).parent / "matlab/tests/data/testhdf5_7.4_GLNX86.mat"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.mat"


def put(group, name, values, kind="double", **attributes):
    dataset = group.create_dataset(name, data=values)
    for key, value in {"MATLAB_class": np.bytes_(kind), **attributes}.items():
        dataset.attrs[key] = value
    return dataset


def text(words):
    return np.array([[ord(letter)] for letter in words], "u2")


@pytest.mark.skipif(not WRITTEN_BY_MATLAB.exists(), reason="SciPy came without its tests")
def test_what_matlab_wrote():
    np.testing.assert_allclose(variables(WRITTEN_BY_MATLAB)["testdouble"], np.linspace(0, 2 * np.pi, 9))


def test_axes_are_those_of_matlab(path):
    with h5py.File(path, "w") as file:
        put(file, "x", FRAMES.T)
        put(file, "v", FRAMES[:, :1].T)
        put(file, "yes", np.ones((1, 1), "u1"), "logical")
        put(file, "word", text("arousal"), "char")
        put(file, "none", np.zeros(2, "u8"), MATLAB_empty=1)
        put(file, "object", np.zeros((1, 6), "u4"), "table")
        put(file, "z", np.zeros((1, 2), [("real", "f8"), ("imag", "f8")]))
    found = variables(path)
    np.testing.assert_array_equal(found["x"], FRAMES)
    np.testing.assert_array_equal(found["v"], FRAMES[:, 0])
    assert (found["yes"].dtype, found["word"]) == (bool, "arousal")
    assert found["none"] is found["object"] is None
    assert found["z"].dtype == complex


def test_cells_and_structs(path):
    with h5py.File(path, "w") as file:
        refs = [put(file, f"#refs#/{k}", values).ref for k, values in enumerate((FRAMES.T, FRAMES[:2].T))]
        names = [put(file, f"#refs#/n{k}", text(word), "char").ref for k, word in enumerate("ab")]
        put(file, "c", np.array([refs], dtype=h5py.ref_dtype), "cell")
        file.create_group("s").attrs["MATLAB_class"] = np.bytes_("struct")
        put(file["s"], "fs", [[25.0]])
        file.create_group("records")
        file["records/id"] = np.array([names], dtype=h5py.ref_dtype)
        file["records/x"] = np.array([refs], dtype=h5py.ref_dtype)
    found = variables(path)
    assert [len(values) for values in found["c"]] == [7, 2]
    assert found["s"]["fs"].item() == 25
    np.testing.assert_array_equal(found["records"]["b"]["x"], FRAMES[:2])


def test_a_cell_that_contains_itself_ends(path):
    with h5py.File(path, "w") as file:
        cell = file.create_dataset("c", (1, 2), h5py.ref_dtype)
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
        cell[0, 0] = cell[0, 1] = cell.ref
    with pytest.raises(ValueError, match="more than 50 deep"):
        variables(path)


def test_a_cell_that_repeats_itself_takes_no_memory(path):
    with h5py.File(path, "w") as file:
        refs = [put(file, "#refs#/x", np.zeros((1000, 100))).ref] * 1000
        put(file, "c", np.array([refs], dtype=h5py.ref_dtype), "cell")
    with pytest.raises(ValueError, match="repeats its contents"):
        variables(path)


def test_links_and_sparse_matrices(path):
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(ValueError, match="'x' is a link, which is not followed"):
        variables(path)
    with h5py.File(path, "w") as file:
        file.create_group("s").attrs["MATLAB_sparse"] = 3
    with pytest.raises(ValueError, match="sparse matrix: save it with full"):
        variables(path)
