"""Arrays in files: damaged, of other headers, and of every kind of number."""

import json
import pickle
import struct
import zlib

import numpy as np

from benchmarks.faults.child import Bomb
from benchmarks.faults.folder_files import FRAMES, LABELS, good, npy, with_audio
from tests.formats.fuzz import mutated


def header(text, version=(1, 0), length=None):
    """Return the bytes of a .npy file with a header of one's own."""
    text = text.encode("utf-8") if isinstance(text, str) else text
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes(version) + size + text + FRAMES.tobytes()


def described(descr="'<f8'", order="False", shape="(5, 2)", **more):
    parts = {"descr": descr, "fortran_order": order, "shape": shape, **more}
    return header("{" + ", ".join(f"'{name}': {value}" for name, value in parts.items()) + ", }")


def equal(frames):
    """Return a check that the first recording has these frames, as float32."""
    frames = np.asarray(frames, dtype=np.float64).reshape(len(frames), -1)

    def check(X, y):
        found = X.audio.array[0].frames
        same = found.shape == frames.shape and np.array_equal(
            found, frames.astype(found.dtype), equal_nan=True
        )
        return None if same else f"silent wrong: {found[:3].tolist()} in place of {frames[:3].tolist()}"

    return check


def arrays(rng):
    """Yield names, files and checks of arrays."""
    whole = npy(FRAMES)
    for number in range(100):
        yield f"mutated {number}", with_audio(mutated(whole, [whole, npy(LABELS)], rng)), None
    for length in [*range(0, 12), 20, 60, 100, 127, 128, 129, 135, 136, len(whole) - 8, len(whole) - 1]:
        yield f"cut after {length} bytes", with_audio(whole[:length]), "refused"
    for kind in ("f2", "f4", "f8", ">f4", ">f8", "i1", "u1", ">i2", "u2", "i4", "u4", "i8", "u8", "?", "g"):
        values = (4 * FRAMES).astype(kind)
        yield (
            f"dtype {kind}",
            good() | dict.fromkeys(("audio/a.npy", "audio/b.npy"), npy(values)),
            equal(values),
        )
    yield "Fortran order", with_audio(np.asfortranarray(FRAMES)), equal(FRAMES)
    yield "version 2", with_audio(header(whole[10:128].strip(), version=(2, 0))), equal(FRAMES)
    yield "version 3", with_audio(header(whole[10:128].strip(), version=(3, 0))), equal(FRAMES)
    for name, values in odd_arrays().items():
        yield name, with_audio(values), None
    for name, content in odd_headers().items():
        yield name, with_audio(content), "refused"


def odd_arrays():
    """Return arrays that are none of numbers in steps and features, or at their limits."""
    return {
        "complex": FRAMES * 1j,
        "text": np.array(["1", "2"]),
        "bytes": np.array([b"1", b"2"]),
        "dates": np.array(["2020-01-01"] * 5, dtype="M8[s]"),
        "durations": np.arange(5).astype("m8[s]"),
        "fields": np.zeros(5, dtype=[("x", "f4"), ("y", "f8")]),
        "nested fields": np.zeros(5, dtype=[("x", [("y", "f8"), ("z", "f4", (2, 2))])]),
        "field of objects": npy(np.zeros(5, dtype=[("x", object)]), allow_pickle=True),
        "void": np.zeros(5, dtype="V8"),
        "void without size": np.zeros(5, dtype="V0"),
        "objects": npy(np.array([1.0, None], dtype=object), allow_pickle=True),
        "one number": np.array(3.0),
        "no steps": np.zeros((0, 2)),
        "no features": np.zeros((5, 0)),
        "no steps of very many features": np.zeros((0, 2**40)),
        "three dimensions": np.zeros((5, 2, 2)),
        "thirty-two dimensions": np.zeros((1,) * 32),
        "not one number": np.full((5, 2), np.nan),
        "infinite": np.full((5, 2), np.inf),
        "beyond float32": np.full((5, 2), 1e300),
        "below float32": np.full((5, 2), 5e-324),
        "one step": FRAMES[:1],
        "other width": FRAMES[:, :1],
        "very wide": np.zeros((1, 100_000)),
        "a pickle": pickle.dumps(Bomb()),
        "a bomb in an array": npy(np.array([Bomb()], dtype=object), allow_pickle=True),
        "two arrays": npy(FRAMES) + npy(FRAMES),
        "more bytes": npy(FRAMES) + b"abc",
        "compressed": zlib.compress(npy(FRAMES)),
        "text in place of an array": b"1,2\n3,4\n",
        "JSON": json.dumps(FRAMES.tolist()).encode(),
    }


def odd_headers():
    """Return files whose header claims or holds what it should not."""
    claims = {
        "10 TB": "(1250000000000, 1)",
        "2**63 steps": f"({2**63}, 2)",
        "2**64 steps": f"({2**64}, 2)",
        "a product beyond all integers": f"({2**40}, {2**40})",
        "a shape of 10**400": f"({10**400}, 2)",
        "a negative shape": "(-5, 2)",
        "two negative numbers": "(-5, -2)",
        "a shape of fractions": "(5.0, 2.0)",
        "a shape of text": "('5', '2')",
        "a shape of shapes": "((5, 2), )",
        "a list for a shape": "[5, 2]",
        "True steps": "(True, 10, False)",
        "no shape": "None",
        "one step more": "(6, 2)",
        "a thousand dimensions": "(" + "1, " * 1000 + ")",
    }
    kinds = [
        "'<f9'",
        "'O'",
        "'|O'",
        "''",
        "5",
        "None",
        "[('x', '<f8')] * 9",
        "'<V0'",
        "'|S0'",
        "'f8, f8, O'",
    ]
    kinds += [
        "[('', 'O')]",
        "[('x', '<f8'), ('x', '<f8')]",
        "__import__('os')",
        "('<f8', (2, 3))",
        "'\\u1234'",
    ]
    texts = {
        "a call": "__import__('os').system('touch $AVFUSION_CANARY')",
        "nothing": "",
        "no dict": "[1, 2]",
        "a dict without keys": "{}",
        "brackets without end": "(" * 20000,
        "a dict without end": "{'descr': '<f8', 'fortran_order': False, 'shape': (5, 2), ",
        "deep nesting": "{'descr': " + "[" * 3000 + "]" * 3000 + ", 'fortran_order': False, 'shape': (5, 2)}",
        "minus signs": "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "-" * 9000 + "5, 2)}",
        "a string without end": "{'descr': '<f8",
        "another closing bracket": str({"descr": "<f8", "fortran_order": False, "shape": (5, 2)}).replace(
            "}", " "
        ),
        "indented": "\n  \n {'descr': '<f8',\n   'x'",
        "no UTF-8": b"{'descr': '<f8', \xff\xfe",
        "zeros": b"\0" * 100,
        "a long header": "{'descr': '<f8', 'fortran_order': False, 'shape': (5, 2)" + " " * 30000 + "}",
    }
    found = {f"claims {name}": described(shape=shape) for name, shape in claims.items()}
    found |= {f"kind {number}": described(descr=kind) for number, kind in enumerate(kinds)}
    found |= {f"order {value}": described(order=value) for value in ("None", "2", "'False'", "[]")}
    found |= {f"header: {name}": header(text) for name, text in texts.items()}
    found |= {
        f"version {v}": b"\x93NUMPY" + bytes(v) + npy(FRAMES)[8:]
        for v in ((0, 0), (1, 9), (4, 0), (255, 255))
    }
    found["another key"] = described(other="1")
    found["a header of 4 GB"] = header("", version=(2, 0), length=2**32 - 1)
    return found
