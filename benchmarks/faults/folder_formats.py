"""Files of other formats that a folder may hold: HDF5, archives, pickles, streams of NOVA, ARFF."""

import io
import pickle
import zipfile

import h5py
import numpy as np

from benchmarks.faults.folder_files import FRAMES, good, npy

_CALL = b"\x80\x04\x8c%c%s\x8c%c%s\x93\x8c\x17touch $AVFUSION_CANARY\x85R."
_STREAM = (
    '<stream ssi-v="2"><info ftype="ASCII" sr="25" dim="2" byte="4" type="FLOAT" delim="{}"/>{}</stream>'
)


def formats():
    """Yield names, files and checks."""
    for suffix, found in {".h5": hdf5(), ".npz": archives(), ".pkl": pickles(), ".arff": arff()}.items():
        for name, content in found.items():
            yield f"{suffix}, {name}", _without_a() | {f"audio/a{suffix}": content}, None
    for name, (header, numbers) in streams().items():
        files = {"audio/a.stream": header, "audio/a.stream~": numbers}
        yield f".stream, {name}", _without_a() | files, "refused" if "underscores" in name else None
    two = pickle.dumps(FRAMES) + pickle.dumps(FRAMES * 2)
    yield "two pickles in one file", _without_a() | {"audio/a.pkl": two}, "refused"


def _without_a():
    return {name: content for name, content in good().items() if name != _OF_A}


_OF_A = "audio/a.npy"


def hdf5():
    """Return files of HDF5 that lead elsewhere, grow, or hold odd things."""

    def virtual(file):
        layout = h5py.VirtualLayout(shape=(5, 2), dtype="f8")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(5, 2))
        file.create_virtual_dataset("features", layout)

    def sized(**options):
        return lambda file: file.create_dataset("features", **options)

    def attribute(value):
        return lambda file: (file.__setitem__("features", FRAMES), file.attrs.__setitem__("fps", value))

    makers = {
        "a link to another file": lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/x")),
        "a soft link": lambda file: file.__setitem__("x", h5py.SoftLink("/x")),
        "numbers of another file": sized(shape=(5, 2), dtype="f8", external=[("/etc/passwd", 0, 80)]),
        "a virtual data set": virtual,
        "numbers that were never written": sized(shape=(10**12, 2), chunks=(1000, 2), dtype="f4"),
        "a chunk that grows": sized(data=np.zeros((10**7, 2), "f4"), chunks=(10**6, 2), compression="gzip"),
        "opaque values": sized(data=np.zeros((5, 2), "V8")),
        "complex numbers": sized(data=FRAMES.astype(complex)),
        "records": sized(data=np.zeros(5, [("a", "f8"), ("b", "f8")])),
        "a name with ..": lambda file: file.__setitem__("../../x", FRAMES),
        "a name that a terminal obeys": lambda file: file.__setitem__("\x1b[2J", FRAMES),
        "groups in groups": lambda file: file.create_group("/".join(["g"] * 3000)),
        "many groups": lambda file: [file.create_group(f"g{k}") for k in range(2000)],
    }
    makers |= {f"fps={value!a}": attribute(value) for value in (np.nan, -3.0, "\x1b[2J", np.ones(8000))}
    found = {}
    for name, make in makers.items():
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            make(file)
        found[name] = buffer.getvalue()
    return found


