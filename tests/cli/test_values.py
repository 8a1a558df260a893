"""YAML and TOML of others: values and nothing else, in one line, in bounded time and memory."""

import os
import time
import tracemalloc

import pytest

from avfusion.cli._values import LARGEST, check_values, parse_toml, parse_yaml, read_text

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 9)
)
MERGES = "a0: &a0 {x0: 1, y0: 1}\n" + "".join(
    f"a{k}: &a{k} {{x{k}: 1, <<: [{','.join([f'*a{k - 1}'] * 10)}]}}\n" for k in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "aliases count as what they repeat"),
        (MERGES, "aliases count as what they repeat"),
        ("a: &a [*a]", r"line 1: \*a stands for nothing, or for itself"),
        ("a: *b", r"line 1: \*b stands for nothing, or for itself"),
        ("a:\n- !!bool maybe", "line 2: Tags such as !!bool are not read"),
        *(
            (f"a: {tag} x", "Tags such as")
            for tag in ("!!timestamp", "!!int", "!!binary", "!!set", "!mine", "!")
        ),
        ("a: !!python/object/apply:os.system [id]", "Tags such as !!python/object/apply:os.system"),
        ("!<tag:evil> a", "Tags such as tag:evil"),
        ("[" * 100_000, "nested deeper"),
        ("{a: " * 10_000, "nested deeper"),
        ("- " * 10_000, "nested deeper"),
        ("\n".join(" " * k + "a:" for k in range(200)), "nested deeper"),
        ("? [1, 2]\n: 3", "a name is a list or a mapping"),
        ("a: 1\nb: 2\na: 3", "line 3: 'a' appears twice"),
        ("1: a\n1.0: b", "line 2: '1.0' appears twice"),
        (".nan: a", "'.nan' is no name"),
        ("a: 1\n---\nb: 2", "line 2: A second document"),
        ("a: " + "1" * 400, "A number of 400 digits"),
        ("a: " + "1" * 5000, "line 1: A number has more than 1000 digits"),
        ("a: 1" + ":1" * 4000, "line 1: 1:1:1.* in quotes"),
        ("a: 1:30", "line 1: 1:30 is a number to some"),
        ("a: 010", "line 1: 010 is a number to some"),
        ("a: |\n" + " x\n" * 20_000, "longer than 10000 characters"),
        ("- x\n" * 20_000, "10000 values"),
        ("#" * (LARGEST + 1), "more than 262144 characters"),
        ("a: \x00", "not allowed"),
        ("%YAML 9.9\n---\na: 1", "incompatible YAML"),
        ("a: =", "could not determine"),
        ("<<: 3", "expected a mapping"),
        ("a: [", "line 1: "),
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_a_line(text, words):
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(ValueError, match=words) as caught:
        parse_yaml(text)
    assert time.process_time() - begin < 5
    assert tracemalloc.get_traced_memory()[1] < 1 << 25
    tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 320


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1e-3", {"a": 0.001}),
        ("a: 2020-01-02\nb: 2020-99-99", {"a": "2020-01-02", "b": "2020-99-99"}),
        ("x: &x {p: 1, q: 2}\ny: {<<: *x, q: 3}", {"x": {"p": 1, "q": 2}, "y": {"p": 1, "q": 3}}),
        ("a: &a [1, 2]\nb: *a", {"a": [1, 2], "b": [1, 2]}),
        ("\ufeffa: ~", {"a": None}),
    ],
)
def test_plain_yaml_is_read(text, value):
    assert parse_yaml(text) == value


def test_the_time_to_know_a_number_goes_with_its_length():
    text = "\n".join(f"a{k}: {'1' * 9900}x" for k in range(3))
    begin = time.process_time()
    assert parse_yaml(text)["a2"] == "1" * 9900 + "x"
    assert time.process_time() - begin < 0.7  # over 3 s with a pattern that tries each split of the digits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a=" + "[" * 100_000, "in each other"),
        ("a=" + "[" * 40 + "]" * 40, "nested deeper"),
        (".".join(["a"] * 100_000) + "=1", "larger than any file"),
        ("a = 1979-05-27", "A value is a date"),
        ("a = 1979-05-27T07:32:00Z", "A value is a datetime"),
        ("a = " + "1" * 400, "A number of 400 digits"),
        ("a = 0x" + "f" * 5000, "A number of 60.. digits"),
        ("a = 1\na = 2", "Cannot overwrite"),
        ("a = '" + "x" * 20_000 + "'", "longer than 10000"),
        ("a = [" + "1," * 20_000 + "]", "larger, or nested"),
        ("a =", "Invalid value"),
    ],
)
def test_what_is_no_plain_toml_is_refused_in_a_line(text, words):
    begin = time.process_time()
    with pytest.raises(ValueError, match=words) as caught:
        parse_toml(text)
    assert time.process_time() - begin < 5
    assert str(caught.value).isprintable()


def test_other_values_are_named():
    assert check_values({"a": [1, None, True, 0.5, "x"]}) == {"a": [1, None, True, 0.5, "x"]}
    with pytest.raises(ValueError, match="A value is a set"):
        check_values([{1}])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: 1".encode("utf-16"), "Byte 0 is no UTF-8"),
        (b"a: caf\xe9", "Byte 6 is no UTF-8"),
        (b"", "is empty"),
        (bytes(LARGEST + 1), "such a file has at most"),
    ],
)
def test_files_in_other_codes_and_of_other_sizes_are_refused(content, words, tmp_path):
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_text(tmp_path / "a.yaml")


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_only_plain_files_are_opened(tmp_path):
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_text(tmp_path / "bom.yaml") == "a: 1"
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ValueError, match="is a pipe"):
        read_text(tmp_path / "pipe.yaml")
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(10 * 10**12)
    with pytest.raises(ValueError, match="such a file has at most"):
        read_text(tmp_path / "large.yaml")
