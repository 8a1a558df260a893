"""Small valid files of tables, which the fuzzing of formats mutates: a dict of suffix to bytes for each."""

import gzip
import io

import numpy as np
import pandas as pd
import pyarrow as pa

RNG = np.random.default_rng(1)
TABLE = pd.DataFrame(RNG.normal(size=(9, 3)).round(3), columns=["F0", "loudness", "mood"])
TIMES = np.arange(9) / 25


def _text(table, **options):
    return table.to_csv(index=False, **options).encode()


def _openface():
    rows = [[k // 2 + 1, k % 2, k // 2 / 25, 0.9, 1, *RNG.normal(size=2).round(3)] for k in range(8)]
    names = ["frame", " face_id", " timestamp", " confidence", " success", " pose_Tx", " AU01_r"]
    return _text(pd.DataFrame(rows, columns=names))


def _py_feat():
    box = pd.DataFrame({"FaceRectX": 1.0, "FaceScore": [0.9, 0.8, 0.9, 0.7], "AU01": [0.1, 0.2, 0.3, 0.4]})
    return _text(box.assign(input=["a.mp4"] * 3 + ["b.mp4"], frame=[0, 0, 1, 0]))


def _opensmile():
    times = pd.to_timedelta(np.arange(9) * 10, unit="ms")
    return _text(TABLE.assign(file=["a.wav"] * 5 + ["b.wav"] * 4, start=times, end=times))


def _deam():
    return b"song_id,sample_15000ms,sample_15500ms,sample_16000ms\n2,0.1,0.2,0.3\n3,0.1,0.2,\n"


def _static():
    return b"musicId,Arousal(mean),Valence(mean)\n1,0.4,0.5\n4,0.3,0.6\n"


def _omg():
    return b"link,start,end,video,utterance,arousal,valence\nx,0,1,v,utterance_1.mp4,0.1,0.2\n"


def _opensignals():
    header = "# OpenSignals Text File Format\n"
    header += '# {"00:07": {"column": ["nSeq", "CH1"], "sampling rate": 1000}}\n'
    return (header + "# EndOfHeader\n" + "".join(f"{k}\t{k * 3}\t\n" for k in range(9))).encode()


def _arff():
    header = "@relation r\n@attribute name string\n@attribute frameTime numeric\n@attribute F0 real\n"
    rows = "".join(f"'a.wav',{t:.2f},{k}.5,?\n" for k, t in enumerate(TIMES))
    return f"{header}@attribute class {{unknown}}\n@data\n{rows}".encode()


def _parquet(table):
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def _arrow(table, new):
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pandas(table)
    with new(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


LISTS = pd.DataFrame(
    {"clip": ["a", "b"], "audio": [[1.0, 2.0], [3.0]], "video": [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]}
)
CONTENTS = [
    (".csv", _text(TABLE)),
    (".csv", _text(TABLE, sep=";", decimal=",", na_rep="NA")),
    (".csv", _text(TABLE.assign(clip=list("aaaabbbbb")))),
    (".csv", _openface()),
    (".csv", _py_feat()),
    (".csv", _opensmile()),
    (".csv", _text(TABLE.assign(timestamp=np.arange(9) * 500, segment_id=1))),
    (".csv", _deam()),
    (".csv", _static()),
    (".csv", _omg()),
    (".csv", b"1544027337.0\n4.0\n" + b"0.128\n" * 9),
    (".tsv", _text(TABLE, sep="\t", header=False)),
    (".txt", "\n".join(f"{t:.2f} {k}" for k, t in enumerate(TIMES)).encode()),
    (".txt", _opensignals()),
    (".txt", b"\xff\xfe" + _text(TABLE).decode().encode("utf-16-le")),
    (".csv.gz", gzip.compress(_text(TABLE), mtime=0)),
    (".arff", _arff()),
    (".parquet", _parquet(TABLE.set_index(pd.Index(TIMES, name="time")))),
    (".parquet", _parquet(LISTS)),
    (".feather", _arrow(TABLE, pa.ipc.new_file)),
    (".arrow", _arrow(LISTS, pa.ipc.new_stream)),
]


def _sample(number, suffix, content):
    def sample():
        return {suffix: content}

    sample.__name__ = f"table_{number}_{suffix.strip('.')}"
    return sample


TABLES = [_sample(number, *file) for number, file in enumerate(CONTENTS)]
