"""Mutate files, and see that reading them ends as it should.

``python -m tests.formats.fuzz SECONDS SEED FOLDER`` is a process of its own, so that a crash of a library
shows: the last file is left in the folder. It ends with the counts of what was read and refused, by format.
"""

import faulthandler
import io
import json
import os
import re
import resource
import struct
import sys
import time
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

from avfusion.formats._registry import DamagedFileError, read_parts
from tests.formats.samples import SAMPLES

LONGEST_S = 20
MOST_BYTES = 2**28
ODD = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)


def mutated(content, others, rng):
    """Return bytes with a few changes, most often with one."""
    content = bytearray(content)
    for _ in range(rng.geometric(0.6)):
        at = int(rng.integers(len(content) + 1))
        few = int(rng.integers(1, 17))
        match rng.integers(9):
            case 0 if at < len(content):
                content[at] ^= 1 << int(rng.integers(8))
            case 1 if at < len(content):
                content[at] = ODD[rng.integers(len(ODD))]
            case 2:
                content[at:at] = rng.bytes(few)
            case 3:
                del content[at : at + few]
            case 4:
                del content[at:]
            case 5:
                other = others[rng.integers(len(others))]
                begin = int(rng.integers(len(other)))
                content[at : at + few] = other[begin : begin + int(rng.integers(1, 200))]
            case 6:
                content[at:at] = content[at : at + 10 * few]
            case 7:
                size = int(rng.choice([2, 4, 8]))
                number = int(rng.choice([2**7, 2**15, 2**31, 2**63, 2**64])) - int(rng.integers(0, 2))
                content[at : at + size] = (number % 2 ** (8 * size)).to_bytes(size, "little")
            case _:
                content[at : at + few] = bytes([ODD[rng.integers(len(ODD))]]) * few
    return bytes(content)


def mutated_within(suffix, content, others, rng):
    """Return bytes whose compressed content changed, with checksums that are right."""
    buffer = io.BytesIO()
    if suffix == ".npz":
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
            chosen = rng.integers(len(old.namelist()))
            for k, name in enumerate(old.namelist()):
                new.writestr(name, mutated(old.read(name), others, rng) if k == chosen else old.read(name))
        return buffer.getvalue()
    kind, length = struct.unpack_from("<II", content, 128) if suffix == ".mat" else (0, 0)
    if kind != 15:
        return mutated(content, others, rng)
    element = zlib.compress(mutated(zlib.decompress(content[136 : 136 + length]), others, rng))
    return content[:128] + struct.pack("<II", 15, len(element)) + element


def read_once(path):
    """Return how reading a file ends; anything but parts and a short error is an AssertionError."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            parts = list(read_parts(path))
        except DamagedFileError as error:
            message = str(error).replace(str(path.parent), "")
            assert len(message) <= 400, message
            assert message.count("\n") < 3, message
            assert message.isprintable(), ascii(message)
            end = "refused"
        else:
            assert sum(np.asarray(part.values).nbytes for part in parts) < MOST_BYTES
            end = "read"
    assert len(caught) <= 5, [str(one.message) for one in caught]
    return end


def peak_bytes():
    """Return the most memory of this process; getrusage counts that of its parent at the start, too."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(seconds, seed, folder):
    """Mutate in turn the files of all formats until the time is over."""
    rng = np.random.default_rng(seed)
    files = [make() for make in SAMPLES]
    contents = [content for file in files for content in file.values()]
    counts, slowest, until = Counter(), (0, ""), time.monotonic() + seconds
    turn = 0
    while time.monotonic() < until:
        file = files[turn % len(files)]
        turn += 1
        chosen = list(file)[rng.integers(len(file))]
        suffix = next(iter(file)) if rng.random() < 0.97 else next(iter(files[rng.integers(len(files))]))
        for ending, content in file.items():
            mutate = mutated_within if rng.random() < 0.5 else lambda _, *rest: mutated(*rest)
            changed = mutate(ending, content, contents, rng) if ending == chosen else content
            ending = ending.replace(next(iter(file)), suffix, 1)
            (folder / f"a{ending}").write_bytes(changed)
        faulthandler.dump_traceback_later(LONGEST_S, exit=True)
        began = time.perf_counter()
        counts[suffix, read_once(folder / f"a{suffix}")] += 1
        slowest = max(slowest, (time.perf_counter() - began, suffix))
        for ending in file:
            (folder / f"a{ending.replace(next(iter(file)), suffix, 1)}").unlink()
        assert not list(folder.iterdir()), "a file was made"
    faulthandler.cancel_dump_traceback_later()
    by_format = {f"{suffix} {end}": number for (suffix, end), number in sorted(counts.items())}
    print(json.dumps({"n": turn, "peak": peak_bytes(), "slowest_s": slowest, "counts": by_format}))


if __name__ == "__main__":
    where = Path(sys.argv[3])
    os.chdir(where)
    main(float(sys.argv[1]), int(sys.argv[2]), where)
