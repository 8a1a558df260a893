"""Write docs/works_with.md: what was tried with which library, and what came of it, from tests that ran.

A test states what it proves by a mark, and this command runs all that have one::

    @pytest.mark.works_with("skorch", "EarlyStopping(load_best=True) restores the weights that were scored")

    make works_with

``refused=True`` marks a test of a refusal: the error names what does the job instead. A test of the suite
compares the marks with the page, so that the page cannot be out of date.
"""

import ast
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "works_with.md"
PACKAGES = {  # the names that readers know; those of constraints.txt
    "scikit-learn": "scikit-learn",
    "skorch": "skorch",
    "Optuna": "optuna",
    "PostgreSQL": "psycopg",
    "pandas": "pandas",
    "Arrow": "pyarrow",
    "polars": "polars",
    "Dask": "dask",
    "MLflow": "mlflow-skinny",
    "TensorBoard": "tensorboard",
    "skops": "skops",
    "joblib": "joblib",
}
HEAD = """\
# What it works with

Each row is a test that ran: `make works_with` runs them and writes this page. *Works*: a number, a file or an
effect was compared with an independent source. *Refused*: a clear error names what does the job instead.
Versions are those of `constraints.txt`; the lowest supported ones are in `pyproject.toml`.
"""


@dataclass
class Promise:
    """What tests with one mark prove.

    Parameters
    ----------
    library, what : str
        As the mark says.
    refused : bool
        Whether it is a refusal.
    files : set of str
        Where the tests are, relative to the root.
    """

    library: str
    what: str
    refused: bool = False
    files: set = field(default_factory=set)

    def row(self, n_passed=None):
        """Return the cells of its row but the last, which is the number of tests."""
        links = ", ".join(f"[{Path(name).stem}](../{name})" for name in sorted(self.files))
        return [self.what, "refused" if self.refused else "works", links, str(n_passed)]


def promises():
    """Return what tests are marked with, read from their source: (library, what) to Promise."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for mark in getattr(node, "decorator_list", []):
                if not (isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.works_with"):
                    continue
                library, what = map(ast.literal_eval, mark.args)
                refused = any(ast.literal_eval(keyword.value) for keyword in mark.keywords)
                promise = found.setdefault((library, what), Promise(library, what, refused))
                promise.files.add(path.relative_to(ROOT).as_posix())
    return found


def versions():
    """Return the tested version of each package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


class Outcomes:
    """A plugin of pytest that counts the tests of each mark that passed."""

    def __init__(self):
        self.marks, self.passed, self.bad = {}, defaultdict(int), []

    def pytest_collection_modifyitems(self, items):
        """Note which test proves what."""
        for item in items:
            self.marks[item.nodeid] = [mark.args for mark in item.iter_markers("works_with")]

    def pytest_runtest_logreport(self, report):
        """Count a test that passed, and keep the name of one that failed."""
        for key in self.marks.get(report.nodeid, ()):
            if report.failed:
                self.bad.append(report.nodeid)
            elif report.passed and report.when == "call":
                self.passed[key] += 1


def page(passed):
    """Return the text of the page.

    Parameters
    ----------
    passed : dict of (str, str) to int
        Number of tests of each promise that passed.
    """
    known, version = promises(), versions()
    unknown = {library for library, _ in known} - set(PACKAGES)
    if unknown:
        raise ValueError(f"Not in PACKAGES: {sorted(unknown)}.")
    parts = [HEAD]
    for library, package in PACKAGES.items():
        rows = [p.row(passed[key]) for key, p in known.items() if key[0] == library]
        if rows:
            parts.append(f"## {library} ({package} {version[package]})\n")
            parts.append("| what was tried | outcome | test | cases |\n|---|---|---|---|")
            parts[-1] += "".join("\n| " + " | ".join(row) + " |" for row in sorted(rows)) + "\n"
    return "\n".join(parts)


def rows_of(text):
    """Return the rows of a page: (library, what, outcome)."""
    found = set()
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        library = section.partition(" (")[0]
        for line in section.splitlines()[4:]:
            if line.startswith("| "):
                what, outcome, *_ = line.strip("| ").split(" | ")
                found.add((library, what, outcome))
    return found


def main():
    """Run all tests that are marked and write the page, unless a test fails or all of a row are skipped."""
    import pytest

    outcomes, known = Outcomes(), promises()
    files = sorted({str(ROOT / name) for promise in known.values() for name in promise.files})
    code = pytest.main(["-q", "-m", "works_with", "-p", "no:cacheprovider", *files], plugins=[outcomes])
    lacking = [
        f"Not one test ran: {library}, {what}" for library, what in known.keys() - outcomes.passed.keys()
    ]
    if code or lacking:
        sys.exit("\n".join(["The page was not written.", *outcomes.bad, *lacking]))
    PAGE.write_text(page(outcomes.passed), encoding="utf-8")
    print(f"{PAGE}: {len(outcomes.passed)} rows, {sum(outcomes.passed.values())} tests.")


if __name__ == "__main__":
    main()
