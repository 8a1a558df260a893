"""Encodings and packed files, and what is no text."""

import gzip

import pytest

from avfusion.formats._text import LONGEST, first_lines, read_text


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_with_its_mark(path, encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    path.write_bytes(mark + "größe,λ\n1,2\n".encode(encoding))
    assert read_text(path).decode() == "größe,λ\n1,2\n"


def test_windows_1252_is_told(path):
    path.write_bytes("größe,µV\n1,2\n".encode("cp1252"))
    with pytest.warns(UserWarning, match="read as Windows-1252"):
        assert read_text(path).decode() == "größe,µV\n1,2\n"


def test_gzip_is_known_by_content(path):
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_text(path) == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("größe\n".encode() + "größe\n".encode("cp1252"), "Line 2 is not UTF-8 text, but others are"),
        (b"a,b\n1,\x81\n", "Line 2 is not UTF-8 text: save it as UTF-8"),
        (b"\xff\xfea", "not whole UTF-16"),
        ("größe".encode("utf-32"), "no text"),
        ("a,b\n1,2\n".encode("utf-16-le"), "no text"),
        (b"a,b\n1,\x00\n", "no text"),
        (b"PK\x03\x04\x14\x00", "no text"),
        (b"%PDF-1.4\n\x01\x02", "no text"),
    ],
)
def test_what_is_no_text_is_refused(path, data, reason):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=reason):
        read_text(path)


def test_a_cut_packed_file_is_refused(path):
    path.write_bytes(gzip.compress(b"0.123,0.456\n" * 1000)[:40])
    with pytest.raises(EOFError, match="ended before"):
        read_text(path)


def test_a_file_that_unpacks_to_far_more_is_refused(path, monkeypatch):
    monkeypatch.setattr("avfusion.formats._text.INFLATED", 1000)
    path.write_bytes(gzip.compress(b"0" * 10**6))
    with pytest.raises(ValueError, match="unpacks to more than"):
        read_text(path)


def test_first_lines_with_every_kind_of_end():
    assert first_lines(b"a\nb\n", 10) == (["a", "b"], [0, 2])
    assert first_lines(b"a\r\nb", 10) == (["a", "b"], [0, 3])
    assert first_lines(b"a\rb\r", 10) == (["a", "b"], [0, 2])
    assert first_lines(b"a\n" * 9, 2) == (["a", "a"], [0, 2])


def test_a_line_that_is_too_long_is_named():
    with pytest.raises(ValueError, match="Line 2, 'xxxxxxxxxxxxxxxxxxxx', is 8 MB long: it is no table"):
        first_lines(b"1,2\n" + b"x" * (LONGEST + 1), 10)


def test_text_of_zeros_does_not_unpack_without_end(path):
    path.write_bytes(gzip.compress(bytes(range(48, 58)) * 30_000_000, 1))  # 300 MB in 1.3
    with pytest.raises(ValueError, match="unpacks to more than 268 MB"):
        read_text(path)


def test_text_larger_than_the_memory_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(10 * 10**12)
    with pytest.raises(ValueError, match=r"It has 10000 GB, and the memory \d+: write it as .npy"):
        read_text(tmp_path / "a.csv")
    (tmp_path / "b.csv").symlink_to("/proc/kmsg")  # to read it would wait
    assert read_text(tmp_path / "b.csv") == b""
