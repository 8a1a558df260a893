"""Parquet, Feather, hostile Arrow buffers."""

import io
import json
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from avfusion._checksums import write_table
from benchmarks.faults.arrow_buffers import FRAMES, KNOWN, buffers, hostile
from benchmarks.faults.harness import Case, cli
from tests.formats.fuzz import mutated

NAME = b"avfusion.sequence"
LENGTHS = (3, 2)


def cases(folder, rng):
    for kind in ("parquet", "feather"):
        good = written(good_table(), kind)
        for number in range(60):
            yield _case(f"{kind}, mutated {number}", f"a.{kind}", mutated(good, [good], rng))
        for cut in [0, 1, 4, 8, *range(100, len(good), len(good) // 12), len(good) - 4, len(good) - 1]:
            yield _case(f"{kind}, cut after {cut} bytes", f"a.{kind}", good[:cut])
        for name, table in {**storages(), **metadata()}.items():
            both = not ("null" in name or "no rows" in name)
            yield _case(f"{kind}, ours with {name}", f"a.{kind}", partial(written, table, kind), both=both)
        for name, column in plain().items():
            table = partial(_beside, column)
            yield _case(f"{kind}, features that are {name}", f"a.{kind}", partial(_written, table, kind))
            yield _case(
                f"{kind}, labels that are {name}", f"a.{kind}", partial(_written, table, kind), "other"
            )
            yield _case(f"{kind} of {name} in a folder", f"d/audio/a.{kind}", partial(_written, table, kind))
        for name, schema in pandas_metadata().items():
            yield _case(f"{kind}, pandas with {name}", f"a.{kind}", partial(_with_pandas, schema, kind))
        for name, content in other_files().items():
            yield _case(f"{kind} that is {name}", f"a.{kind}", content)
        yield Case(f"{kind}, sound", partial(sound, kind))
        yield Case(f"{kind}, ours that Arrow changed", partial(changed_by_arrow, kind))
    for name, column in large().items():
        yield _case(f"parquet, {name}", "a.parquet", partial(_packed, column))
    for name, array in buffers():
        yield _case(f"buffers: {name}", "a.feather", partial(hostile, array))


def _case(name, path, content, target="label", both=False):
    return Case(name, partial(attempt, path, content, target, both))


def attempt(path, content, target, both):
    """Write a file and describe it; ``both``: read it with pandas, too, which calls this package."""
    try:
        content = content if isinstance(content, bytes) else content()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None  # no such file can be written
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if path.parent.name == "audio":
        cli("describe", "d")
        return None
    cli("describe", path, "--target", target)
    if both:
        read = pd.read_parquet if path.suffix == ".parquet" else pd.read_feather
        return _same_or_why(read(path))
    return None


def _same_or_why(table):
    column = table["audio"].array
    found = np.concatenate([column[row].frames for row in range(len(column)) if column[row] is not pd.NA])
    right = np.array_equal(found, FRAMES.astype(found.dtype), equal_nan=True)
    return None if right else f"silent wrong: {found.tolist()} in place of {FRAMES.tolist()}"


def sound(kind):
    """Read a file as this package writes it."""
    Path(f"a.{kind}").write_bytes(written(good_table(), kind))
    described = cli("describe", f"a.{kind}", "--target", "label")
    if "audio" not in described:
        return f"silent wrong: {described}"
    return _same_or_why((pd.read_parquet if kind == "parquet" else pd.read_feather)(f"a.{kind}"))


def changed_by_arrow(kind):
    """Read what Arrow made of a table of ours, with its metadata."""
    write_table(good_table().to_pandas(), Path("ours.parquet"), ".parquet")
    table = pa.parquet.read_table("ours.parquet")
    Path(f"a.{kind}").write_bytes(written(table.append_column("more", table["label"]), kind))
    try:
        cli("describe", f"a.{kind}", "--target", "label")
    except ValueError as error:
        return f"silent wrong: a good file is refused: {error}"
    return None


def large():
    """Return columns that take far more memory than a file of them."""
    many = np.zeros(150_000_000, "i1")
    return {
        "zeros": pa.array(many),
        "lists of zeros": pa.array([[0.0] * 5_000_000]).take(pa.array(np.zeros(12, "i8"))),
        "nulls": pa.nulls(150_000_000),
    }


def _packed(column):
    buffer = io.BytesIO()
    pa.parquet.write_table(pa.table({"label": column}), buffer, compression="zstd")
    return buffer.getvalue()


def good_table():
    import avfusion as av

    frames = [FRAMES[:3], FRAMES[3:]]
    X = av.as_sequences({"audio": frames}, rate_hz=25).assign(label=[1.0, 2.0])
    return pa.Table.from_pandas(X)


def written(table, kind):
    """Return the bytes of a table in a file."""
    buffer = io.BytesIO()
    if kind == "parquet":
        pa.parquet.write_table(table, buffer)
    else:
        pa.feather.write_feather(table, buffer, compression="uncompressed")
    return buffer.getvalue()


def _written(make, kind):
    return written(make(), kind)


def _beside(column):
    """Return a table of a column and one of sequences."""
    audio = pa.array([row.tolist() for row in (FRAMES[:3], FRAMES[3:])], lists())
    return pa.table({"label": column, "audio": audio, "other": column})


def lists(number=None, width=2, outer=pa.large_list):
    return outer(pa.list_(pa.float32() if number is None else number, width))


def extension(storage, known=KNOWN):
    """Return a table with a column that says it is of our type, whatever it holds."""
    known = known if isinstance(known, bytes) else json.dumps(known).encode()
    about = {b"ARROW:extension:name": NAME, b"ARROW:extension:metadata": known}
    schema = pa.schema([pa.field("audio", storage.type, metadata=about), pa.field("label", pa.float64())])
    return pa.Table.from_arrays([storage, pa.array([1.0] * len(storage))], schema=schema)


def struct(frames=None, rate=None, start=None, times=None, **more):
    """Return the storage of our type with fields changed; "none" leaves one out."""
    rows = [FRAMES[:3].tolist(), FRAMES[3:].tolist()]
    fields = {
        "frames": pa.array(rows, lists()) if frames is None else frames,
        "rate_hz": pa.array([25.0, 25.0]) if rate is None else rate,
        "start_s": pa.array([None, None], pa.float64()) if start is None else start,
        "times_s": pa.nulls(2, lists(pa.float64())) if times is None else times,
        **more,
    }
    fields = {name: value for name, value in fields.items() if not isinstance(value, str)}
    return pa.StructArray.from_arrays(list(fields.values()), list(fields))


def storages():
    """Return tables whose column of our type is stored otherwise."""
    rows = [FRAMES[:3].tolist(), FRAMES[3:].tolist()]
    times = pa.array([[[k, k + 1.0] for k in range(n)] for n in LENGTHS], lists(pa.float64()))
    frames = {
        "lists of 32 bits": pa.array(rows, lists(outer=pa.list_)),
        "lists without width": pa.array(rows, pa.list_(pa.list_(pa.float32()))),
        "float16": pa.array(
            [[[np.float16(a) for a in step] for step in row] for row in rows], lists(pa.float16())
        ),
        "float64": pa.array(rows, lists(pa.float64())),
        "integers": pa.array([[[1, 2]], [[3, 4]]], lists(pa.int64())),
        "words": pa.array([[["a", "b"]], [["c", "d"]]], lists(pa.string())),
        "booleans": pa.array([[[True, False]]] * 2, lists(pa.bool_())),
        "list views": pa.array(rows, pa.list_view(pa.list_(pa.float32(), 2))),
        "fixed lists": pa.array([row[:2] for row in rows], pa.list_(pa.list_(pa.float32(), 2), 2)),
        "numbers": pa.array([1.0, 2.0]),
        "one dimension": pa.array([[1.0], [2.0]], pa.large_list(pa.float32())),
        "three dimensions": pa.array([[[[1.0]]]] * 2, pa.large_list(pa.list_(pa.list_(pa.float32(), 1), 1))),
        "width 0": pa.array([[[]], [[]]], lists(width=0)),
        "null": pa.nulls(2),
        "null rows": pa.array([None, rows[1]], lists()),
        "null steps": pa.array([[None, [1.0, 2.0]], rows[1]], lists()),
        "null numbers": pa.array([[[None, 2.0]], rows[1]], lists()),
        "dictionaries": pa.array(["a", "b"]).dictionary_encode(),
        "structs": pa.array([{"x": 1.0}] * 2),
    }
    found = {f"frames: {name}": struct(frames=value) for name, value in frames.items()}
    numbers = {
        "words": pa.array(["25", "x"]),
        "integers": pa.array([25, 25]),
        "half missing": pa.array([25.0, None]),
        "negative": pa.array([-25.0, 25.0]),
        "zero": pa.array([0.0, 25.0]),
        "infinite": pa.array([np.inf, 25.0]),
        "tiny": pa.array([1e-320, 25.0]),
        "lists": pa.array([[25.0], [25.0]]),
        "null": pa.nulls(2),
        "dates": pa.array([0, 1], pa.timestamp("s")),
        "decimals": pa.array([25, 25], pa.decimal128(5, 2)),
        "nothing": "none",
    }
    for field, (name, value) in product(("rate", "start"), numbers.items()):
        found[f"{field}: {name}"] = struct(**{field: value})
    for name, value in {
        **numbers,
        "one row": pa.array([times[0].as_py(), None], lists(pa.float64())),
    }.items():
        found[f"times: {name}"] = struct(times=value)
    found["times: sound"] = struct(times=times, rate=pa.array([None, None], pa.float64()))
    found["times: and a rate"] = struct(times=times)
    found["times: too few"] = struct(times=pa.array([[[0.0, 1.0]]] * 2, lists(pa.float64())))
    found["times: backwards"] = struct(
        times=pa.array([[[9.0, 1.0]] * n for n in LENGTHS], lists(pa.float64()))
    )
    found["times: NaN"] = struct(times=pa.array([[[np.nan, 1.0]] * n for n in LENGTHS], lists(pa.float64())))
    found["no frames"] = struct(frames="none")
    found["another field"] = struct(other=pa.array([1, 2]))
    found["no struct but lists"] = pa.array(rows, lists())
    found["no struct but numbers"] = pa.array([1.0, 2.0])
    found["no struct but words"] = pa.array(["a", "b"])
    found["no struct but bytes"] = pa.array([b"a", b"b"])
    found["no struct but null"] = pa.nulls(2)
    found["an empty struct"] = pa.array([{}, {}], pa.struct([]))
    found["null rows"] = pa.StructArray.from_arrays(
        struct().flatten(), fields=list(struct().type), mask=pa.array([True, False])
    )
    found["no rows"] = struct()[:0]
    return {f"storage: {name}": extension(value) for name, value in found.items()}


def metadata():
    """Return tables whose column of our type says odd things of itself."""
    known = {
        "nothing": b"",
        "no JSON": b"{",
        "a number": b"5",
        "a list": b"[]",
        "null": b"null",
        "no UTF-8": b"\xff\xfe",
        "a pickle": b"cos\nsystem\n(S'touch $AVFUSION_CANARY'\ntR.",
        "deep nesting": b"[" * 100_000 + b"]" * 100_000,
        "no rate": json.dumps({"features": None}).encode(),
        "no features": json.dumps({"rate_hz": 25.0}).encode(),
        "more": KNOWN | {"other": 1},
        "a huge integer": b'{"rate_hz": 1' + b"0" * 400 + b', "features": null}',
    }
    rates = ["25", "x", -25.0, 0, 1e-320, True, [25], {}, float("nan"), float("inf")]
    known |= {f"rate {rate!r}": KNOWN | {"rate_hz": rate} for rate in rates}
    features = [
        "ab",
        ["a"],
        ["a", "b", "c"],
        ["a", "a"],
        [1, 2],
        [None, "b"],
        {},
        {"a": 1, "b": 2},
        5,
        True,
        ["\x1b[31m", "b"],
    ]
    known |= {f"features {names!a}": KNOWN | {"features": names} for names in features}
    return {f"metadata: {name}": extension(struct(), value) for name, value in known.items()}


def plain():
    """Return columns that are no sequences, or perhaps some."""
    numbers = pa.array([1.0, 2.0])
    return {
        "float": numbers,
        "float16": pa.array(np.array([1.0, 2.0], "f2")),
        "huge": pa.array([1e300, -1e300]),
        "infinite": pa.array([np.inf, 1.0]),
        "missing": pa.array([None, None], pa.float64()),
        "integers": pa.array([2**63 - 1, -(2**63)]),
        "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
        "booleans": pa.array([True, None]),
        "words": pa.array(["a", None]),
        "escape codes": pa.array(["\x1b[31m", "\u202e"]),
        "large words": pa.array(["a", "b"], pa.large_string()),
        "bytes": pa.array([b"\xff", None]),
        "decimals": pa.array([1, 2], pa.decimal128(38, 10)),
        "dates": pa.array([0, 2**31 - 1], pa.date32()),
        "times": pa.array([-(2**63), 2**63 - 1], pa.timestamp("ns", "UTC")),
        "times of a year 200,000": pa.array([2**42, 0], pa.timestamp("s")),
        "an unknown zone": pa.array([0, 1], pa.timestamp("s", "Mars/Base")),
        "durations": pa.array([2**62, 1], pa.duration("s")),
        "nulls": pa.nulls(2),
        "dictionaries": pa.array(["a", "b"]).dictionary_encode(),
        "maps": pa.array([[("a", 1.0)], []], pa.map_(pa.string(), pa.float64())),
        "structs": pa.array([{"x": 1.0}, None]),
        "lists": pa.array([[1.0, 2.0], None]),
        "lists of lists": pa.array([[[1.0], [2.0]], [[3.0]]]),
        "ragged lists": pa.array([[[1.0], [2.0, 3.0]], [[]]]),
        "lists of words": pa.array([["a"], []]),
        "lists of nulls": pa.array([[None], [None]]),
        "lists of structs": pa.array([[{"x": 1}], []]),
        "lists of dates": pa.array([[0], [1]], pa.list_(pa.date32())),
        "empty lists": pa.array([[], []], pa.list_(pa.float64())),
        "deep lists": pa.array([[[[[1.0]]]]] * 2),
        "list views": pa.array([[1.0], [2.0]], pa.list_view(pa.float64())),
        "binary views": pa.array([b"a", b"b"], pa.binary_view()),
        "run ends": pa.RunEndEncodedArray.from_arrays([2], [1.0]),
        "unions": pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [numbers]),
        "tensors": pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((2, 3, 2))),
    }


