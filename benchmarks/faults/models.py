"""Model files: describe and load.

Every archive holds a bomb in place of the model, so that what unpickles it is noticed: `describe` never
may, and `load` only where the header is that of a good file, as its documentation says.
"""

import io
import json
import resource
import struct
import warnings
import zipfile
from functools import partial

import joblib
import numpy as np

from avfusion import persistence
from benchmarks.faults.child import Bomb
from benchmarks.faults.harness import Case, cli

GOOD = {
    "format": 1,
    "estimator": "Ridge()",
    "versions": {"python": "3.11.0", "avfusion": "0.1.0"},
    "modalities": {"audio": {"width": 3, "rate_hz": 10.0}, "video": {"width": 2, "rate_hz": None}},
    "targets": {"names": ["mood"], "per_frame": True},
}
ODD = (None, True, 0, -1, 1.5, 10**400, "", "x", "\x1b[2J", "x" * 100_000, [], [1], {}, {"a": 1}, [[]])
MOST_BYTES = 200 << 20  # that reading may add to what the process has


def bomb():
    """Return the pickle of a bomb."""
    buffer = io.BytesIO()
    joblib.dump(Bomb(), buffer)
    return buffer.getvalue()


def archive(path, members, compression=zipfile.ZIP_STORED, comment=b""):
    """Write a zip archive of (name, content)."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", compression) as file:
        warnings.simplefilter("ignore")
        for name, content in members:
            file.writestr(name, content)
        file.comment = comment


def written(header, compression=zipfile.ZIP_STORED, **options):
    """Return what writes a model with a header, given as an object or as text."""
    text = header if isinstance(header, (str, bytes)) else json.dumps(header)
    members = [("avfusion.json", text), ("model.joblib", bomb())]
    return lambda path: archive(path, members, compression, **options)


def odd_headers():
    """Yield name and header: each value replaced by others, and left out."""
    paths = [(name,) for name in GOOD] + [
        *(("versions", "python"), ("modalities", "audio"), ("modalities", "audio", "width")),
        *(("modalities", "audio", "rate_hz"), ("targets", "names"), ("targets", "per_frame")),
    ]
    for path in paths:
        for number, value in enumerate((*ODD, "left out")):
            header = json.loads(json.dumps(GOOD))
            place = header
            for name in path[:-1]:
                place = place[name]
            place.pop(path[-1]) if value == "left out" else place.update({path[-1]: value})
            yield f"{'.'.join(path)} {number}", header


def odd_texts():
    """Yield name and text of what is no header."""
    good = json.dumps(GOOD)
    yield from {
        "empty": "",
        "list": "[]",
        "null": "null",
        "number": "3",
        "deep lists": "[" * 200_000,
        "deep mappings": '{"a":' * 200_000,
        "deep and closed": "[" * 100_000 + "]" * 100_000,
        "deep inside": good[:-1] + ', "x": ' + "[" * 50_000 + "]" * 50_000 + "}",
        "long number": good[:-1] + ', "x": ' + "1" * 100_000 + "}",
        "NaN": good.replace("10.0", "NaN"),
        "Infinity": good.replace("10.0", "Infinity"),
        "1e999": good.replace("10.0", "1e999"),
        "1e308": good.replace("10.0", "1e308"),
        "twice": good[:-1] + ', "format": 2}',
        "cut": good[:-5],
        "more": good + "{}",
        "spaces": good + " " * (1 << 21),
        "a million streams": '{"format": 1, "modalities": {' + '"a":1,' * 1_000_000 + '"b":1}}',
        "large and even": json.dumps(GOOD | {"note": "x" * 900_000}),
        "latin-1": good.replace("mood", "caf\xe9").encode("latin-1"),
        "utf-16": good.encode("utf-16"),
        "null bytes": good.replace("mood", "\0"),
        "surrogate": good.replace("mood", "\\ud800"),
        "newer": good.replace('"format": 1', '"format": 99'),
        "newer without versions": '{"format": 99}',
        "newer, odd versions": '{"format": 99, "versions": {"avfusion": ["\\u001b[2J"]}}',
        "newer than all": '{"format": ' + "9" * 4000 + "}",
    }.items()


def odd_members():
    """Yield name and members of archives that are no models."""
    header, model = ("avfusion.json", json.dumps(GOOD)), ("model.joblib", bomb())
    yield from {
        "no members": [],
        "header alone": [header],
        "model alone": [model],
        "other order": [model, header],
        "two headers": [header, header, model],
        "two models": [header, model, model],
        "one more": [header, model, ("../../evil.py", "x")],
        "absolute name": [header, ("/model.joblib", bomb())],
        "name with ..": [("../avfusion.json", header[1]), model],
        "folder": [("avfusion.json/", ""), model],
        "many": [header, model, *((f"{k}", "") for k in range(5_000))],
        "capital": [("AVFUSION.JSON", header[1]), model],
    }.items()


def compressed():
    """Yield name and writer of archives that grow, or are encrypted."""
    for name, kind, size in (("deflated", 8, 250 << 20), ("bzip2", 12, 4 << 20), ("lzma", 14, 4 << 20)):
        yield f"small header, {name}", written(GOOD, kind)
        yield f"bomb of a header, {name}", lambda path, kind=kind, size=size: inflated(path, kind, size)
    for name in ("zlib", "gzip", "bz2", "xz"):
        yield f"pickle that joblib would decompress, {name}", lambda path, name=name: decompressed(path, name)


def inflated(path, kind, size):
    """Write a header of many bytes, compressed."""
    written(json.dumps(GOOD)[:-1] + ', "x": "' + "a" * size + '"}', kind)(path)


def decompressed(path, compress):
    """Write a model whose pickle is compressed by joblib."""
    buffer = io.BytesIO()
    joblib.dump([Bomb(), bytes(1 << 20)], buffer, compress=(compress, 3))
    archive(path, [("avfusion.json", json.dumps(GOOD)), ("model.joblib", buffer.getvalue())])


def patches():
    """Yield name, signature of a record, which of them, place in it, and new bytes."""
    directory, end, local = b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04"
    for which in (0, 1):
        for place, new in [
            *((6, b"\xff\xff"), (8, b"\x01\x00"), (8, b"\x20\x08"), (10, b"\x63\x00"), (10, b"\x08\x00")),
            *((20, b"\xff" * 4), (24, b"\xff" * 4), (24, struct.pack("<L", 1 << 30)), (28, b"\xff\xff")),
            *((30, b"\xff\xff"), (42, b"\xff" * 4), (42, struct.pack("<L", 7)), (16, b"\0\0\0\0")),
        ]:
            yield f"directory {which}, byte {place}: {new.hex()}", directory, which, place, new
        for place, new in ((8, b"\x08"), (18, b"\xff" * 4), (26, b"\xff\xff"), (28, b"\x10"), (30, b"X")):
            yield f"member {which}, byte {place}: {new.hex()}", local, which, place, new
    for place, new in [
        *((4, b"\x01"), (6, b"\x01"), (8, b"\xff\xff"), (10, b"\xff\xff"), (12, b"\xff" * 4)),
        *((12, struct.pack("<L", 1 << 29)), (16, b"\xff" * 4), (16, b"\x01"), (20, b"\x05"), (0, b"XX")),
    ]:
        yield f"end, byte {place}: {new.hex()}", end, 0, place, new


def patched(path, signature, which, place, new):
    """Write a good archive and change bytes of one of its records."""
    written(GOOD)(path)
    content = bytearray(path.read_bytes())
    begin = -1
    for _ in range(which + 1):
        begin = content.index(signature, begin + 1)
    content[begin + place : begin + place + len(new)] = new
    path.write_bytes(content)


def damaged():
    """Yield name and writer of files that are cut, joined, or something else."""

    def changed(change):
        def write(path):
            written(GOOD)(path)
            path.write_bytes(change(path.read_bytes()))

        return write

    for name, change in {
        "half": lambda b: b[: len(b) // 2],
        "last byte gone": lambda b: b[:-1],
        "40 bytes": lambda b: b[:40],
        "4 bytes": lambda b: b[:4],
        "empty": lambda b: b"",
        "one byte behind": lambda b: b + b"\0",
        "a megabyte behind": lambda b: b + bytes(1 << 20),
        "a byte before": lambda b: b"\0" + b,
        "twice": lambda b: b + b,
        "end twice": lambda b: b + b[b.rindex(b"PK\x05\x06") :],
        "large end": lambda b: large_end(b, 1 << 40),
        "large end, good": lambda b: large_end(b, None),
        "pickle": lambda b: bomb(),
        "text": lambda b: b"hello",
        "zeros": lambda b: bytes(1 << 20),
    }.items():
        yield name, changed(change)
    yield "comment", written(GOOD, comment=b"hello")
    yield "comment with an end", written(GOOD, comment=b"PK\x05\x06" + bytes(18))


def large_end(content, size):
    """Put the records of an archive above 4 GB before the end, with a size of the directory."""
    place = content.rindex(b"PK\x05\x06")
    length, offset = struct.unpack("<2L", content[place + 12 : place + 20])
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, size or length, offset)
    return content[:place] + record + struct.pack("<4sLQL", b"PK\x06\x07", 0, place, 1) + content[place:]


def writers(rng):
    """Yield name and writer of every file."""
    yield from ((f"header {name}", written(header)) for name, header in odd_headers())
    yield from ((f"text {name}", written(text)) for name, text in odd_texts())
    for name, members in odd_members():
        yield f"members {name}", lambda path, members=members: archive(path, members)
    yield from compressed()
    for name, *where in patches():
        yield name, lambda path, where=where: patched(path, *where)
    yield from damaged()
    for number in range(30):
        yield f"changed bytes {number}", flipped(int(rng.integers(2**31)))


def flipped(seed):
    """Return what writes a good model with three bytes of its archive's records changed."""

    def write(path):
        written(GOOD)(path)
        content = bytearray(path.read_bytes())
        for step in range(3):
            place = (seed // 7**step) % len(content)
            content[place] ^= 1 + seed % 255
        path.write_bytes(content)

    return write


def is_good(path):
    """Return whether a file has the header of a good one, so that `load` may execute it."""
    try:
        persistence.read_header(path)
    except (ValueError, OSError):
        return False
    return True


def bounded(read):
    """Call something, and return a complaint if it takes much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read()
    finally:
        added = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if added > MOST_BYTES:
            raise MemoryError(f"{added >> 20} MB")  # which is not clear


def prepare(folder):
    """Write all files."""
    for number, (_, write) in enumerate(writers(np.random.default_rng(0))):
        write(folder / f"{number}.model")


def cases(folder, rng):
    """Yield each file with `describe` and with `load`."""
    for number, (name, _) in enumerate(writers(np.random.default_rng(0))):
        path = folder / f"{number}.model"
        yield Case(f"describe: {name}", partial(bounded, partial(cli, "describe", path)))
        yield Case(
            f"load: {name}",
            lambda path=path: bounded(lambda: persistence.load(path)),
            may_execute=is_good(path),
        )
