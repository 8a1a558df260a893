"""MATLAB files as people save features in them."""

import numpy as np
import pytest
import scipy.io

from avfusion.formats._mat import read
from avfusion.formats._registry import DamagedFileError, read_parts
from tests.formats.samples import mat73

FRAMES = np.random.default_rng(0).normal(size=(7, 3))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clip.mat"


def test_a_matrix_is_a_stream(path):
    scipy.io.savemat(path, {"feat": FRAMES})
    (part,) = read(path)
    np.testing.assert_array_equal(part.values, FRAMES)


@pytest.mark.parametrize("vector", [FRAMES[:, :1], FRAMES[:, :1].T])
def test_vectors_are_steps(path, vector):
    scipy.io.savemat(path, {"valence": vector})
    (part,) = read(path)
    np.testing.assert_array_equal(part.values, FRAMES[:, 0])


def test_covarep(path):
    names = np.array(["F0", "VUV", "NAQ"], dtype=object)
    scipy.io.savemat(path, {"features": FRAMES, "names": names, "fs": 100})
    (part,) = read(path)
    assert (part.rate_hz, list(part.values)) == (100.0, ["F0", "VUV", "NAQ"])
    scipy.io.savemat(path, {"features": FRAMES.T, "names": names})
    with pytest.raises(ValueError, match="names may be of features or of recordings"):
        list(read(path))
    scipy.io.savemat(path, {"features": FRAMES.T, "feature_names": names})  # features in rows
    np.testing.assert_array_equal(next(iter(read(path))).values, FRAMES)


def test_structs_and_cells(path):
    cells = np.empty(2, dtype=object)
    cells[:] = [FRAMES, FRAMES[:4]]
    scipy.io.savemat(path, {"clips": cells, "ids": np.array(["a", "b"], dtype=object)})
    assert [(part.recording, part.n_steps) for part in read(path)] == [("a", 7), ("b", 4)]
    scipy.io.savemat(
        path, {"data": {"clip01": {"features": FRAMES, "fps": 25}, "clip02": {"features": FRAMES}}}
    )
    assert [(part.recording, part.rate_hz) for part in read(path)] == [("clip01", 25.0), ("clip02", None)]


def test_version_7_3(path):
    path.write_bytes(mat73()[".mat"])
    (part,) = read(path)
    assert list(part.values) == ["F0", "NAQ", "QOQ"]
    assert part.values.shape == (7, 3)


def test_a_file_of_another_version_says_how_to_save_it(path):
    scipy.io.savemat(path, {"x": FRAMES}, format="4")
    with pytest.raises(DamagedFileError, match="no MATLAB file of version 5 or newer: save it with -v7"):
        list(read_parts(path))


def test_it_is_known_by_its_head(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"x": FRAMES})
    (tmp_path / "a.mat").rename(tmp_path / "a.csv")
    assert next(iter(read_parts(tmp_path / "a.csv"))).values.shape == (7, 3)
