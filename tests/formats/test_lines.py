"""Lines with too few or too many fields are named by their number."""

import pytest

from avfusion.formats._lines import check_widths


@pytest.mark.parametrize(
    ("data", "separator", "options", "line"),
    [
        (b"a,b\n1,2\n3\n", ",", {}, 3),
        (b'a,b\n"1\n1",2\n3\n', ",", {}, 4),
        (b"a b\n1 2\n\n3\n", r"\s+", {}, 4),
        (b"a;b\r\n1;2\r\n3\r\n", ";", {"n_skipped": 10}, 13),
        (b"'a, b',c\n'a'\n", ",", {"quote": "'"}, 2),
    ],
)
def test_too_few(data, separator, options, line):
    with pytest.raises(ValueError, match=rf"Expected 2 fields in line {line}, saw 1 \(read with"):
        check_widths(data, 2, separator, **{"n_skipped": 0} | options)


def test_names_of_rows_have_no_name():
    check_widths(b"a,b\nr1,1,2\nr2,3,4\n\n", 3, ",", 0, header=True)
    with pytest.raises(ValueError, match="line 1, saw 2"):
        check_widths(b"a,b\nr1,1,2\n", 3, ",", 0)