def pandas_metadata():
    """Return what a file may say of the pandas table that it was."""
    index = {"columns": [], "index_columns": [], "column_indexes": [], "pandas_version": "3.0.0"}
    found = {
        "no JSON": b"{",
        "a list": b"[]",
        "nothing": b"",
        "no UTF-8": b"\xff",
        "an unknown index": index | {"index_columns": ["nowhere"]},
        "an index of numbers": index | {"index_columns": [5]},
        "an index of sequences": index | {"index_columns": ["audio"]},
        "a range without end": index
        | {"index_columns": [{"kind": "range", "start": 0, "stop": 2**62, "step": 1}]},
        "a range of text": index | {"index_columns": [{"kind": "range", "start": "a", "stop": 2, "step": 1}]},
        "columns of other types": index
        | {"columns": [{"name": "label", "numpy_type": "object", "pandas_type": "datetime"}]},
        "an unknown dtype": index
        | {
            "columns": [
                {
                    "name": "audio",
                    "field_name": "audio",
                    "pandas_type": "object",
                    "numpy_type": "nowhere[5]",
                    "metadata": None,
                }
            ]
        },
        "our dtype for numbers": index
        | {
            "columns": [
                {
                    "name": "label",
                    "field_name": "label",
                    "pandas_type": "object",
                    "numpy_type": "sequence[float32, 2]",
                    "metadata": None,
                }
            ]
        },
        "a period for sequences": index
        | {
            "columns": [
                {
                    "name": "audio",
                    "field_name": "audio",
                    "pandas_type": "object",
                    "numpy_type": "period[D]",
                    "metadata": None,
                }
            ]
        },
        "names of columns that are dates": index
        | {
            "column_indexes": [
                {
                    "name": None,
                    "field_name": None,
                    "pandas_type": "datetime",
                    "numpy_type": "datetime64[ns]",
                    "metadata": None,
                }
            ]
        },
        "attributes": index | {"attributes": {"x": "\x1b[31m"}},
    }
    return {
        name: value if isinstance(value, bytes) else json.dumps(value).encode()
        for name, value in found.items()
    }


