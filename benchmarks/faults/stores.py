"""Stores and kept fits: manifests that say anything, files cut, swapped, replaced, or of other kinds."""

import json
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from benchmarks.faults.child import Bomb
from benchmarks.faults.folder_files import FRAMES, LABELS
from benchmarks.faults.harness import Case, cli
from tests.formats.fuzz import mutated

ODD = (None, True, -1, 2**63, 10**400, 1.5, "", "object", "\x1b[31m", [], {})
FILES = ("manifest.json", "table.parquet", "frames_000.npy", "frames_001.npy")
MOMENTS = ("read_manifest", "check_hashes", "_read_table", "_open_stream", "_labels")
FITS = {
    "fewer rows": {"values": np.zeros((3, 1))},
    "more columns": {"values": np.zeros((10, 2))},
    "NaN": {"values": np.full((10, 1), np.nan)},
    "text": {"values": np.zeros((10, 1)).astype(str)},
    "complex numbers": {"values": np.zeros((10, 1), complex)},
    "lengths": {"lengths": np.ones(10, int)},
    "other seconds": {"seconds": np.zeros(5)},
    "objects": {"values": np.array([[Bomb()]] * 10, dtype=object)},
}


def prepare(folder):
    """Write a store."""
    import avfusion as av

    X = av.as_sequences({"audio": [FRAMES, FRAMES[:3]]}, rate_hz=25).assign(subject=["a", "b"])
    y = av.as_sequences({"mood": [LABELS, LABELS[:3]]}, dtype=np.float64)["mood"]
    av.write_store(folder / "store", X, y)


def cases(folder, rng):
    about = json.loads((folder / "store" / "manifest.json").read_text())
    about.pop("sha256")
    for place in _places(about):
        for value in ODD:
            name = f"{'.'.join(map(str, place))} is {str(value)[:20]!a} ({type(value).__name__})"
            yield Case(f"manifest, {name}", partial(attempt, folder, partial(_changed, place, value)))
        yield Case(
            f"manifest without {'.'.join(map(str, place))}",
            partial(attempt, folder, partial(_without, place)),
        )
    texts = {
        "nothing": "",
        "a list": "[]",
        "a number": "5",
        "deep": "[" * 10**6,
        "no JSON": "{",
        "binary": bytes(range(256)),
    }
    for name, text in texts.items():
        yield Case(f"manifest that is {name}", partial(attempt, folder, partial(_write, FILES[0], text)))
    for name in FILES:
        content = (folder / "store" / name).read_bytes()
        for number in range(15):
            changed = mutated(content, [content], rng)
            same = changed == content
            yield Case(
                f"{name}, mutated {number}",
                partial(attempt, folder, partial(_write, name, changed), not same),
            )
        for cut in (0, 1, len(content) // 2, len(content) - 1):
            yield Case(
                f"{name}, cut after {cut}",
                partial(attempt, folder, partial(_write, name, content[:cut]), True),
            )
        for kind, make in KINDS.items():
            yield Case(f"{name} is {kind}", partial(attempt, folder, partial(_replaced, name, make), True))
    for moment in MOMENTS:
        yield Case(f"a store that is replaced before {moment}", partial(replaced, moment))
    for name, arrays in FITS.items():
        yield Case(f"a kept fit with {name}", partial(kept, arrays))


def replaced(moment):
    """Open a store in whose place another is put meanwhile."""
    import avfusion as av
    from avfusion.store import _read

    def write(value):
        column = av.SequenceArray.from_sequences([np.full((5, 1), value)] * 2)
        X, y = pd.DataFrame({"a": column, "k": value}), pd.DataFrame({"y": column})
        av.write_store("s", X, y, overwrite=True)

    def replaced_first(*arguments):
        if values:
            write(values.pop())
        return real(*arguments)

    write(0.0)
    values, real = [1.0], getattr(_read, moment)
    setattr(_read, moment, replaced_first)
    X, y = av.read_store("s")
    found = {X["k"][0], X["a"].array[0].frames[0, 0], y["y"].array[1].frames[4, 0]}
    return None if found == {1.0} else "silent wrong: a part of one store, and a part of another"


def kept(arrays):
    """Compare with finished fits of which one holds something else: it is fitted again."""
    import avfusion as av

    def scores():
        models, options = {"ridge": Ridge()}, {"cv": 2, "scoring": "mae", "verbose": False}
        return av.compare(models, X, X[:, 0], resume="fits", **options).table["mae"]

    X = np.random.default_rng(0).normal(size=(20, 2))
    before, path = scores(), next(Path("fits").iterdir())
    with np.load(path) as file:
        np.savez(path, **(dict(file) | arrays))
    return None if scores().equals(before) else "silent wrong: other scores"


def attempt(folder, change, refused=False):
    """Copy the store, change it, describe and open it, and read all of it."""
    import avfusion as av

    shutil.copytree(folder / "store", "s")
    change(Path("s"))
    cli("describe", "s")
    X, _ = av.read_store("s")
    for column in X.columns:
        list(X[column])
    if refused:
        return "silent wrong: a store that was changed is opened"
    return None


def _places(about, place=()):
    """Yield where values are in a manifest."""
    entries = about.items() if isinstance(about, dict) else enumerate(about)
    for key, value in entries:
        yield (*place, key)
        if isinstance(value, (dict, list)):
            yield from _places(value, (*place, key))


def _edited(store, edit):
    """Change a manifest and give it the hash that it should have."""
    from avfusion.store._manifest import render

    about = json.loads((store / FILES[0]).read_text())
    about.pop("sha256")
    edit(about)
    (store / FILES[0]).write_text(render(about))


def _changed(place, value, store):
    def edit(about):
        for key in place[:-1]:
            about = about[key]
        about[place[-1]] = value

    _edited(store, edit)


def _without(place, store):
    def edit(about):
        for key in place[:-1]:
            about = about[key]
        del about[place[-1]]

    _edited(store, edit)


def _write(name, content, store):
    (store / name).write_bytes(content.encode() if isinstance(content, str) else content)


def _replaced(name, make, store):
    (store / name).unlink()
    make(store / name)


KINDS = {
    "gone": lambda path: None,
    "a folder": os.mkdir,
    "a fifo": os.mkfifo,
    "a link to /dev/zero": lambda path: os.symlink("/dev/zero", path),
    "a link to itself": lambda path: os.symlink(path.name, path),
    "a link to another file": lambda path: os.symlink("/etc/hostname", path),
    "10 TB": lambda path: (path.touch(), os.truncate(path, 10**13)),
    "a bomb": lambda path: np.save(path.open("wb"), np.array([Bomb()], dtype=object), allow_pickle=True),
}
