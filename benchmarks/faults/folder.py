"""Folders: .npy, .csv, labels, metadata, rates, names, special files."""

import os
import socket
import warnings
from functools import partial
from pathlib import Path

from benchmarks.faults.folder_arrays import arrays, described
from benchmarks.faults.folder_files import FRAMES, good, write
from benchmarks.faults.folder_formats import formats
from benchmarks.faults.folder_tables import tables
from benchmarks.faults.harness import Case, cli


def cases(folder, rng):
    yield from (Case(f"npy: {name}", partial(attempt, files, check)) for name, files, check in arrays(rng))
    yield from (Case(f"csv: {name}", partial(attempt, files, check)) for name, files, check in tables())
    yield from (Case(f"rates: {name}", partial(attempt, files, check)) for name, files, check in rates())
    yield from (Case(f"names: {name}", partial(attempt, files, check)) for name, files, check in names())
    yield from (Case(f"of {name}", partial(attempt, files, check)) for name, files, check in formats())
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
