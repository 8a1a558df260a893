"""The tutorials run, and are committed as they ran."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "tutorials"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
assert NOTEBOOKS, "without notebooks every test below would be skipped"
# of two parts or more, and not within an address; or with a drive letter
ABSOLUTE_PATH = re.compile(r"""(?:^|[\s"'(=>])(?:/[\w.~-]+){2,}|\b[A-Za-z]:\\""", re.MULTILINE)
NOWHERE = "http://127.0.0.1:9"

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    """Sources and outputs, but for pictures."""
    for cell in notebook.cells:
        yield cell.source
        for output in cell.get("outputs", []):
            yield output.get("text", "")
            yield from (data for kind, data in output.get("data", {}).items() if kind.startswith("text/"))


@pytest.mark.slow
def test_runs_without_error_in_any_folder(path, tmp_path, monkeypatch):
    if not os.environ.get("AVFUSION_DATA"):  # then the part on the film is skipped; nothing is downloaded
        monkeypatch.setenv("AVFUSION_DATA", str(tmp_path / "data"))
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, NOWHERE)
    notebook = nbformat.read(path, as_version=4)
    folder = tmp_path / "anywhere"
    folder.mkdir()
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=600, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()  # raises CellExecutionError, with the cell and the traceback
    assert not list(folder.iterdir()), "a tutorial leaves nothing behind"


def test_was_executed_from_top_to_bottom_with_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell.outputs) for cell in cells) > len(cells) / 2


def test_is_committed_without_errors_and_warnings(path):
    for cell in code_cells(nbformat.read(path, as_version=4)):
        for output in cell.outputs:
            assert output.output_type != "error", output.ename
            assert output.get("name") != "stderr", output.text


def test_shows_the_film_and_was_not_skipped(path):
    assert not any(text.startswith("skipped") for text in texts(nbformat.read(path, as_version=4)))


def test_names_no_place_on_a_machine(path):
    notebook = nbformat.read(path, as_version=4)
    for text in texts(notebook):
        assert not ABSOLUTE_PATH.search(text), ABSOLUTE_PATH.search(text)
        assert str(Path.home()) not in text
        assert sys.prefix not in text


def test_has_the_kernel_that_every_installation_has(path):
    assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "python3"


def test_links_lead_somewhere(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for link in re.findall(r"\]\((?!https?:)([^)#]+)", cell.source):
                assert (FOLDER / link).is_file(), link


def test_is_small(path):
    assert path.stat().st_size < 700_000
