"""A file is read by its suffix, unless its bytes say otherwise."""

import os

import numpy as np
import pytest

from avfusion.formats._registry import (
    DamagedFileError,
    brief_reason,
    check_recording_name,
    format_of,
    formats,
    read_parts,
    split_name,
)


def test_no_suffix_is_claimed_twice():
    suffixes = [suffix for format in formats() for suffix in (*format.suffixes, *format.companions)]
    assert len(suffixes) == len(set(suffixes))
    assert all(s == s.lower() and s[0] == "." for s in suffixes)


def test_the_longest_suffix_is_taken_and_names_keep_their_full_stops():
    assert split_name("a.b.CSV") == ("a.b", ".CSV")
    assert split_name("README") == ("README", "")
    assert split_name(".hidden") == (".hidden", "")


def test_an_array_under_the_name_of_a_table_is_read(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(3, 2))
    (tmp_path / "a.npy").rename(tmp_path / "a.csv")
    (part,) = read_parts(tmp_path / "a.csv")
    assert part.values.shape == (3, 2)
    assert part.n_steps == 3


@pytest.mark.parametrize("suffix", [s for format in formats() for s in format.suffixes])
def test_an_empty_file_is_named_with_what_is_expected(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.touch()
    with pytest.raises(DamagedFileError, match="cannot be read: It is empty") as caught:
        list(read_parts(path))
    message = str(caught.value)
    assert str(path) in message
    assert format_of(path).expects in message
    assert message.count("\n") < 3


def test_a_file_of_no_known_kind_names_the_kinds(tmp_path):
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(DamagedFileError, match=r"There are .*\.csv"):
        list(read_parts(tmp_path / "a.docx"))


def test_a_reason_is_short_and_never_empty():
    assert brief_reason(KeyError()) == "KeyError"
    assert len(brief_reason(ValueError("x" * 999))) == 160


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clip 01", "clip 01"),
        ("v$_$1", "v$_$1"),
        ("train/clip", "train_clip"),
        ("a\\b", "a_b"),
        ("größe", "größe"),
    ],
)
def test_names_of_recordings_that_are_kept(name, expected):
    assert check_recording_name(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../b",
        "/etc/passwd",
        "C:\\x",
        "..",
        "",
        " ",
        "a\0",
        "a\nb",
        "\x1b[2J",
        "a\u202eb",
        "\udce9",
        "x" * 201,
        3,
    ],
)
def test_names_of_recordings_that_are_refused(name):
    with pytest.raises(ValueError, match="of a recording") as caught:
        check_recording_name(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_names_that_become_one_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", **{"a_b": np.zeros((2, 2)), "a/b": np.zeros((3, 2))})
    with pytest.raises(DamagedFileError, match="Recordings 'a_b' and 'a/b' would get one name"):
        list(read_parts(tmp_path / "a.npz"))


def test_a_message_obeys_no_terminal(tmp_path):
    path = tmp_path / "a\x1b[2J.npy"
    path.write_bytes(b"x")
    with pytest.raises(DamagedFileError) as caught:
        list(read_parts(path))
    assert str(caught.value).isprintable()
    assert brief_reason(ValueError("a\x07\n\x1b[0m")) == "a\\x07 \\x1b[0m"


def test_names_in_persian_keep_their_joiners():
    name = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert check_recording_name(name) == name


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
@pytest.mark.parametrize("suffix", [".npy", ".csv", ".pkl", ".mat", ".h5", ".stream", ".npz", ".arff"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "It is a pipe, and a plain file is needed"),
        (os.mkdir, "It is a folder, and a plain file is needed"),
        (lambda path: path.symlink_to("/dev/zero"), "It is a device, and a plain file is needed"),
        (lambda path: path.symlink_to("/proc/kmsg"), "It is empty"),
        (lambda path: path.symlink_to(path.name), "It cannot be read: Too many levels of symbolic links"),
    ],
)
def test_what_is_no_plain_file_is_not_opened(suffix, make, words, tmp_path):
    path = tmp_path / f"a{suffix}"
    make(path)
    with pytest.raises(DamagedFileError, match=f"a{suffix} cannot be read: {words}"):
        list(read_parts(path))
