"""Folders: .npy, .csv, labels, metadata, rates, names, special files."""

import io
import json
import os
import pickle
import socket
import struct
import warnings
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.faults.child import Bomb
from benchmarks.faults.folder_tables import tables
from benchmarks.faults.harness import Case, cli
from tests.formats.fuzz import mutated

FRAMES = np.arange(10.0).reshape(5, 2) / 4
LABELS = np.array([0.5, -0.25, 0.125, 1.0, 0.75])


def cases(folder, rng):
    yield from (Case(f"npy: {name}", partial(attempt, files, check)) for name, files, check in arrays(rng))
    yield from (Case(f"csv: {name}", partial(attempt, files, check)) for name, files, check in tables())
    yield from (Case(f"rates: {name}", partial(attempt, files, check)) for name, files, check in rates())
    yield from (Case(f"names: {name}", partial(attempt, files, check)) for name, files, check in names())
    yield from (Case(f"special: {name}", partial(special, make)) for name, make in SPECIAL.items())


def attempt(files, check=None):
    """Write a folder, describe it by the command line, read it, and check the numbers.

    ``check`` takes X and y, or "refused", or is None where any end without harm will do.
    """
    import avfusion as av

    write("d", files)
    cli("describe", "d")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, y = av.load_folder("d")
    if check == "refused":
        return "it is read"
    return None if check is None else check(X, y)


def write(folder, files):
    """Write files, given as bytes, text, or an array, by their path below the folder."""
    for name, content in files.items():
        path = Path(os.fsdecode(os.path.join(os.fsencode(folder), os.fsencode(name))))
        path.parent.mkdir(parents=True, exist_ok=True)
        content = npy(content) if isinstance(content, np.ndarray) else content
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def npy(array, **options):
    """Return the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def good(**changed):
    """Return a folder of two recordings with some of its files changed; None leaves one out."""
    files = {"audio/a.npy": FRAMES, "audio/b.npy": FRAMES + 1}
    files |= {f"labels/{name}.csv": "".join(f"{label}\n" for label in LABELS) for name in "ab"}
    files |= {name.replace("__", "/"): content for name, content in changed.items()}
    return {name: content for name, content in files.items() if content is not None}


def with_audio(content):
    return good() | {"audio/a.npy": content}


def header(text, body=FRAMES.tobytes(), version=(1, 0), length=None):
    """Return the bytes of a .npy file with a header of one's own."""
    text = text.encode("utf-8") if isinstance(text, str) else text
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes(version) + size + text + body


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


def rates():
    """Yield names, files and checks of rates.toml."""
    values = [
        "25",
        "29.97",
        "1e-320",
        "1e-300",
        "1e-3",
        "1e300",
        "1e320",
        "inf",
        "-inf",
        "nan",
        "0",
        "-0.0",
        "-25",
    ]
    values += [
        str(10**400),
        "true",
        "'25'",
        "[25]",
        "{hz = 25}",
        "2020-01-01",
        "0x19",
        "0b1",
        "1_000",
        "1__0",
        "",
    ]
    values += ["25 # Hz", "25\naudio = 50", "25\nvideo = 1", "25\nlabels = 1e-320", "[" * 5000 + "]" * 5000]
    for value in values:
        check = {"25": 25.0, "29.97": 29.97, "0x19": 25.0, "1_000": 1000.0, "25 # Hz": 25.0}.get(value)
        text = f"audio = {value}\n"
        yield f"audio = {value[:30]!a}", good() | {"rates.toml": text}, check and has_rate(check)
    texts = {
        "empty": b"",
        "zeros": b"\0" * 100,
        "binary": bytes(range(256)),
        "UTF-16": "audio = 25".encode("utf-16"),
        "a byte order mark": "audio = 25".encode("utf-8-sig"),
        "CR": b"audio = 25\rlabels = 25\r",
        "an escape code": b'"\x1b[31m" = 25\n',
        "an escape as TOML writes it": b'"\\u001b[31m" = 25\n',
        "10,000 names": "".join(f"m{number} = 25\n" for number in range(10_000)).encode(),
        "tables": b"[audio]\nrate_hz = 25\n",
        "no TOML": b"audio: 25\n",
        "a very long line": b"audio = 2" + b"5" * 10_000_000,
        "a very long fraction": b"audio = 2." + b"5" * 1_000_000,
        "dotted": b"audio.rate = 25\n",
    }
    for name, content in texts.items():
        yield name, good() | {"rates.toml": content}, None


def has_rate(rate_hz):
    def check(X, y):
        found = X.audio.dtype.rate_hz
        return None if found == rate_hz else f"silent wrong: {found} Hz in place of {rate_hz}"

    return check


