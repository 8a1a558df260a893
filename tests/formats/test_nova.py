"""Streams of NOVA and SSI: header and numbers agree, chunks are put at their times."""

import numpy as np
import pytest

from avfusion.formats._nova import read
from avfusion.formats._registry import DamagedFileError, read_parts

FRAMES = np.random.default_rng(0).normal(size=(7, 3)).astype("<f4")


@pytest.fixture
def write(tmp_path):
    def write(values, *chunks, ftype="BINARY", **info):
        info = {"sr": 25, "dim": 3, "byte": 4, "type": "FLOAT", "delim": "", **info}
        said = " ".join(f'{name}="{value}"' for name, value in info.items())
        lines = [f'<info ftype="{ftype}" {said}/>', "<meta />"]
        lines += [f'<chunk from="{begin}" to="{end}" byte="0" num="{n}"/>' for begin, end, n in chunks]
        path = tmp_path / "s1.stream"
        path.write_text('<?xml version="1.0" ?>\n<stream ssi-v="2">\n' + "\n".join(lines) + "\n</stream>\n")
        (tmp_path / "s1.stream~").write_bytes(values if isinstance(values, bytes) else values.tobytes())
        return path

    return write


def refused(path, reason):
    with pytest.raises(DamagedFileError, match=reason):
        list(read_parts(path))


def test_binary(write):
    (part,) = read(write(FRAMES, (1.5, 1.78, 7)))
    np.testing.assert_array_equal(part.values, FRAMES)
    assert (part.rate_hz, part.start_s) == (25.0, 1.5)


def test_without_chunks_all_that_is_there_is_read(write):
    (part,) = read(write(FRAMES))
    assert (part.n_steps, part.start_s) == (7, None)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("SHORT", "<i2"), ("UCHAR", "u1"), ("INT", "<i4"), ("DOUBLE", "<f8"), ("BOOL", "?")]
)
def test_types(write, kind, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    (part,) = read(write(values, type=kind, byte=values.itemsize))
    np.testing.assert_array_equal(part.values, values)


@pytest.mark.parametrize("delimiter", [" ", ";", "\t", ", "])
def test_text(write, delimiter):
    lines = "".join(delimiter.join(map(repr, map(float, row))) + "\n" for row in FRAMES)
    (part,) = read(write(lines.encode(), (0, 0.28, 7), ftype="ASCII", delim=delimiter.replace("\t", "&#9;")))
    np.testing.assert_array_equal(part.values, FRAMES)


def test_gaps_are_missing_steps(write):
    (part,) = read(write(FRAMES, (1, 1.16, 4), (1.2401, 1.36, 3)))  # two steps later, up to rounding
    assert (part.rate_hz, part.start_s, part.n_steps) == (25.0, 1.0, 9)
    np.testing.assert_array_equal(part.values, np.vstack([FRAMES[:4], np.full((2, 3), np.nan), FRAMES[4:]]))


def test_chunks_that_touch_have_no_gap(write):
    (part,) = read(write(FRAMES, (1, 1.16, 4), (1.15, 1.27, 3)))
    np.testing.assert_array_equal(part.values, FRAMES)
    refused(write(FRAMES, (1, 1.16, 4), (1.02, 1.2, 3)), "chunk 1 begins at 1.02 s, before")


def test_a_gap_of_years_takes_no_memory(write):
    (part,) = read(write(FRAMES, (0, 0.16, 4), (1e9, 1e9 + 1, 3)))
    assert part.rate_hz is None
    assert list(part.values) == ["timestamp", 0, 1, 2]
    np.testing.assert_allclose(part.values["timestamp"], [0, 0.04, 0.08, 0.12, 1e9, 1e9 + 0.04, 1e9 + 0.08])


@pytest.mark.parametrize(
    ("chunks", "info", "reason"),
    [
        ([(0, 1, 8)], {}, "declares 8 steps, but there are 7"),
        ([(0, 1, 10**15)], {"dim": 10**6}, "declares 1,000,000,000,000,000 steps"),
        ([(0, 1, -1)], {}, "declares"),
        ([], {"dim": 4}, "are no steps of 16"),
        ([], {"dim": 0}, "dim=0"),
        ([], {"sr": 0}, "sr=0"),
        ([], {"sr": "nan"}, "no number 'sr'"),
        ([], {"type": "STRUCT"}, "type='STRUCT' is not read"),
        ([], {"byte": 8}, "byte='8' for type='FLOAT'"),
        ([], {"ftype": "BIN_LZ4"}, "ftype='BIN_LZ4'"),
    ],
)
def test_headers_that_do_not_agree_with_the_numbers(write, chunks, info, reason):
    refused(write(FRAMES, *chunks, **info), reason)


def test_a_line_that_is_cut_off(write):
    refused(write(b"1;2;3\n4;5\n", ftype="ASCII", delim=";"), "line 2 of numbers has 2 of 3 fields")


def test_numbers_have_no_underscores_which_python_would_pass_over(write):
    refused(write(b"1_0;2;3\n4;5;6\n", ftype="ASCII", delim=";"), "Its numbers have underscores")


def test_the_numbers_may_be_missing(write, tmp_path):
    path = write(FRAMES)
    (tmp_path / "s1.stream~").unlink()
    refused(path, "numbers are missing: put the file 's1.stream~' beside it")


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-le"])
def test_entities_are_not_read(tmp_path, coding):
    values = [f"&e{k - 1};" * 10 for k in range(1, 12)]
    lines = "".join(f'<!ENTITY e{k} "{value}">' for k, value in enumerate(values, 1))
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "0">{lines}]><stream><info sr="&e11;"/></stream>'
    (tmp_path / "a.stream").write_bytes(text.encode(coding))
    refused(tmp_path / "a.stream", "declares entities, which is not read")
    (tmp_path / "a.stream").write_bytes(b"<stream>" + b" " * 2**21)
    refused(tmp_path / "a.stream", "longer than any")
