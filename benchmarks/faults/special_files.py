"""Pipes, sockets, devices, links, folders and sparse files where a plain file is expected."""

import os
import socket
from functools import partial

import numpy as np

from avfusion import persistence
from avfusion.cli._estimators import read_estimators
from avfusion.datasets import load_folder
from avfusion.formats._registry import all_suffixes
from benchmarks.faults.harness import Case, cli


def _socket(path):
    here = os.getcwd()
    os.chdir(os.path.dirname(path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.basename(path))
    os.chdir(here)


def _sparse(path):
    with open(path, "wb") as file:
        file.truncate(10 * 10**12)


def _link(target):
    return lambda path: os.symlink(target, path)


KINDS = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "folder": os.mkdir,
    "link to a pipe": lambda path: (os.mkfifo(f"{path}.p"), os.symlink(f"{path}.p", path)),
    "link to /dev/zero": _link("/dev/zero"),
    "link to /dev/stdin": _link("/dev/stdin"),
    "link to /dev/tty": _link("/dev/tty"),
    "link to /proc/self/mem": _link("/proc/self/mem"),
    "link to /proc/kcore": _link("/proc/kcore"),
    "link to /proc/kmsg": _link("/proc/kmsg"),
    "link to itself": lambda path: os.symlink(os.path.basename(path), path),
    "link to nothing": _link("gone"),
    "link to a folder": _link("/usr"),
    "10 TB without content": _sparse,
    "empty": lambda path: open(path, "wb").close(),
    "not readable": lambda path: (open(path, "wb").close(), os.chmod(path, 0)),
}
READERS = {  # name of the file and what reads it
    "model, describe": ("a.model", lambda path: cli("describe", path)),
    "model, load": ("a.model", persistence.load),
    "model, predict": ("a.model", lambda path: cli("predict", path, "recordings", "-o", "p.csv")),
    "estimators, YAML": ("a.yaml", read_estimators),
    "estimators, TOML": ("a.toml", read_estimators),
    "estimators, Python": ("a.py", read_estimators),
    "fit -e": ("a.yaml", lambda path: cli("fit", "recordings", "-e", path, "-o", "m.model")),
    "DATA, Parquet": ("a.parquet", lambda path: cli("describe", path)),
    "DATA, Feather": ("a.feather", lambda path: cli("describe", path)),
    "DATA, pickle": ("a.pkl", lambda path: cli("describe", path)),
    "labels.csv": ("recordings/labels.csv", lambda path: load_folder("recordings")),
    "metadata.csv": ("recordings/metadata.csv", lambda path: load_folder("recordings")),
    "recordings.csv": ("recordings/recordings.csv", lambda path: load_folder("recordings")),
    "rates.toml": ("recordings/rates.toml", lambda path: load_folder("recordings")),
    "labels of a recording": ("recordings/labels/b.npy", lambda path: load_folder("recordings")),
    "NOVA numbers": ("recordings/audio/c.stream~", lambda path: nova()),
}


def nova():
    """Read a stream of NOVA whose numbers are in another file."""
    header = (
        '<stream ssi-v="2"><info ftype="BINARY" sr="25" dim="2" byte="4" type="FLOAT" delim=";"/></stream>'
    )
    with open("recordings/audio/c.stream", "w") as file:
        file.write(header)
    for name in "ab":
        os.unlink(f"recordings/audio/{name}.npy")
    load_folder("recordings")


def attack(make, name, read):
    """Put something in the place of a file beside good recordings, and read it."""
    for folder in ("recordings/audio", "recordings/labels"):
        os.makedirs(folder)
    for recording in "ab":
        np.save(f"recordings/audio/{recording}.npy", np.ones((20, 2)) * np.arange(20)[:, None] % 7)
        if "labels" in name and "labels.csv" not in name:
            np.save(f"recordings/labels/{recording}.npy", np.arange(20.0) % 5)
    if not os.listdir("recordings/labels"):
        os.rmdir("recordings/labels")
    path = os.path.abspath(name)
    if os.path.lexists(path):
        os.unlink(path)
    make(path)
    read(path)


def store(make, member):
    """Put something in the place of a member of a store."""
    import avfusion

    X = avfusion.as_sequences({"audio": [np.ones((5, 2)), np.ones((4, 2))]})
    avfusion.write_store("s.store", X)
    path = os.path.abspath(f"s.store/{member}")
    os.unlink(path)
    make(path)
    cli("describe", "s.store")


def cases(folder, rng):
    """Yield every kind in every place."""
    places = dict(READERS)
    for suffix in all_suffixes():
        places[f"recording{suffix}"] = (f"recordings/audio/c{suffix}", lambda path: load_folder("recordings"))
    for kind, make in KINDS.items():
        for place, (name, read) in places.items():
            yield Case(f"{place}: {kind}", partial(attack, make, name, read))
        for member in ("manifest.json", "table.parquet", "frames_000.npy"):
            yield Case(f"store, {member}: {kind}", partial(store, make, member))
