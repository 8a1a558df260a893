"""Files are read ahead, and come in order; an error comes in its turn."""

import threading

import numpy as np
import pytest

from avfusion.formats import _read_ahead
from avfusion.formats._read_ahead import WINDOW, read_ahead
from avfusion.formats._registry import DamagedFileError


@pytest.fixture
def paths(tmp_path):
    paths = [tmp_path / f"{k}.npy" for k in range(20)]
    for k, path in enumerate(paths):
        np.save(path, np.full(3, k))
    return paths


@pytest.mark.parametrize("small", [0, 1 << 24])
def test_files_come_in_order(paths, monkeypatch, small):
    monkeypatch.setattr(_read_ahead, "SMALL", small)
    assert [part.values[0] for parts in read_ahead(paths) for part in parts] == list(range(20))


def test_an_error_comes_in_its_turn(paths):
    paths[3].write_bytes(b"x")
    turns = read_ahead(paths)
    assert [next(next(turns)).values[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DamagedFileError, match=r"3\.npy"):
        next(next(turns))
    assert [next(parts).values[0] for parts in turns] == list(range(4, 20))


def test_few_files_are_held(paths, monkeypatch):
    read = []
    monkeypatch.setattr(_read_ahead, "read_parts", lambda path: read.append(path) or iter(()))
    reading = read_ahead(paths)
    next(reading)
    reading.close()
    assert len(read) <= WINDOW + 1


def test_no_thread_stays(paths):
    for parts in read_ahead(paths):
        list(parts)
        break
    list(read_ahead(paths))
    own = [thread for thread in threading.enumerate() if thread.name.startswith("avfusion-read")]
    for thread in own:
        thread.join(10)
    assert not [thread for thread in own if thread.is_alive()]