def _with_pandas(metadata, kind):
    table = extension(struct())
    return written(table.replace_schema_metadata({b"pandas": metadata}), kind)


def other_files():
    """Return files that are something else, by name."""
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, good_table().schema) as stream:
        stream.write_table(good_table())
    return {
        "CSV": b"audio,label\n1,2\n",
        "a zip file": b"PK\x03\x04" + bytes(100),
        "a stream of Arrow": buffer.getvalue(),
        "Parquet and more": written(good_table(), "parquet") + b"PAR1",
        "Feather and more": written(good_table(), "feather") + bytes(100),
        "two footers": b"PAR1" + b"\xff\xff\xff\x7fPAR1",
        "a footer of nothing": b"PAR1\0\0\0\0PAR1",
        "Arrow's magic alone": b"ARROW1\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0ARROW1",
        "Feather 1": b"FEA1" + bytes(100) + b"FEA1",
        "no rows": written(good_table()[:0], "parquet"),
        "no columns": written(good_table().select([]), "parquet"),
        "labels alone": written(good_table().select(["label"]), "parquet"),
        "two columns of one name": written(
            pa.Table.from_arrays([pa.array([1.0])] * 2, names=["label", "label"]), "parquet"
        ),
        "names that a terminal obeys": written(good_table().rename_columns(["audio", "\x1b[31m"]), "parquet"),
    }
