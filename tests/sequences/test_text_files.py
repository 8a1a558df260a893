import io
import json
import warnings

import pandas as pd
import pytest
from pandas.io.formats.excel import ExcelFormatter

import avfusion as av
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


CELLS = {
    "written by to_csv": (
        ["22 x 6, 11.0 s", "4 x 6, 2.0 s from 1.5 s"],
        "to_csv wrote in place of sequences",
    ),
    "without time": ([None, "22 x 6"], "to_csv wrote in place of sequences"),
    "lists": (
        ["[[0.5, 1.0], [2.0, -1.0]]", "[[1.0, 1.0]]"],
        "make them lists again, X.'audio'..map.json.loads",
    ),
    "numbers": (["[0.5, 1.0]", "[-1]"], "make them lists again"),
    "arrays": (["[[0.5 1. ]\n [2. 3.]]"] * 2, "arrays as text, which NumPy rounds and shortens"),
    "records": ([[{"x": 1.0, "y": 2.0}]] * 2, "The steps of 'audio' are records. Make them lists"),
    "words": (["anna", "ben"], "modalities=|with avfusion.as_sequences"),
}


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("read", [as_sequences, lambda X: av.FrameRegressor().fit(X, [[1.0], [2.0]])])
def test_what_a_text_file_gave_has_its_remedy(kind, read):
    cells, remedy = CELLS[kind]
    with pytest.raises(ValueError, match=remedy) as caught:
        read(pd.DataFrame({"speaker": [1, 2], "audio": cells}))
    assert len(str(caught.value)) <= 320


def test_the_remedies_give_sequences():
    X = as_sequences({"audio": [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]})
    lists = pd.DataFrame({"audio": [str(cell.frames.tolist()) for cell in X["audio"]]})
    records = pd.DataFrame({"audio": [[{"x": x, "y": y} for x, y in cell.frames] for cell in X["audio"]]})
    lists["audio"] = lists["audio"].map(json.loads)
    records["audio"] = records["audio"].map(lambda cell: [list(step.values()) for step in cell])
    for again in (lists, records):
        pd.testing.assert_frame_equal(as_sequences(again), X)
