"""Tables of numbers as programs and people write them, with the numbers that they mean."""

import codecs

import numpy as np
import pandas as pd

VALUES = np.array([[0.5, -1.25], [2.0, 3.5], [4.25, -5.75], [6.0, 7.125], [8.5, 9.0]])
FRAME = pd.DataFrame(VALUES, columns=["f0", "f1"])
NUMBERED = pd.DataFrame(VALUES)
ONE = VALUES[:, 0]


def tables():
    """Yield names, files and checks; tables stand as features and, where they have one column, as labels."""
    for name, (text, values) in {**written(), **spelled(), **damaged()}.items():
        content = text.encode() if isinstance(text, str) else text
        check = values if values is None or isinstance(values, str) else same(values)
        yield name, {"audio/a.csv": content}, check
    for name, (text, values) in columns().items():
        content = text.encode()
        yield f"one column, {name}", {"audio/a.csv": content, "labels/a.csv": content}, both(values)
    for name, text in of_recordings().items():
        files = {"audio/a.csv": FRAME.to_csv(index=False), "audio/b.csv": FRAME.to_csv(index=False)}
        for table in ("labels", "metadata"):
            yield (
                f"{table}.csv, {name}",
                {key: text_.encode() for key, text_ in files.items()}
                | {f"{table}.csv": text if isinstance(text, bytes) else text.encode()},
                None,
            )


def written():
    """Return tables that libraries and spreadsheets write."""
    rows = [f"{a},{b}" for a, b in VALUES]
    lines = "\n".join(rows) + "\n"
    comma = lines.replace(",", ";").replace(".", ",")
    found = {
        "to_csv without index": FRAME.to_csv(index=False),
        "to_csv with index": FRAME.to_csv(),
        "to_csv of an array": NUMBERED.to_csv(index=False),
        "to_csv of an array with index": NUMBERED.to_csv(),
        "to_csv without header": NUMBERED.to_csv(index=False, header=False),
        "to_csv with quotes": FRAME.to_csv(index=False, quoting=1),
        "to_csv of an array with quotes": NUMBERED.to_csv(index=False, quoting=1),
        "to_csv with quotes, no header": FRAME.to_csv(index=False, header=False, quoting=1),
        "tabs": FRAME.to_csv(index=False, sep="\t"),
        "semicolons": FRAME.to_csv(index=False, sep=";"),
        "spaces": FRAME.to_csv(index=False, sep=" "),
        "many spaces": "\n".join(f"{a:12} {b:12}" for a, b in VALUES) + "\n",
        "decimal commas": "f0;f1\n" + comma,
        "decimal commas without header": comma,
        "savetxt": "\n".join(f"{a:.18e} {b:.18e}" for a, b in VALUES) + "\n",
        "savetxt with a header": "# f0 f1\n" + "\n".join(f"{a:.18e} {b:.18e}" for a, b in VALUES) + "\n",
        "CRLF": FRAME.to_csv(index=False).replace("\n", "\r\n"),
        "CR": FRAME.to_csv(index=False).replace("\n", "\r"),
        "no newline at the end": lines.rstrip(),
        "empty lines at the end": lines + "\n\n\n",
        "spaces after commas": lines.replace(",", ", "),
        "spaces around names": " f0 , f1 \n" + lines,
        "byte order mark": codecs.BOM_UTF8 + FRAME.to_csv(index=False).encode(),
        "byte order mark without header": codecs.BOM_UTF8 + lines.encode(),
        "UTF-16": FRAME.to_csv(index=False).encode("utf-16"),
        "UTF-16 without header": lines.encode("utf-16"),
        "Latin-1 names": "f\xe9,g\xe8\n".encode("latin-1") + lines.encode(),
        "repeated names": "x,x\n" + lines,
        "names with commas": '"f,0","f,1"\n' + lines,
        "numbers in scientific notation": "\n".join(f"{a:e},{b:e}" for a, b in VALUES) + "\n",
        "plus signs": "\n".join(f"{a:+},{b:+}" for a, b in VALUES) + "\n",
        "sep= of a spreadsheet": "sep=,\n" + FRAME.to_csv(index=False),
        "index with a name": FRAME.rename_axis("index").to_csv(),
        "frame numbers": FRAME.rename_axis("frame").to_csv(),
        "R with row names": '"f0","f1"\n' + "".join(f'"{k + 1}",{row}\n' for k, row in enumerate(rows)),
        "commas at the ends": "f0,f1,\n" + "".join(f"{row},\n" for row in rows),
    }
    return {name: (text, VALUES) for name, text in found.items()}


