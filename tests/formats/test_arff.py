"""Tables as Weka, openSMILE and the AVEC challenges write them."""

import gzip

import numpy as np
import pytest

from avfusion.formats._arff import read
from avfusion.formats._csv import as_numbers
from avfusion.formats._registry import read_parts

OPENSMILE = (
    "@relation openSMILE_features\n\n"
    "@attribute name string\n"
    "@attribute frameTime numeric\n"
    "@attribute F0final_sma numeric\n"
    "@attribute 'pcm loudness' numeric\n"
    "@attribute class numeric\n\n"
    "@data\n\n"
)
GOLD = (
    "@relation GOLDSTANDARD\n\n"
    "@attribute Instance_name string\n"
    "@attribute frameTime numeric\n"
    "@attribute GoldStandard numeric\n\n\n"
    "@data\n\n\n"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "dev_1.arff"


def table_of(path, text):
    path.write_text(text)
    (part,) = read(path)
    assert part.named
    return part.values


def refused(path, text, reason):
    path.write_text(text)
    with pytest.raises(ValueError, match=reason):
        read(path)


def test_what_opensmile_writes(path):
    values = np.random.default_rng(0).normal(size=(50, 2)).round(6)
    rows = "".join(f"'unknown',{k / 100:.6f},{a:e},{b:e},?\n" for k, (a, b) in enumerate(values))
    table = table_of(path, OPENSMILE + rows)
    assert list(table.columns) == ["name", "frameTime", "F0final_sma", "pcm loudness"]
    np.testing.assert_array_equal(table[["F0final_sma", "pcm loudness"]], values)
    np.testing.assert_allclose(table["frameTime"], np.arange(50) / 100)
    assert set(table["name"]) == {"unknown"}


def test_a_gold_standard_under_the_name_of_a_table(tmp_path):
    path = tmp_path / "dev_1.csv"
    path.write_text(GOLD + "".join(f"dev_1,{k / 25:.2f},{-k / 100}\n" for k in range(50)))
    (part,) = read_parts(path)
    assert part.recording is None
    np.testing.assert_array_equal(part.values["GoldStandard"], -np.arange(50) / 100)


def test_each_name_is_a_recording(path):
    path.write_text(GOLD + "dev_1,0.00,0.1\ndev_1,0.04,0.2\n'a/dev_2.wav',0.00,0.3\n")
    parts = {part.recording: part.values["GoldStandard"].tolist() for part in read_parts(path)}
    assert parts == {"dev_1": [0.1, 0.2], "dev_2": [0.3]}


def test_a_packed_file(tmp_path):
    path = tmp_path / "dev_1.arff.gz"
    path.write_bytes(gzip.compress((GOLD + "dev_1,0.00,0.1\n").encode()))
    assert next(iter(read_parts(path))).values["GoldStandard"].tolist() == [0.1]


def test_kinds_quotes_and_comments(path):
    text = (
        "% of 2020\n\n@RELATION 'a b'\n@ATTRIBUTE x REAL\n@attribute\t'it\\'s y' integer % last\n"
        "@attribute \"z z\" {a,'b c'}\n@attribute flag {0, 1}\n"
        '@attribute when date "yyyy-MM-dd HH:mm:ss"\n@DATA\n'
        "1.5, 2, 'b c', 1, \"2020-01-01 00:00:01\"\n% no row\n\n?, ?, a, 0, ?\n"
    )
    table = table_of(path, text)
    assert list(table.columns) == ["x", "it's y", "z z", "flag", "when"]
    assert table["z z"].tolist() == ["b c", "a"]
    np.testing.assert_array_equal(table[["x", "it's y", "flag"]], [[1.5, 2, 1], [np.nan, np.nan, 0]])
    assert table["when"][0] == "2020-01-01 00:00:01"


@pytest.mark.parametrize("kind", ["{unknown}", "{'unknown'}", "numeric"])
def test_a_class_that_is_not_known_is_left_out(path, kind):
    text = f"@relation r\n@attribute F0 numeric\n@attribute class {kind}\n@data\n1,?\n2,?\n"
    assert list(table_of(path, text).columns) == ["F0"]


def test_a_class_with_labels_stays(path):
    text = "@relation r\n@attribute F0 numeric\n@attribute class numeric\n@data\n1,?\n2,0.5\n"
    np.testing.assert_array_equal(table_of(path, text)["class"], [np.nan, 0.5])


def test_one_attribute_and_rows_separated_by_tabs(path):
    assert table_of(path, "@relation r\n@attribute v numeric\n@data\n1\n?\n3\n")["v"].isna().sum() == 1
    text = "@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n1\t2\n3\t4\n"
    assert table_of(path, text).to_numpy().tolist() == [[1, 2], [3, 4]]


def test_text_among_numbers_is_named_by_its_line(path):
    table = table_of(path, "@relation r\n@attribute F0 numeric\n@data\n% x\n1\n\nhigh\n")
    with pytest.raises(TypeError, match="Column 'F0' holds text in line 7, 'high'"):
        as_numbers(table["F0"], "F0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@relation r\n@attribute a numeric\n", "header has no attributes, or does not end"),
        ("@relation r\n@data\n1\n", "header has no attributes"),
        ("@relation r\n@attribute a numeric\n@data\n", "no values, only a header"),
        (
            "@relation r\n@attribute a numeric\n@attribute a real\n@data\n1,2\n",
            "Two attributes have the name",
        ),
        ("@relation r\n@attribute a\n@data\n1\n", "Line 2 is no attribute that can be read: '@attribute a'"),
        ("@relation r\n@attribute a relational\n@data\n1\n", "Line 2 is no attribute"),
        ("@relation r\na numeric\n@data\n1\n", "Line 2 is no line of a header: 'a numeric'"),
        ("@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n{0 1}\n", "rows are sparse"),
        (
            "@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n1,2,3\n",
            "2 fields in line 5, saw 3",
        ),
        ("@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n%\n1,2\n1\n", "in line 7, saw 1"),
        ("@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n1,2\n\n1,2,3\n", "line 7, saw 3"),
    ],
)
def test_what_is_damaged_is_named(path, text, reason):
    refused(path, text, reason)


def test_a_class_of_which_all_is_unknown_is_no_feature(tmp_path):
    lines = ["@relation a", "@attribute F0 numeric", "@attribute emotion {0,1,unknown}", "@data"]
    (tmp_path / "a.arff").write_text("\n".join([*lines, "120,unknown", "130,unknown"]))
    assert list(read(tmp_path / "a.arff")[0].values.columns) == ["F0"]
    (tmp_path / "a.arff").write_text("\n".join([*lines, "120,0", "130,1"]))
    assert list(read(tmp_path / "a.arff")[0].values.columns) == ["F0", "emotion"]
