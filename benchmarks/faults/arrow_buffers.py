"""Arrow buffers that lead outside of themselves, in the storage of our columns."""

import io
import json
from functools import partial

import numpy as np
import pyarrow as pa

FRAMES = np.arange(10, dtype=np.float32).reshape(5, 2) / 4
KNOWN = {"rate_hz": 25.0, "features": None}


def buffers():
    """Yield hostile arrays of our storage: offsets that lead outside, lengths that are not there."""
    ends = [0, 3, 5]
    odd = {
        "beyond the end": [0, 3, 500],
        "far beyond": [0, 3, 2**40],
        "at the end of integers": [0, 3, 2**63 - 1],
        "negative": [-1, 3, 5],
        "far below": [-(2**62), 3, 5],
        "backwards": [0, 5, 3],
        "all negative": [-5, -3, 0],
        "a wrap": [2**63 - 1, -(2**63), 5],
        "begin late": [4, 5, 5],
        "all beyond": [1000, 1001, 1002],
    }
    for name, offsets in odd.items():
        yield f"offsets {name}", partial(_array, offsets)
        yield f"offsets of times {name}", partial(_array, ends, times=offsets)
    for n_numbers in (0, 1, 9, 3):
        yield f"{n_numbers} numbers in place of 10", partial(_array, ends, n_numbers=n_numbers)
        yield f"{n_numbers} steps in place of 5", partial(_array, ends, n_steps=n_numbers)
    for width in (0, 1, 3, 1000, 2**30, 2**31 - 1):
        yield f"width {width} in place of 2", partial(_array, ends, width=width)
    for rows in (0, 1, 3, 1000, 2**40, 2**62):
        yield f"{rows} rows in place of 2", partial(_array, ends, n_rows=rows)
    for nulls in (-1, 1, 2, 3, 2**40):
        yield f"{nulls} nulls said", partial(_array, ends, nulls=nulls)
    yield "no buffer of offsets", partial(_array, None)
    yield "sound", partial(_array, ends)


def _array(offsets, times=None, n_numbers=10, n_steps=5, width=2, n_rows=2, nulls=0):
    def column(number, offsets, numbers, null_count=0):
        step = pa.list_(pa.field("item", number, nullable=False), width)
        values = pa.Array.from_buffers(number, n_numbers, [None, pa.py_buffer(numbers)])
        steps = pa.Array.from_buffers(step, n_steps, [None], children=[values])
        starts = None if offsets is None else pa.py_buffer(np.array(offsets, dtype=np.int64))
        kind = pa.large_list(pa.field("item", step, nullable=False))
        return pa.Array.from_buffers(kind, n_rows, [None, starts], null_count=null_count, children=[steps])

    frames = column(pa.float32(), offsets, np.resize(FRAMES, n_numbers).astype("f4").tobytes())
    times_of = [0, 3, 5] if times is None else times
    clock = column(pa.float64(), times_of, np.arange(n_numbers, dtype="f8").tobytes())
    numbers = [pa.Array.from_buffers(pa.float64(), n_rows, [None, pa.py_buffer(bytes(16))]) for _ in range(2)]
    children = [frames, *numbers, clock]
    kind = pa.struct(
        [pa.field(n, c.type) for n, c in zip(("frames", "rate_hz", "start_s", "times_s"), children)]
    )
    return pa.Array.from_buffers(kind, n_rows, [None], null_count=nulls, children=children)


def hostile(make):
    """Return a file of a hostile array; Arrow writes whatever buffers it is given."""
    storage = make()
    about = {
        b"ARROW:extension:name": b"avfusion.sequence",
        b"ARROW:extension:metadata": json.dumps(KNOWN).encode(),
    }
    schema = pa.schema([pa.field("audio", storage.type, metadata=about)])
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, schema) as file:
        file.write_batch(pa.RecordBatch.from_arrays([storage], schema=schema))
    return buffer.getvalue()
