"""Pickles of numbers, text, containers and arrays are loaded; what else they name is not run."""

import collections
import decimal
import os
import pickle
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from avfusion.formats._safe_pickle import load

RNG = np.random.default_rng(0)
PYTHON_2 = (  # cPickle.dumps({"a": numpy.arange(3, dtype="<i4")}, 2) of Python 2.7 with NumPy 1.16
    b"\x80\x02}q\x01U\x01acnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87Rq\x04"
    b"(K\x01K\x03\x85cnumpy\ndtype\nq\x05U\x02i4K\x00K\x01\x87Rq\x06(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff"
    b"\xffK\x00tb\x89U\x0c\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00tbs."
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.pkl"


def loaded(path, content):
    path.write_bytes(content)
    return load(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=(4, 3)),
        RNG.normal(size=(4, 3)).astype("f4").T,
        np.arange(5, dtype=">i2"),
        np.array([True, False]),
        np.zeros((0, 3)),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.array(3.5),
        np.array([1 + 2j]),
        RNG.normal(size=(6, 4))[::2, 1:3],
    ],
)
def test_arrays_come_back(path, values, protocol):
    found = loaded(path, pickle.dumps({"x": values}, protocol))["x"]
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("protocol", range(6))
def test_containers_come_back(path, protocol):
    content = {
        "n": [1, -2.5, None, True, 2**80, "ü", b"\xff", bytearray(b"x")],
        "t": (1, ("a", 2)),
        "ordered": collections.OrderedDict(b=1, a=2),
        "default": collections.defaultdict(list, {"k": [1.0]}),
        "numbers": [np.float32(0.5), np.int64(3), np.bool_(True)],
        "objects": np.array([1.5, None, "a"], dtype=object),
    }
    found = loaded(path, pickle.dumps(content, protocol))
    assert found["n"] == content["n"]
    assert found["t"] == [1, ("a", 2)]
    assert list(found["ordered"].items()) == [("b", 1), ("a", 2)]
    assert found["default"] == {"k": [1.0]}
    assert found["numbers"] == [0.5, 3, True]
    assert found["objects"] == [1.5, None, "a"]
    assert loaded(path, pickle.dumps({"s": {1}, "f": frozenset([2])}, protocol))["s"] is not None


def test_pickles_of_python_2(path):
    np.testing.assert_array_equal(loaded(path, PYTHON_2)["a"], [0, 1, 2])


class Command:
    """An object that an attacker would pickle."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (lambda mark: Command(os.system, f"touch {mark}"), "posix.system"),
        (lambda mark: Command(eval, f"open({str(mark)!r}, 'w')"), "eval"),
        (lambda mark: Command(open, str(mark), "w"), "io.open"),
        (lambda mark: Command(np.save, str(mark), 1), "numpy.save"),
        (lambda mark: Command(np.load, str(mark), None, True), "numpy.load"),
        (lambda mark: Command(getattr, str, "format"), "getattr"),
        (lambda mark: Command(np.ndarray, (2,)), ""),
        (lambda mark: decimal.Decimal(1), "decimal.Decimal"),
    ],
)
def test_nothing_else_is_run(path, tmp_path, content, name, protocol):
    mark = tmp_path / "mark"
    with pytest.raises(ValueError, match=f"It names .*{name}, which|It calls what is not loaded"):
        loaded(path, pickle.dumps([1, {"x": content(mark)}], protocol))
    assert not mark.exists()


def test_tables_of_pandas_say_what_to_write(path):
    with pytest.raises(ValueError, match=r"It names pandas\..*: write the table with to_parquet"):
        loaded(path, pickle.dumps(pd.DataFrame({"a": [1.0]})))


@pytest.mark.parametrize(
    "content",
    [
        b"cnumpy\ndtype\n}(V__doc__\nVx\nub.",  # state for what it names
        b"(N(V_function\nVx\ndt\x8cx",
        b"cnumpy\ndtype\n(N}V_function\nVx\nstb.",
        b"\x80\x02cnumpy\ndtype\n)\x81.",  # a new object of it
        b"cnumpy\ndtype\n(Vf8,f8\ntR.",
        b"cnumpy\ndtype\n(V(1000000000,)f8\ntR.",
        b"cnumpy\ndtype\n((lp0\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(I1\ntR(I1\n(I9\ntcnumpy\ndtype\n(Vf8\ntRI00\nVx\ntb.",
        b"cnumpy.core.multiarray\n_reconstruct\n(I1\ntR(I1\n(I-1\ntcnumpy\ndtype\n(Vf8\ntRI00\nV\ntb.",
        b"c__builtin__\nbytearray\n(I99999999999\ntR.",
        b"c__builtin__\nset\n(I1\ntR.",
        b"\x82\x01.",  # an extension
        b"Vx\nQ.",  # outside of the file
        b"\x80\x05\x97.",  # a buffer from elsewhere
    ],
)
def test_what_is_named_is_neither_changed_nor_misused(path, content):
    with pytest.raises(ValueError, match="It "):
        loaded(path, content)
    assert loaded(path, pickle.dumps({"x": np.arange(3)}))["x"].tolist() == [0, 1, 2]


def test_what_repeats_itself_takes_neither_memory_nor_time(path):
    shared = {}
    for _ in range(10):
        shared = {"a": shared, "b": shared}
    deep = []
    for _ in range(100):
        deep = [deep]
    ring = []
    ring.append(ring)
    text = "x" * 1_000_000
    copies = b"".join(
        [b"\x80\x02X", len(text).to_bytes(4, "little"), text.encode(), b"q\x000c_codecs\nencode\nq\x010("]
    )
    copies += b"h\x01h\x00X\x06\x00\x00\x00latin1\x86R" * 1000 + b"l."
    began = time.monotonic()
    tracemalloc.start()
    for content, reason in (
        (pickle.dumps(shared), "one container in two places"),
        (pickle.dumps(deep), "more than 16 deep"),
        (pickle.dumps(ring), "one container in two places"),
        (copies, "repeats its contents"),
    ):
        with pytest.raises(ValueError, match=reason):
            loaded(path, content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**29
    assert time.monotonic() - began < 20
