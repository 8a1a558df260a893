"""Write docs/what_held.md: what was tried against the package, and what held, from attacks that ran.

``benchmarks/faults/`` has a module for each class of attacks. All of them, and the page::

    make faults
    python docs/make_what_held.py    # the page alone, from results/faults and results/bench/load.json

A test of the suite compares the classes with the rows of the page, and its bad columns with 0.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.faults.harness import BAD, ENDS, modules  # noqa: E402 - the root is not installed
from benchmarks.report import to_markdown  # noqa: E402

PAGE = ROOT / "docs" / "what_held.md"
FAULTS = ROOT / "results" / "faults"
LOAD = ROOT / "results" / "bench" / "load.json"
COLUMNS = ["class", "tried", *ENDS]
HEAD = """\
# What was tried, what held

Hostile files, numbers at the limits, kills, full disks, clocks that are set and growing data, counted.
`make faults` runs all of it and writes this page; a sample of each class runs with the tests.

## Hostile input

Each input is given to a process of its own, with limits of time and memory and a file that executed code
would make.

| column | what it counts |
|---|---|
| clear | `ValueError`, `TypeError`, `OSError` or `ImportError` in three printable lines at most |
| fine | read as what it means, or harmless |
| obscure | any other error, a traceback of the command line, or a library's words without file and remedy |
| hang | a limit of time or memory was reached |
| crash | the process ended by a signal |
| silent wrong | other numbers, names or rows than were given, without a word |
| executed | code in a file ran, where the documentation does not say that it does |

"""
EVENTS = """\
## Kills, full disks, clocks

*whole*: the old result or the new one, complete.

"""
NOT_TRIED = """\
## What was not tried

- **Power cuts.** Files are synchronised before they are renamed, and folders after; whether a disk keeps its
  word was not measured.
- **Network file systems**, and locks on them; Windows and macOS.
- **Attackers with an account on the machine** who change files while they are read.
- **`avfusion.persistence.load` of a stranger's model** and Python files of estimators: these execute code, as
  their documentation says ([what executes](trust.md)).
- **Memory errors of the graphics card** in the middle of a training.
- **Combinations**: one fault at a time.
"""


def read(folder=FAULTS):
    """Return what was written of each class that there is, in the order of the classes."""
    known = modules()
    return {
        name: json.loads((folder / f"{name}.json").read_text("utf-8"))
        for name in known
        if (folder / f"{name}.json").is_file()
    }


def inputs(found):
    """Return the rows of the classes of input, and their sum."""
    rows = [
        {"class": own["title"], "tried": own["tried"], **own["counts"]}
        for own in found.values()
        if own["tried"]
    ]
    total = {"class": "**together**"} | {name: sum(row[name] for row in rows) for name in COLUMNS[1:]}
    return [*rows, total]


def events(found):
    """Return a row for each event."""
    rows = []
    for own in found.values():
        for event in own["events"]:
            outcomes = {name: n for name, n in event["outcomes"].items() if n or name not in event["good"]}
            said = ", ".join(f"{name} {n}" for name, n in outcomes.items())
            bad = sum(event["bad"].values())
            rows.append(
                {
                    "class": own["title"].partition(":")[0],
                    "event": event["name"],
                    "times": event["times"],
                    "came of it": said,
                    "bad": bad,
                }
            )
    return rows


def load():
    """Return the tables of growing data as text."""
    if not LOAD.is_file():
        return "Not measured.\n"
    tables = json.loads(LOAD.read_text("utf-8"))["tables"]
    return "\n".join(f"### {title}\n\n{_table(rows)}" for title, rows in tables.items())


def page(found):
    """Return the text of the page."""
    about = next(iter(found.values()))["machine"]
    seconds = sum(own["seconds"] for own in found.values())
    samples = [own["title"] for own in found.values() if own["short"]]
    note = f"\nOnly a sample was run of: {'; '.join(samples)}.\n" if samples else ""
    parts = [
        HEAD + _table(inputs(found)) + note,
        EVENTS + _table(events(found)),
        "## Load\n\nTime and memory against size; the exponent is the slope of their logarithms.\n\n"
        + load(),
        NOT_TRIED,
        "## How to run it\n\n```\nmake faults                                        # all, and this page\n"
        "python -m benchmarks.faults --short               # a sample of each class\n"
        "python -m benchmarks.faults folder --case rates   # some inputs, with what they ended with\n"
        "python -m benchmarks.load                         # growing data\n```\n\n"
        f"This page is of {about['date']}: {seconds / 60:.0f} minutes on {about['cores']} cores "
        f"({about['processor']}), {', '.join(f'{k} {v}' for k, v in about['versions'].items())}.\n",
    ]
    return "\n".join(parts)


def rows_of(text, title):
    """Return the rows of the first table of a section: a dict by column."""
    section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [
        [cell.strip() for cell in line.strip("| \n").split(" | ")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    begin = next((k for k, line in enumerate(lines) if line[0] == "class"), len(lines))
    return [dict(zip(lines[begin], line)) for line in lines[begin + 2 :]]


def _table(rows):
    import pandas as pd

    return to_markdown(pd.DataFrame(rows)) if rows else "Nothing.\n"


def main():
    """Write the page, unless a class was not run in full, or anything ended badly."""
    found = read()
    lacking = [f"Not run: {name}" for name in modules() if name not in found]
    short = [f"Run in short: {name}" for name, own in found.items() if own["short"]]
    bad = [
        f"{name}: {end} {own['counts'][end]}"
        for name, own in found.items()
        for end in BAD
        if own["counts"][end]
    ]
    bad += [
        f"{name}: {event['name']}: {event['bad']}"
        for name, own in found.items()
        for event in own["events"]
        if event["bad"]
    ]
    if not LOAD.is_file():
        lacking.append("Not run: load (python -m benchmarks.load)")
    else:
        tables = json.loads(LOAD.read_text("utf-8"))["tables"].items()
        bad += [
            f"load, {title}: {row['task']}"
            for title, rows in tables
            for row in rows
            if not row.get("holds", True)
        ]
    problems = [*lacking, *short, *bad]
    if problems and "--anyway" not in sys.argv:
        sys.exit("\n".join(["The page was not written.", *problems]))
    PAGE.write_text(page(found), encoding="utf-8")
    print("\n".join([f"{PAGE}: {len(found)} classes.", *problems]))


if __name__ == "__main__":
    main()