def spelled():
    """Return tables of one spelling of numbers each, in both columns: read as what it means, or refused."""
    words = {
        "True": 1.0,
        "False": 0.0,
        "TRUE": 1.0,
        "0x1F": 31.0,
        "1e5": 1e5,
        "1E5": 1e5,
        ".5": 0.5,
        "5.": 5.0,
    }
    words |= {
        "-0": 0.0,
        "1d3": 1e3,
        "1D+3": 1e3,
        "1_000": 1000.0,
        "\uff11\uff12": 12.0,
        "\u0661": 1.0,
        "1e-400": 0.0,
    }
    words |= {
        "1 000": 1000.0,
        "1'000": 1000.0,
        "5%": 0.05,
        "$5": 5.0,
        "1.5f": 1.5,
        "1/2": 0.5,
        "(5)": -5.0,
        "\u22125": -5.0,
    }
    words |= {
        "nan": np.nan,
        "NaN": np.nan,
        "NA": np.nan,
        "?": np.nan,
        "-nan(ind)": np.nan,
        "": np.nan,
        "null": np.nan,
    }
    words |= {"N/A": np.nan, "None": np.nan, "#N/A": np.nan, "-": np.nan, ".": np.nan, "missing": np.nan}
    words |= {
        "2020-01-01": "refused",
        "12:30": "refused",
        "abc": "refused",
        "1e400": np.inf,
        "inf": np.inf,
    }
    words |= {
        "-inf": -np.inf,
        "1.2.3": "refused",
        "1e": "refused",
        "1+2j": "refused",
        "[1]": "refused",
        "{}": "refused",
    }
    words |= {
        "9" * 400: np.inf,
        str(2**63): 2.0**63,
        str(2**64): 2.0**64,
        "1" * 30: float("1" * 30),
        "=1+1": "refused",
    }
    found = {}
    for word, value in words.items():
        quoted = f'"{word}"' if "," in word else word
        usual = "".join(f"{a},{b}\n" for a, b in VALUES[1:])
        values = np.vstack([[[value, VALUES[0, 1]]], VALUES[1:]]) if isinstance(value, float) else value
        last = VALUES[::-1].copy()
        last = np.vstack([last[:-1], [[value, VALUES[0, 1]]]]) if isinstance(value, float) else value
        found[f"{word[:12]!a} in the first line"] = f"f0,f1\n{quoted},{VALUES[0, 1]}\n{usual}", values
        rows = "".join(f"{a},{b}\n" for a, b in VALUES[:0:-1])
        found[f"{word[:12]!a} in the last line"] = f"f0,f1\n{rows}{quoted},{VALUES[0, 1]}\n", last
        found[f"{word[:12]!a} in all lines"] = "f0,f1\n" + f"{quoted},2.5\n" * 5, None
        found[f"{word[:12]!a} in all lines, no names"] = f"{quoted},2.5\n" * 5, five_steps(value)
    return found


def five_steps(value):
    return np.array([[value, 2.5]] * 5) if isinstance(value, float) and not np.isnan(value) else None


def damaged():
    """Return what is no table, or half of one."""
    text = FRAME.to_csv(index=False)
    texts = {
        "empty": "",
        "spaces": "   \n  \n",
        "line ends": "\n" * 50,
        "names alone": "f0,f1\n",
        "a quote without end": 'f0,f1\n"1,2\n3,4\n',
        "ragged, longer": "f0,f1\n1,2\n3,4,5\n",
        "ragged, shorter": "f0,f1\n1,2\n3\n5,6\n",
        "a number cut": text[:-3],
        "a line cut": text[: text.rindex(",")],
        "HTML": "<html><body>404 Not Found</body></html>",
        "LFS pointer": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "JSON": '{"a": [1, 2]}',
        "prose": "This is, after all, a text.\nIt has lines.\n",
        "100,000 columns": ",".join(["1"] * 100_000) + "\n",
        "one long word": "x" * 10_000_000,
        "one long number": "1" * 1_000_000 + ",2\n",
        "an escape code": "f0,\x1b[31m\n1,\x1b[31m\n",
        "separators alone": ",,,,\n" * 5,
        "commas and semicolons": "1,2;3\n4,5;6\n",
        "a name with a line end": '"f\n0",f1\n1,2\n3,4\n',
        "quotes within": 'f0,f1\n1,"2"3"\n',
    }
    blobs = {
        "zeros": b"\0" * 1000,
        "zeros at the end": text.encode() + b"\0" * 512,
        "a zero within": text.encode().replace(b"2.0", b"2\x000"),
        "binary": bytes(range(256)) * 20,
        "no UTF-8": b"f0,f1\n1,\xff\xfe\n",
        "a zip file": b"PK\x03\x04" + bytes(200),
        "gzip": b"\x1f\x8b\x08" + bytes(200),
        "UTF-16 cut": text.encode("utf-16")[:-1],
        "UTF-32": text.encode("utf-32"),
    }
    return {name: (content, None) for name, content in (texts | blobs).items()}