WORDS = [
    "NA",
    "null",
    "None",
    "nan",
    "NaN",
    "N-A",
    "n.a",
    "#NA",
    "NULL",
    "inf",
    "-inf",
    "True",
    "false",
    "1",
    "01",
    "1.0",
]
WORDS += [
    "1e5",
    "0x10",
    "1_0",
    "2020-01-01",
    "-",
    "--",
    "?",
    "=1+1",
    "@x",
    "a b",
    "a,b",
    "a;b",
    "a'b",
    'a"b',
    "a#b",
    "a%b",
]
WORDS += [
    "é",
    "e\u0301",
    "日本",
    "🎬",
    "a\tb",
    "a\nb",
    "\x1b[31m",
    "\u202ea",
    "a\u200bb",
    "x" * 200,
    "x" * 251,
    "a.b.c",
]
WORDS += [
    "recording",
    "labels",
    "audio",
    "index",
    "a ",
    " a",
    "~",
    "$HOME",
    "%s",
    "{0}",
    "a\\b",
    "..a",
    "CON",
    "a\x7f",
]


def names():
    """Yield folders whose recordings have odd names; the labels must be those of the recording."""
    for word in WORDS:
        for kind in ("labels", "metadata"):
            files = {f"audio/{word}.npy": FRAMES, "audio/other.npy": FRAMES + 1}
            cell = '"' + word.replace('"', '""') + '"'
            files[f"{kind}.csv"] = f"recording,mood\n{cell},1.5\nother,2.5\n"
            yield f"{kind} of {word[:20]!a} ({len(word)})", files, partial(of_recording, word, kind)
    latin = {"audio/caf\udce9.npy": FRAMES, "audio/other.npy": FRAMES + 1}
    yield "not UTF-8", latin, None
    for word in ("labels.npy", "Labels", "metadata", "rates", "recordings", "label", "valence"):
        yield f"modality {word}", {f"{word}/a.npy": FRAMES, "audio/a.npy": FRAMES}, None
    for word in WORDS[::3]:
        if len(word.encode()) <= 255:
            yield (
                f"modality {word[:20]!a} ({len(word)})",
                {f"{word}/a.npy": FRAMES, "audio/a.npy": FRAMES},
                None,
            )


def of_recording(word, kind, X, y):
    """Check that a recording has the label, or metadata, of its name."""
    own = y if kind == "labels" else X
    if len(X) != 2:
        return None  # the file was passed over, which a warning says
    found = own.loc[word, "mood"]
    right = X.audio.loc[word].frames[0, 0] == 0.0 and float(found) == 1.5
    return None if right else f"silent wrong: {found!r} for {word!r}"


def _link(target, name="audio/a.npy"):
    def make():
        write("d", good())
        Path("d", name).unlink(missing_ok=True)
        os.symlink(target, Path("d", name))

    return make


def _made(make, name="audio/a.npy"):
    def run():
        write("d", good())
        Path("d", name).unlink(missing_ok=True)
        make(str(Path("d", name)))

    return run


def _bind(path):
    os.chdir(Path(path).parent)
    socket.socket(socket.AF_UNIX).bind(Path(path).name)
    os.chdir("../..")


def _sparse(path, n_bytes=10**13):
    Path(path).write_bytes(described(shape=f"({n_bytes // 16}, 2)"))
    os.truncate(path, n_bytes)


def _loop():
    write("d", good())
    os.symlink("..", "d/audio/up")
    os.symlink(".", "d/video")


SPECIAL = {
    "a folder within itself": _loop,
    "no folder": lambda: None,
    "an empty folder": lambda: os.mkdir("d"),
}
SPECIAL |= {
    "a file for a folder": lambda: Path("d").write_bytes(b""),
    "a fifo for a folder": lambda: os.mkfifo("d"),
}
SPECIAL |= {"a device for a folder": lambda: os.symlink("/dev/zero", "d")}
for _name in (
    "audio/a.npy",
    "audio/a.csv",
    "labels/a.csv",
    "labels.csv",
    "metadata.csv",
    "rates.toml",
    "recordings.csv",
):
    SPECIAL |= {
        f"{_name} is a fifo": _made(os.mkfifo, _name),
        f"{_name} is /dev/zero": _link("/dev/zero", _name),
        f"{_name} is /dev/tty": _link("/dev/tty", _name),
        f"{_name} is a loop": _link(Path(_name).name, _name),
        f"{_name} is a folder": _made(os.mkdir, _name),
        f"{_name} is a socket": _made(_bind, _name),
        f"{_name} is /proc/self/mem": _link("/proc/self/mem", _name),
    }
SPECIAL |= {
    "a sparse array of 10 TB": _made(_sparse),
    "a sparse table of 10 TB": _made(partial(os.truncate, length=10**13), "audio/a.csv"),
    "10,000 empty files": lambda: write("d", {f"audio/{number}.npy": b"" for number in range(10_000)}),
    "a folder that may not be read": _made(lambda path: os.chmod("d/audio", 0)),
}


def special(make):
    """Make a folder with something that is no plain file, and describe and read it."""
    import avfusion as av

    make()
    cli("describe", "d")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        av.load_folder("d")
