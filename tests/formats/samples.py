"""Small valid files of every format, which the fuzzing of formats mutates.

A new format adds a function here that returns the bytes of a file by the end of its name, with those of the
files that belong to it.
"""

import io
import pickle
import zipfile

import h5py
import numpy as np
import pandas as pd
import scipy.io

from tests.formats.table_samples import TABLES

SAMPLES = [*TABLES]
RNG = np.random.default_rng(0)
FRAMES = RNG.normal(size=(7, 3)).astype(np.float32)
OTHERS = RNG.normal(size=(5, 3))


def sample(function):
    """Register a function without parameters that returns a dict of str to bytes, the file itself first."""
    SAMPLES.append(function)
    return function


def _bytes_of(write, *arguments, **options):
    buffer = io.BytesIO()
    write(buffer, *arguments, **options)
    return buffer.getvalue()


@sample
def npy():
    return {".npy": _bytes_of(np.save, FRAMES)}


@sample
def npy_of_records():
    records = np.array([(0.5, 1), (1.0, 0)], dtype=[("loudness", "f4"), ("voiced", "i1")])
    return {".npy": _bytes_of(np.save, records)}


@sample
def npz():
    return {
        ".npz": _bytes_of(np.savez, features=FRAMES, feature_names=list("abc"), rate=25, timestamps=range(7))
    }


@sample
def npz_compressed():
    return {".npz": _bytes_of(np.savez_compressed, features=FRAMES, lengths=[4, 3], ids=["a", "b"])}


@sample
def csv():
    return {".csv": pd.DataFrame(FRAMES, columns=list("abc")).to_csv(index=False).encode()}


def _variables():
    cells = np.empty(2, dtype=object)
    cells[:] = [FRAMES, OTHERS]
    return {
        "features": FRAMES,
        "names": np.array(["F0", "NAQ", "QOQ"], dtype=object),
        "fs": 100.0,
        "about": {"speaker": "s1", "cells": cells},
    }


@sample
def mat():
    content = {name: value for name, value in _variables().items() if name != "about"}
    return {".mat": _bytes_of(scipy.io.savemat, content)}


@sample
def mat_compressed():
    return {".mat": _bytes_of(scipy.io.savemat, {"clips": _variables()["about"]}, do_compression=True)}


def _hdf5(fill, **options):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        fill(file)
    return buffer.getvalue()


@sample
def mat73():
    def fill(file):
        file["features"] = FRAMES.T
        file["features"].attrs["MATLAB_class"] = np.bytes_("single")
        words = [
            file.create_dataset(f"#refs#/{k}", data=np.array([[ord(c)] for c in name], "u2"))
            for k, name in enumerate(("F0", "NAQ", "QOQ"))
        ]
        for word in words:
            word.attrs["MATLAB_class"] = np.bytes_("char")
        file["names"] = np.array([[word.ref for word in words]], dtype=h5py.ref_dtype)
        file["names"].attrs["MATLAB_class"] = np.bytes_("cell")

    content = bytearray(_hdf5(fill, userblock_size=512))
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64"
    content[: len(head)] = head
    content[124:128] = b"\x00\x02IM"
    return {".mat": bytes(content)}


@sample
def hdf5():
    def fill(file):
        file.create_dataset("clip01", data=FRAMES, chunks=(4, 3), compression="gzip")
        file["clip02"] = OTHERS
        file.attrs["fps"] = 25.0

    return {".h5": _hdf5(fill)}


@sample
def csd():
    def fill(file):
        for name, frames in {"v[0]": FRAMES, "v[1]": OTHERS}.items():
            file[f"COVAREP/data/{name}/features"] = frames
            file[f"COVAREP/data/{name}/intervals"] = np.arange(2 * len(frames)).reshape(-1, 2) / 10
        file["COVAREP/metadata/root name"] = np.array([b"COVAREP"])

    return {".csd": _hdf5(fill, libver="latest")}


def mmsa():
    """Return a dict as MMSA keeps it."""
    return {
        "train": {
            "id": ["a$_$1", "b$_$2"],
            "raw_text": np.array(["good", "bad"]),
            "audio": RNG.normal(size=(2, 4, 3)),
            "vision": RNG.normal(size=(2, 5, 2)).astype(np.float32),
            "audio_lengths": [3, 4],
            "vision_lengths": [5, 1],
            "regression_labels": np.array([1.0, -0.5]),
            "annotations": ["Positive", "Negative"],
        }
    }


@sample
def pickle_of_mmsa():
    return {".pkl": pickle.dumps(mmsa())}


@sample
def old_pickle():
    return {
        ".p": pickle.dumps(
            {"clip01": FRAMES, "clip02": OTHERS, "info": {"n": [1.5, None, True], "s": {2}}}, 0
        )
    }


@sample
def new_pickle():
    return {".pickle": pickle.dumps({"features": [FRAMES, OTHERS], "ids": ("a", "b")}, 5)}


@sample
def nova():
    info = '<info ftype="BINARY" sr="25.0" dim="3" byte="4" type="FLOAT" delim=""/>'
    first = '<chunk from="1.0" to="1.16" byte="0" num="4"/>'
    second = '<chunk from="1.2" to="1.32" byte="48" num="3"/>'
    header = f'<?xml version="1.0" ?>\n<stream ssi-v="2">\n{info}\n{first}\n{second}\n</stream>\n'
    return {".stream": header.encode(), ".stream~": FRAMES.tobytes()}


@sample
def nova_of_text():
    header = (
        '<stream ssi-v="2"><info ftype="ASCII" sr="25" dim="3" byte="4" type="FLOAT" delim=";"/></stream>'
    )
    lines = "".join(";".join(map(str, row)) + "\n" for row in FRAMES)
    return {".stream": header.encode(), ".stream~": lines.encode()}


def zip_bomb(n_bytes):
    """Return an archive whose array declares and has so many zeros."""
    buffer, head = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (n_bytes,)})
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        file.write(head.getvalue())
        for _ in range(n_bytes // 2**20):
            file.write(bytes(2**20))
    return buffer.getvalue()
