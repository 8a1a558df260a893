import io
import warnings

import pytest
from pandas.io.formats.excel import ExcelFormatter

from avfusion.sequences import as_sequences


@pytest.fixture
def X():
    return as_sequences({"audio": [[1.0, 2.0], None]}).assign(who=["a", "b"])


def told(write):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write()
    return caught


@pytest.mark.parametrize(
    ("method", "write"),
    [
        ("to_csv", lambda X: X.to_csv()),
        ("to_csv", lambda X: X["audio"].to_csv()),
        ("to_excel", lambda X: list(ExcelFormatter(X).get_formatted_cells())),
    ],
)
def test_files_that_cannot_hold_sequences(X, method, write):
    [warning] = told(lambda: write(X))
    assert str(warning.message).startswith(f"{method} cannot keep sequences")
    assert "avfusion.to_long(X)" in str(warning.message)
    assert warning.filename == __file__


@pytest.mark.parametrize(
    "use",
    [
        repr,
        str,
        lambda X: X._repr_html_(),
        lambda X: X.to_string(),
        lambda X: X.to_json(),
        lambda X: X.astype(str),
        lambda X: X["audio"].astype(object),
        lambda X: list(X["audio"]),
        lambda X: X.info(buf=io.StringIO()),
        lambda X: X[["who"]].to_csv(),
    ],
)
def test_what_is_not_written_is_not_told(X, use):
    assert not told(lambda: use(X))
