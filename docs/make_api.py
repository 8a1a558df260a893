"""Write docs/api.md, the list of every public name with the first line of its docstring.

Public is what stands in ``__all__`` of `avfusion` and of the modules in `GROUPS`. ``make derived`` writes the
page again.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent

GROUPS = {  # what a user does -> where the names for it are
    "Data and labels": "avfusion.sequences",
    "Data sets": "avfusion.datasets",
    "Stores": "avfusion.store",
    "Preprocessing": "avfusion.preprocessing",
    "Estimators": "avfusion.estimators",
    "Fusion methods": "avfusion.fusion",
    "The released network": "avfusion.released",
    "Metrics": "avfusion.metrics",
    "Comparison": "avfusion.model_selection",
    "Inspection": "avfusion.inspection",
    "Model files": "avfusion.persistence",
    "Building blocks of networks": "avfusion.networks",
}

HEAD = """\
# API reference

Every public name and what it is, in the order in which one needs them. Modules can be imported by name
(`from avfusion import metrics`), and each name in the list leads to its source. `help(avfusion.Align)`, or
`avfusion.Align?` in a notebook, shows the rest: parameters, shapes, units, errors and an example that the
tests run. The command `avfusion` has [a page of its own](command_line.md).

This page is written by `make derived`.
"""


def page(offered):
    """Return the text of the page; `offered` are the names that `avfusion` itself has."""
    top = _table([("avfusion._discovery", "all_estimators")], offered)
    groups = "".join(f"\n{_group(title, module, offered)}" for title, module in GROUPS.items())
    return HEAD + f"\n## What there is\n\n{top}\n" + groups


def summary(module, name):
    """Return a line of Markdown that describes a public name of a module.

    Classes and functions have a docstring, constants a comment that starts with ``#:``, above them.

    Parameters
    ----------
    module : str
        Where the name is public.
    name : str
        The name.

    Returns
    -------
    str
        First paragraph of the docstring, or first sentence of the comment.
    """
    value = getattr(import_module(module), name)
    text = inspect.getdoc(value).split("\n\n")[0] if callable(value) else _constant(module, name)[1]
    return _markdown(text)


def _group(title, module, offered):
    intro = _markdown(inspect.getdoc(import_module(module)).split("\n\n")[0])
    names = [(module, name) for name in import_module(module).__all__]
    return "\n".join([f"## {title}", "", f"`{module}`: {intro}", "", _table(names, offered), ""])


def _table(names, offered):
    lines = [
        f"| [`{'avfusion' if name in offered else module}.{name}`](../{_source(module, name)}) "
        f"| {summary(module, name)} |"
        for module, name in names
    ]
    return "\n".join(["| | |", "|---|---|", *lines])


def _source(module, name):
    value = getattr(import_module(module), name)
    path = inspect.getsourcefile(inspect.unwrap(value)) if callable(value) else _constant(module, name)[0]
    return Path(path).resolve().relative_to(ROOT.resolve()).as_posix()


def _constant(module, name):
    """Find the file of a constant, and the first sentence of the comment above it."""
    for path in sorted(Path(import_module(module).__file__).parent.glob("*.py")):
        found = re.search(rf"((?:^#: .*\n)+){name}\b", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if found:
            return path, re.sub(r"^#: ", "", found[1], flags=re.MULTILINE).split(". ")[0].strip(" .\n") + "."
    raise LookupError(f"{module}.{name} needs a comment above it that starts with '#:' and says what it is")


def _markdown(text):
    text = re.sub(r":\w+:(?=`)", "", " ".join(text.split())).replace("``", "`")
    return text.replace("|", r"\|")
