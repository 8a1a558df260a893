"""Opcodes of pickles, before they run."""

import pickle
import time

import numpy as np
import pytest

from avfusion.formats import _pickle_opcodes
from avfusion.formats._pickle_opcodes import check_opcodes

OBJECTS = [
    {"a": np.zeros((3, 2)), "b": [1.5, None, True, -(2**70), b"x", "ü", {1, 2}, frozenset([3]), (1, (2,))]},
    [np.arange(5, dtype=">i2"), np.array(["a", "bc"]), np.array([1, None], dtype=object), np.float32(1)],
    list(range(3000)),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("content", OBJECTS)
def test_what_python_writes_passes(content, protocol):
    check_opcodes(pickle.dumps(content, protocol))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_what_is_cut_off_is_refused(protocol):
    content = pickle.dumps(OBJECTS[0], protocol)
    for length in range(len(content) - 1):
        with pytest.raises(ValueError, match="no pickle, or damaged"):
            check_opcodes(content[:length])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x80\x02r\xff\xff\xff\x7f.", "numbers its objects beyond their count"),
        (b"\x80\x02]q\xff.", "numbers its objects beyond their count"),
        (b"]p99999999\n.", "numbers its objects beyond their count"),
        (b"]p-1\n.", "has no number"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx.", "longer than the file"),
        (b"\x8b\xff\xff\xff\xff.", "longer than the file"),  # a long of negative length
        (b"00.", "an object is missing"),
        (b"zhello", "no pickle, or damaged"),
        (b"\x82\x01.", "extension, which is not loaded"),
        (b"\xff.", "no pickle, or damaged"),
        (b"K\x01.K\x02.", "goes on behind its first object"),  # pickle.load would return 1
        (b"K\x01.\n", "goes on behind its first object"),
    ],
)
def test_what_takes_memory_is_refused(content, reason):
    with pytest.raises(ValueError, match=reason):
        check_opcodes(content)


def test_bytes_that_are_a_container_each_are_counted(monkeypatch):
    check_opcodes(pickle.dumps([[] for _ in range(10_000)]))
    monkeypatch.setattr(_pickle_opcodes, "MOST_CONTAINERS", 20_000)
    with pytest.raises(ValueError, match="more containers than its size justifies"):
        check_opcodes(b"\x80\x04](" + b"\x8f" * 30_000 + b"e.")


def nested(n_levels, width):
    """Return a pickle whose tuple of tuples takes width**n_levels steps to hash."""
    steps = b"".join(b"h%c" % (k - 1) * width + b"\x87q%c0" % k for k in range(1, n_levels))
    return b"\x80\x02)q\x000" + steps + b"h%c." % (n_levels - 1)


def test_tuples_of_tuples_are_not_walked_through():
    began = time.monotonic()
    with pytest.raises(ValueError, match="tuples in tuples"):
        check_opcodes(nested(40, 3))
    check_opcodes(nested(10, 3))
    chain = b"\x80\x02)" + b"\x85" * 100_000 + b"."
    with pytest.raises(ValueError, match="tuples in tuples"):
        check_opcodes(chain)
    through_build = b"\x80\x02)" + b"\x85}b" * 100 + b"."
    with pytest.raises(ValueError, match="tuples in tuples"):
        check_opcodes(through_build)
    assert time.monotonic() - began < 2


def test_keys_of_one_hash_are_refused_before_they_are_compared():
    content = pickle.dumps({(2**61 - 1) * k: 0 for k in range(3000)})
    begin = time.perf_counter()
    with pytest.raises(ValueError, match="more integers beyond 64 bits"):
        check_opcodes(content)
    assert time.perf_counter() - begin < 2
    check_opcodes(pickle.dumps(list(range(2**63 - 3000, 2**63 + 3000))))