def archives():
    """Return archives of NumPy."""
    three = npy(np.ones((3, 5, 2)))
    header = "{'descr':'<f8','fortran_order':False,'shape':(10000000000000,2)}".ljust(117) + "\n"
    members = {
        "a bomb": {"features": npy(np.zeros((5 * 10**6, 2)))},
        "a header that promises 10 TB": {"features": b"\x93NUMPY\x01\x00v\x00" + header.encode()},
        "a header of 2 GB": {"features": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b" " * 1000},
        "a deep header": {"features": b"\x93NUMPY\x02\x00\x40\x9c\x00\x00" + b"(" * 40_000},
        "objects": {"features": npy(np.array([{}], dtype=object), allow_pickle=True)},
        "a name with ..": {"../features": npy(FRAMES)},
        "a name from /": {"/etc/x": npy(FRAMES)},
        "a rate of NaN": {"features": npy(FRAMES), "rate": npy(np.float64(np.nan))},
        "rates in a table": {"features": npy(FRAMES), "rate": npy(np.ones((3, 3)))},
        "many members": {f"f{k}": npy(np.ones((3, 2))) for k in range(2000)},
    }
    for lengths in ([-1, 5, 5], [2**62, 5, 5], [2.5, 5, 5]):
        ids = npy(np.array(["a", "b", "c"]))
        members[f"lengths {lengths}"] = {"features": three, "lengths": npy(np.array(lengths)), "ids": ids}
    return {name: _zipped(own) for name, own in members.items()}


def _zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def pickles():
    """Return pickles that call, grow, or are cut."""
    calls = {
        f"{module}.{name}": _CALL % (len(module), module.encode(), len(name), name.encode())
        for module, name in [
            *(("posix", "system"), ("os", "system"), ("builtins", "eval"), ("builtins", "getattr")),
            *(("numpy", "load"), ("numpy", "memmap"), ("builtins", "dict.fromkeys"), ("joblib", "load")),
        ]
    }
    return calls | {
        "an old call": b"(S'touch $AVFUSION_CANARY'\nios\nsystem\n.",
        "tuples of tuples": b"\x80\x04)\x94"
        + b"".join(b"h%ch%c\x86\x94" % (k, k) for k in range(100))
        + b".",
        "lists of lists": b"\x80\x04]\x94" + b"".join(b"(h%ch%cl\x94" % (k, k) for k in range(60)) + b".",
        "a long of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f.",
        "a number of 3 MB": b"I" + b"9" * 3_000_000 + b"\n.",
        "a frame without end": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
        "a buffer elsewhere": b"\x80\x05\x97.",
        "a masked array": pickle.dumps(np.ma.MaskedArray(FRAMES, FRAMES > 0)),
        "times": pickle.dumps(np.zeros((5, 2), "M8[s]")),
    }


def streams():
    """Return headers and numbers of streams of NOVA."""
    numbers = b"1 2\n" * 5
    entities = '<!DOCTYPE a [<!ENTITY x "' + "y" * 1000 + '"><!ENTITY z "' + "&x;" * 1000 + '">]>'
    plain = _STREAM.format(" ", "")
    found = {
        "entities in UTF-16": (entities + _STREAM.format(" ", "&z;")).encode("utf-16-le"),
        "a chunk of 1e300 steps": _STREAM.format(" ", "<chunk from='0' num='1e300'/>"),
        "many chunks": _STREAM.format(" ", "<chunk from='0' num='0'/>" * 20_000),
        "a chunk far away": _STREAM.format(" ", "<chunk from='0' num='1'/><chunk from='1e15' num='1'/>"),
        "no delimiter": _STREAM.format("", ""),
        "deep": "<a>" * 100_000,
    }
    found |= {
        f"encoding {name}": f'<?xml version="1.0" encoding="{name}"?>{plain}'
        for name in ("utf-7", "cp037", "idna", "punycode", "zlib")
    }
    return {name: (header, numbers) for name, header in found.items()} | {
        "numbers with underscores": (plain, b"1_0 2\n" * 5),
        "words": (plain, b"a b\n" * 5),
    }


def arff():
    """Return headers of ARFF."""
    return {
        "spaces": "@relation x\n@attribute" + " " * 300_000 + "\n@data\n1\n",
        "quotes": "@relation x\n@attribute '" + "\\'" * 200_000 + "\n@data\n1\n",
        "sparse": "@relation x\n@attribute a numeric\n@data\n{1000000000000 1}\n",
        "words without end": "@relation x\n@attribute a {" + "a," * 300_000 + "b}\n@data\n1\n",
    }
