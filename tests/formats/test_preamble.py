"""Lines that devices and tools write before a table, as they write them."""

import pytest

from avfusion.formats._csv import as_numbers, read
from avfusion.formats._preamble import Preamble

OPENSIGNALS = (
    "# OpenSignals Text File Format\n"
    '# {"00:07:80:3B:46:61": {"sensor": ["EDA"], "device name": "00:07:80:3B:46:61", '
    '"column": ["nSeq", "DI", "CH1"], "sync interval": 2, "time": "14:38:19.5", "comments": "", '
    '"device connection": "BTH00:07:80:3B:46:61", "channels": [1], "date": "2017-02-17", "mode": 0, '
    '"digital IO": [0, 1], "firmware version": 770, "device": "biosignalsplux", "position": 0, '
    '"sampling rate": 1000, "label": ["CH1"], "resolution": [16], "special": [{}]}}\n'
    "# EndOfHeader\n"
)


def part_of(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text)
    (part,) = read(path)
    return part


def test_opensignals(tmp_path):
    part = part_of(tmp_path, OPENSIGNALS + "0\t0\t32768\t\n1\t0\t32770\t\n2\t1\t32771\t\n")
    assert part.rate_hz == 1000
    assert part.values.to_dict("list") == {"nSeq": [0, 1, 2], "DI": [0, 0, 1], "CH1": [32768, 32770, 32771]}


@pytest.mark.parametrize(
    "header",
    ["# {}\n", "# " + '{"a":' * 50_000 + "\n", '# {"a": 1}\n', '# {"a": {"sampling rate": "x"}}\n', "# {[\n"],
)
def test_other_braces_are_comments(tmp_path, header):
    part = part_of(tmp_path, header + "1\t2\n3\t4\n")
    assert (part.rate_hz, part.values.shape) == (None, (2, 2))


def test_empatica(tmp_path):
    part = part_of(tmp_path, "1544027337.000000\n4.000000\n0.128\n0.256\n0.384\n")
    assert (part.rate_hz, part.start_s, part.named) == (4.0, 1544027337.0, False)
    assert part.values.to_numpy().ravel().tolist() == [0.128, 0.256, 0.384]


def test_empatica_of_three_axes(tmp_path):
    start = "1544027337.000000, 1544027337.000000, 1544027337.000000\n32.000000, 32.000000, 32.000000\n"
    part = part_of(tmp_path, start + "-12,57,31\n-11,56,30\n")
    assert (part.rate_hz, part.start_s) == (32.0, 1544027337.0)
    assert part.values.to_numpy().tolist() == [[-12, 57, 31], [-11, 56, 30]]


def test_beats_of_empatica_keep_their_times(tmp_path):
    part = part_of(tmp_path, "1544027337.000000, IBI\n6.125,0.8\n7.000,0.9\n")
    assert part.values.to_dict("list") == {"time": [1544027343.125, 1544027344.0], "IBI": [0.8, 0.9]}
    assert part.start_s is None


@pytest.mark.parametrize(
    "text", ["1544027337\n1544027338\n1544027339\n", "0.5\n4\n0.1\n", "1544027337,1\n4,4\n0.1,0.2\n"]
)
def test_other_numbers_are_steps(tmp_path, text):
    assert part_of(tmp_path, text).n_steps == 3


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# by hand\n# F0,loudness\n120,0.5\n", ["F0", "loudness"]),
        ("% F0\tloudness\n120\t0.5\n", ["F0", "loudness"]),
        ("# F0 loudness\n120 0.5\n", ["F0", "loudness"]),
        ("%time,field.x\n0,1\n1,0\n", ["time", "field.x"]),
        ("// by hand, today\n//\n120,0.5\n", [0, 1]),
        ("# by hand\nF0,loudness\n120,0.5\n", ["F0", "loudness"]),
        ("# arousal\n0.5\n", ["arousal"]),
        ("# the arousal of the first\n0.5\n", [0]),
        ("#N/A\n0.5\n", [0]),
    ],
)
def test_comments(tmp_path, text, names):
    assert list(part_of(tmp_path, text).values.columns) == names


def test_nothing_but_comments_is_refused():
    with pytest.raises(ValueError, match="no values, only comments"):
        Preamble.of(["# a", "", "% b"])


def test_a_thousand_lines_of_comments(tmp_path):
    part = part_of(tmp_path, "# by hand\n" * 1000 + "# F0,loudness\n120,0.5\n")
    assert part.values.to_dict("list") == {"F0": [120], "loudness": [0.5]}


def test_lines_before_a_header(tmp_path):
    lines = "Device: 12\nRecorded on 1.1.2020\n\nEDA,HR\n0.5,60\n0.6,61\n0.7,62\n"
    part = part_of(tmp_path, lines)
    assert part.values.to_dict("list") == {"EDA": [0.5, 0.6, 0.7], "HR": [60, 61, 62]}


def test_facereader(tmp_path):
    lines = "Video analysis detailed log\nFace Model:\tGeneral\nFilename:\tC:\\a.mp4\nFrame rate:\t25\n\n"
    lines += "Video Time\tNeutral\tHappy\n00:00:00.000\tFIT_FAILED\tFIT_FAILED\n"
    part = part_of(tmp_path, lines + "00:00:00.040\t0.9\t0.1\n00:00:00.080\t0.8\t0.2\n")
    assert list(part.values.columns) == ["Video Time", "Neutral", "Happy"]
    assert as_numbers(part.values["Happy"], "Happy")[1:].tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4,5\n1,2\n3,4\n",
        "1,2,3\n3,4\n1,2\n3,4\n5,6\n",
        "1,2,3\na,b\n1,2\n3,4\n5,6\n",
    ],
)
def test_ragged_lines_are_no_preamble(tmp_path, text):
    with pytest.raises(ValueError, match=r"Expected \d fields in line \d"):
        part_of(tmp_path, text)
