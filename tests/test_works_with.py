"""The page on other libraries says what the tests prove, and of which versions."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
MAKE = runpy.run_path(str(DOCS / "make_works_with.py"))


def test_the_page_has_a_row_for_each_mark_and_no_other():
    text = MAKE["PAGE"].read_text(encoding="utf-8")
    marked = {(p.library, p.what, "refused" if p.refused else "works") for p in MAKE["promises"]().values()}
    assert marked
    assert MAKE["rows_of"](text) == marked


def test_the_page_names_the_versions_that_the_tests_run_with():
    text, versions = MAKE["PAGE"].read_text(encoding="utf-8"), MAKE["versions"]()
    libraries = {library for library, _ in MAKE["promises"]()}
    for library in libraries:
        assert f"## {library} ({MAKE['PACKAGES'][library]} {versions[MAKE['PACKAGES'][library]]})" in text
