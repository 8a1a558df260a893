"""Write docs/works_with.md: what was tried with which library, and what came of it, from tests that ran.

A test states what it proves by a mark, and this command runs all that have one::

    @pytest.mark.works_with("skorch", "EarlyStopping(load_best=True) restores the weights that were scored")

    make works_with
    python docs/make_works_with.py REPORT.xml    # from pytest --junitxml=REPORT.xml, of a run of all tests

``refused=True`` marks a test of a refusal: the error names what does the job instead. A test of the suite
compares the marks with the page, so that the page cannot be out of date.
"""

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

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
    """A statement that tests with one mark prove.

    Parameters
    ----------
    library, what : str
        As the mark says.
    refused : bool
        Whether it is a refusal.
    tests : set of (str, str)
        Their modules and names; the mark of a class is that of each of its tests.
    """

    library: str
    what: str
    refused: bool = False
    tests: set = field(default_factory=set)

    @property
    def files(self):
        """Where the tests are, relative to the root."""
        return sorted({module.replace(".", "/") + ".py" for module, _ in self.tests})

    def row(self, n_passed=None):
        """Return the cells of its row but the last, which is the number of tests."""
        links = ", ".join(f"[{Path(name).stem}](../{name})" for name in self.files)
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
                module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
                promise.tests.add((module, node.name))
    return found


def versions():
    """Return the tested version of each package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def passed_in(reports, known):
    """Return how many tests of each promise passed, from JUnit reports of pytest, and which did not.

    Parameters
    ----------
    reports : list of Path
    known : dict of (str, str) to Promise

    Returns
    -------
    passed : collections.Counter
        By (library, what). Tests that were skipped do not count.
    failed : list of str
    """
    proves = defaultdict(set)
    for key, promise in known.items():
        for test in promise.tests:
            proves[test].add(key)
    passed, failed = Counter(), []
    cases = {  # of tests that ran again the last run counts
        (case.get("classname"), case.get("name")): case
        for report in reports
        for case in ElementTree.parse(report).iter("testcase")
    }
    for case in cases.values():
        module, _, group = case.get("classname").partition(".Test")
        name = case.get("name").partition("[")[0]
        keys = proves.get((module, name), set()) | proves.get((module, f"Test{group}"), set())
        outcomes = {child.tag for child in case}
        if keys and outcomes & {"failure", "error"}:
            failed.append(f"{case.get('classname')}.{case.get('name')}")
        elif "skipped" not in outcomes:
            passed.update(keys)
    return passed, failed


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


def run(known):
    """Run all tests that are marked and return pytest's report."""
    report = Path(tempfile.mkdtemp()) / "report.xml"
    files = sorted({str(ROOT / name) for promise in known.values() for name in promise.files})
    options = ["-q", "-m", "works_with", "-n", os.environ.get("JOBS", "2"), f"--junitxml={report}"]
    subprocess.run([sys.executable, "-m", "pytest", *options, *files], cwd=ROOT, check=False)
    return report


def main():
    """Write the page, unless a test failed, or none of a row ran; reports of earlier runs may be given."""
    known = promises()
    reports = [Path(name) for name in sys.argv[1:]] or [run(known)]
    passed, failed = passed_in(reports, known)
    lacking = [f"Not one test passed: {library}, {what}" for library, what in known.keys() - passed.keys()]
    if failed or lacking:
        sys.exit("\n".join(["The page was not written.", *failed, *lacking]))
    PAGE.write_text(page(passed), encoding="utf-8")
    print(f"{PAGE}: {len(passed)} rows, {sum(passed.values())} tests.")


if __name__ == "__main__":
    main()
