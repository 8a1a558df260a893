"""MATLAB files of version 5 against SciPy's reader, files that MATLAB wrote, and damaged ones."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from avfusion.formats import _mat5
from avfusion.formats._mat5 import by_name, variables, without_unit_axis

DATA = Path(scipy.io.__file__).parent / "matlab/tests/data"  # not in all installations of SciPy
NOT_READ = ("sparse", "func", "object", "hdf5")
READ_OTHERWISE = ("structarr",)
WRITTEN_BY_MATLAB = [
    path
    for path in sorted(DATA.glob("test*_[567].*.mat"))
    if not any(word in path.name for word in (*NOT_READ, *READ_OTHERWISE))
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.mat"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">f8", "?"])
def test_numbers_of_every_type(path, dtype, compressed):
    values = np.arange(6).reshape(3, 2).astype(dtype)
    scipy.io.savemat(
        path, {"x": values, "v": values[:, :1], "cube": np.zeros((2, 3, 4))}, do_compression=compressed
    )
    found = variables(path)
    np.testing.assert_array_equal(found["x"], values)
    np.testing.assert_array_equal(found["v"], values[:, 0])
    assert found["cube"].shape == (2, 3, 4)


def same(ours, theirs):
    """Compare what was read with what SciPy reads."""
    if theirs.dtype.names is not None and theirs.size == 1:
        for name in theirs.dtype.names:
            same(ours[name], theirs.flat[0][name])
    elif theirs.dtype == object:
        for one, other in zip(ours, theirs.flatten(order="F")):
            if not (one is None and other.size == 0):
                same(one, other)
    elif theirs.dtype.kind == "U":
        assert ([ours] if isinstance(ours, str) else ours) == theirs.tolist() or not theirs.size
    elif theirs.size:
        np.testing.assert_array_equal(np.squeeze(ours), np.squeeze(theirs))


@pytest.mark.parametrize("path", WRITTEN_BY_MATLAB, ids=lambda path: path.stem)
def test_what_matlab_wrote(path):
    theirs = scipy.io.loadmat(path, chars_as_strings=True)
    ours = variables(path)
    assert list(ours) == [name for name in theirs if not name.startswith("__")]
    for name, value in ours.items():
        same(value, theirs[name])


def test_cells_and_structs(path):
    cells = np.empty(2, dtype=object)
    cells[:] = [np.zeros((4, 3)), "two"]
    records = np.array([("a", 1.0), ("b", 2.0)], dtype=[("id", object), ("x", object)])
    scipy.io.savemat(
        path, {"c": cells, "s": {"n": 1.0, "deep": {"w": "x"}}, "r": records, "rows": ["ab", "cd"]}
    )
    found = variables(path)
    assert found["c"][0].shape == (4, 3)
    assert found["c"][1] == "two"
    assert found["s"]["deep"] == {"w": "x"}
    assert list(found["r"]) == ["a", "b"]
    assert found["r"]["b"]["x"].item() == 2
    assert found["rows"] == ["ab", "cd"]


def test_records_without_names_are_numbered():
    assert list(by_name([{"x": 1}, {"x": 2}])) == ["1", "2"]
    assert list(by_name([{"id": "a"}, {"id": "a"}])) == ["1", "2"]
    assert without_unit_axis(np.zeros((4, 1, 1))).shape == (4, 1, 1)


def header():
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x100) + b"IM"


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def array(flags, dims, *parts, name=b"x"):
    start = element(6, struct.pack("<II", flags, 0)) + element(5, struct.pack(f"<{len(dims)}i", *dims))
    return element(14, start + element(1, name) + b"".join(parts))


def refused(path, content, reason):
    path.write_bytes(header() + content)
    with pytest.raises(ValueError, match=reason):
        variables(path)


def test_cells_in_cells_end(path):
    content = array(6, (1, 1), element(9, bytes(8)))
    for _ in range(40):
        content = array(1, (1, 1), content)
    path.write_bytes(header() + content)
    assert variables(path)
    for _ in range(20_000):
        content = struct.pack("<II", 14, len(content) + 48) + array(1, (1, 1))[8:] + content
    refused(path, content, "more than 50 others")
    refused(path, element(15, zlib.compress(content)), "more than 50 others")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (array(6, (10**9, 10**9), element(9, bytes(8))), "1 numbers for 1000000000 x 1000000000"),
        (array(6, (1, 2), element(9, bytes(8))), "1 numbers for 1 x 2"),
        (array(6 | 0x800, (1, 1), element(9, bytes(8))), "1 parts"),
        (array(6, (1, 1), element(8, bytes(8))), "numbers of the kind 8"),
        (array(99, (1, 1), element(9, bytes(8))), "class 99"),
        (array(5, (1, 1), element(9, bytes(8))), "sparse matrix: save it with full"),
        (array(1, (10**9, 1)), "0 values for 1000000000 cells"),
        (array(2, (1, 1)), "struct without names"),
        (array(4, (2, 5), element(4, bytes(4))), "2 characters for 2 x 5"),
        (array(6, (-1, 1), element(9, bytes(8))), "impossible dimensions"),
        (array(6, (1, 1), element(9, bytes(8)))[:-9], "cut off"),
        (element(7, bytes(8)), "kind 7, which is no variable"),
        (struct.pack("<II", 14, 2**31) + bytes(64), "cut off"),
    ],
)
def test_sizes_that_are_not_there(path, content, reason):
    refused(path, content, reason)


def test_a_bomb_takes_no_memory(path, monkeypatch):
    monkeypatch.setattr(_mat5, "LEAST", 2**22)
    machine = zlib.compressobj(9)
    blocks = [machine.compress(struct.pack("<II", 14, 2**31))]
    blocks += [machine.compress(bytes(2**20)) for _ in range(20)]
    refused(path, element(15, b"".join([*blocks, machine.flush()])), "would take more than 4,194,304 bytes")


def test_empty_cells_are_counted(path, monkeypatch):
    monkeypatch.setattr(_mat5, "MOST_PARTS", 1000)
    cells = zlib.compress(array(1, (1, 1100), struct.pack("<II", 14, 0) * 1100))
    refused(path, element(15, cells), "more than 1,000 values in one cell array")


def test_objects_and_functions_are_left_out(path):
    opaque = element(14, element(6, struct.pack("<II", 17, 0)) + element(1, b"t") + element(1, b"MCOS"))
    path.write_bytes(
        header() + opaque + array(16, (1, 1), name=b"f") + array(6, (1, 1), element(9, bytes(8)))
    )
    found = variables(path)
    assert found.pop("x").tolist() == [[0]]
    assert set(found.values()) <= {None}


def test_the_damaged_file_that_ended_the_interpreter(path):
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"x": np.zeros((7, 3), "f4")})
    content = bytearray(buffer.getvalue())
    at = content.index(struct.pack("<I", 7), 128)
    content[at + 1 : at + 3] = b"\xff\xff"  # "complex", without a second part
    path.write_bytes(content)
    with pytest.raises(ValueError, match="1 parts: it is damaged"):
        variables(path)
