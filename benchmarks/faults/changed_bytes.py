"""One byte of a good file changed, in files that have a checksum."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion import persistence
from avfusion._checksums import check_sums
from benchmarks.faults.harness import Case, cli

PER_FILE = 100  # bytes that are changed, one after the other


def prepare(folder):
    """Write a good file of each kind."""
    X, y = _data()
    X.assign(label=y).to_parquet(folder / "clips.parquet")
    model = av.FrameRegressor(Ridge()).fit(X, y)
    persistence.save(model, folder / "m.model")
    av.write_store(folder / "store", X, y)
    for name in ("p.parquet", "p.feather"):
        cli("predict", folder / "m.model", folder / "clips.parquet", "-o", folder / name)
    result = av.compare({"ridge": model}, X, y, groups="subject", cv=2, verbose=False)
    result.save(folder / "result")


def _data():
    rng = np.random.default_rng(0)
    X = av.as_sequences({"a": [rng.normal(size=(n, 2)) for n in (9, 7, 8, 6)]}, rate_hz=5)
    X = X.assign(subject=list("stst")).set_axis(list("uvwx"))
    return X, pd.Series(av.as_sequences({"y": [row.frames[:, 0] for row in X["a"]]})["y"], name="label")


def cases(folder, rng):
    kinds = {
        "p.parquet": _table,
        "p.feather": _table,
        "m.model": _model,
        "result/recipe.joblib": _result,
        "result/predictions.parquet": _result,
        "result/settings.json": _result,
    }
    kinds |= {f"store/{file.name}": _store for file in sorted((folder / "store").iterdir()) if file.is_file()}
    for name, read in kinds.items():
        size = (folder / name).stat().st_size
        for place in rng.choice(size, size=min(PER_FILE, size), replace=False):
            bit = int(rng.integers(8))
            run = partial(changed, folder, name, int(place), bit, read)
            yield Case(f"{name}, bit {bit} of byte {place}", run)


def changed(folder, name, place, bit, read):
    """Copy a file, or the folder that it is in, change a bit, and read it as users do."""
    top = Path(name).parts[0]
    copy = Path("copy") / top
    copy.parent.mkdir()
    (shutil.copytree if (folder / top).is_dir() else shutil.copy)(folder / top, copy)
    content = bytearray((Path("copy") / name).read_bytes())
    content[place] ^= 1 << bit
    (Path("copy") / name).write_bytes(content)
    good, found = read(folder / top), read(copy)
    return None if good == found else "other numbers, names or labels were read"


def _plain(frame):
    columns = []
    for label, column in frame.items():
        cells = [None if cell is pd.NA else cell for cell in column]
        cells = [cell.frames.tolist() if hasattr(cell, "frames") else cell for cell in cells]
        columns.append((str(label), str(column.dtype), cells))
    return repr((columns, frame.index.tolist(), list(frame.index.names)))


def _table(path):
    """Read a table of predictions as the commands do."""
    from avfusion.cli._recordings import _read_file

    X, y = _read_file(path, ("label",), {}, ())
    return _plain(X) + _plain(y.to_frame())


def _model(path):
    model = persistence.load(path)
    X, _ = _data()
    return _plain(model.predict(X).to_frame()) + json.dumps(persistence.read_header(path), sort_keys=True)


def _store(path):
    X, y = av.read_store(path, verify=True)
    return _plain(X) + _plain(y.to_frame() if isinstance(y, pd.Series) else y)


def _result(path):
    check_sums(path)
    return [file.read_bytes() for file in sorted(path.iterdir())]