def columns():
    """Return tables of one column, in which an empty line is a step that is not known."""
    found = {"plain": "".join(f"{a}\n" for a in ONE), "no newline at the end": "\n".join(map(str, ONE))}
    found = {name: (text, ONE) for name, text in found.items()}
    series = pd.Series(ONE)
    for name, options in {
        "without index": {"index": False},
        "with index": {},
        "bare": {"index": False, "header": False},
    }.items():
        found[f"to_csv {name}"] = series.to_csv(**options), ONE
        found[f"to_csv with a name, {name}"] = series.rename("mood").to_csv(**options), ONE
    for gap in range(5):
        values = ONE.copy()
        values[gap] = np.nan
        lines = "".join("\n" if np.isnan(a) else f"{a}\n" for a in values)
        found[f"step {gap} is an empty line"] = lines, values
        found[f"step {gap} is an empty line, CRLF"] = lines.replace("\n", "\r\n"), values
        found[f"step {gap} is an empty line below a name"] = "mood\n" + lines, values
        found[f"step {gap} is spaces"] = lines.replace("\n\n", "\n  \n"), values
        found[f"step {gap} is empty quotes"] = (
            "".join('""\n' if np.isnan(a) else f"{a}\n" for a in values),
            values,
        )
    return found


def of_recordings():
    """Return tables with a row for each recording that are damaged or odd."""
    return {
        "empty": "",
        "names alone": "recording,mood\n",
        "one column": "recording\na\nb\n",
        "no recording": "name,mood\na,1\nb,2\n",
        "twice": "recording,mood\na,1\na,2\nb,3\n",
        "two columns of the name": "recording,recording,mood\na,a,1\nb,b,2\n",
        "an unknown recording": "recording,mood\na,1\nb,2\nc,3\n",
        "lacking": "recording,mood\na,1\n",
        "empty cells": "recording,mood\na,\nb,\n",
        "words": "recording,mood\na,good\nb,bad\n",
        "words and numbers": "recording,mood\na,1\nb,bad\n",
        "infinite": "recording,mood\na,inf\nb,1e400\n",
        "a huge integer": f"recording,mood\na,{10**400}\nb,1\n",
        "dates": "recording,mood\na,2020-01-01\nb,2020-01-02\n",
        "ragged": "recording,mood\na,1,2,3\nb,1\n",
        "no UTF-8": b"recording,mood\na,\xff\nb,1\n",
        "zeros": b"\0" * 100,
        "binary": bytes(range(256)) * 4,
        "UTF-16": "recording,mood\na,1\nb,2\n".encode("utf-16"),
        "a byte order mark": codecs.BOM_UTF8 + b"recording,mood\na,1\nb,2\n",
        "a quote without end": 'recording,mood\n"a,1\nb,2\n',
        "a target named audio": "recording,audio\na,1\nb,2\n",
        "a target without a name": "recording,\na,1\nb,2\n",
        "an escape code": "recording,\x1b[31m\na,1\nb,2\n",
        "paths": "recording,mood\n../../a,1\n/etc/b,2\n",
        "names with spaces": "recording,mood\n a ,1\n b ,2\n",
        "5,000 columns": "recording,"
        + ",".join(f"m{k}" for k in range(5000))
        + "\n"
        + "".join(f"{r}{',1' * 5000}\n" for r in "ab"),
        "100,000 rows": "recording,mood\na,1\nb,2\n" + "".join(f"r{k},1\n" for k in range(100_000)),
        "the word of a type": "recording,__class__\na,1\nb,2\n",
        "TSV": "recording\tmood\na\t1\nb\t2\n",
        "HTML": "<html><body>404</body></html>",
        "JSON": '[{"recording": "a", "mood": 1}]',
    }


def same(values):
    """Return a check that the features are these numbers."""
    values = np.asarray(values, dtype=float)

    def check(X, y):
        found = X.audio.array[0].frames
        right = found.shape == values.shape and np.array_equal(found, values.astype("f4"), equal_nan=True)
        return (
            None if right else f"silent wrong: {found[:2].tolist()}... in place of {values[:2].tolist()}..."
        )

    return check


def both(values):
    """Return a check that features and labels are these numbers, step by step."""

    def check(X, y):
        found, labels = X.audio.array[0].frames[:, 0], y.iloc[0, 0].frames[:, 0]
        for own in (found, labels):
            if own.shape != values.shape or not np.array_equal(own, values.astype(own.dtype), equal_nan=True):
                return f"silent wrong: {own.tolist()} in place of {values.tolist()}"
        return None

    return check
