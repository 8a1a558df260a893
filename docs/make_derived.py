"""Write every file that is derived from the code: stubs, the API page, tables and sections, pictures.

A new public name or method needs this command, and no edit of these files::

    make derived
"""

import re
import runpy
import textwrap
from importlib import import_module
from pathlib import Path

from sklearn.base import BaseEstimator

from avfusion import sequences  # noqa: F401 - before all others, so that pandas knows its columns

ROOT = Path(__file__).parent.parent
PACKAGE, DOCS = ROOT / "avfusion", ROOT / "docs"
ROOMS = (
    *("datasets", "estimators", "fusion", "inspection", "metrics", "model_selection", "networks"),
    *("persistence", "preprocessing", "released", "sequences", "store"),
)
BESIDE_ESTIMATORS = {  # what `avfusion` itself offers beside all estimators and transformers
    "_discovery": ["all_estimators", "skops_types"],
    "datasets": ["import_folder", "load_folder"],
    "model_selection": ["Comparison", "baselines", "compare"],
    "preprocessing": ["pair"],
    "sequences": [
        *("Sequence", "SequenceArray", "SequenceDtype", "as_sequences", "cut", "mask_labels"),
        *("to_long", "to_padded", "to_panel"),
    ],
    "store": ["StoreWriter", "read_store", "write_store"],
}
OFFERED_ROOMS = [room for room in ROOMS if room not in ("preprocessing", "sequences", "store")]
HEAD = "# Written by `make derived`: public names and where they are, for type checkers{}.\n"


def top_names():
    """Return what `avfusion` offers: names by the module within it that has them."""
    names = {room: list(named) for room, named in BESIDE_ESTIMATORS.items()}
    for room in ROOMS:
        module = import_module(f"avfusion.{room}")
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, type) and issubclass(value, BaseEstimator):
                names.setdefault(room, []).append(name)
    return {room: sorted(names[room]) for room in sorted(names)}


def stub():
    """Return the text of avfusion/__init__.pyi, from which the package itself reads its names."""
    imports = [_import("", OFFERED_ROOMS), *map(_import, *zip(*top_names().items()))]
    names = sorted([*OFFERED_ROOMS, *(name for own in top_names().values() for name in own)])
    head = HEAD.format(" and `__init__.py`")
    return "\n".join([head, *imports, "\n__version__: str\n", _all(names)])


def fusion_stub():
    """Return the text of avfusion/fusion/__init__.pyi."""
    modules = {path.stem: import_module(f"avfusion.fusion.{path.stem}") for path in method_files()}
    files = {stem: list(module.__all__) for stem, module in sorted(modules.items())}
    names = sorted(name for own in files.values() for name in own)
    return "\n".join([HEAD.format(""), *map(_import, *zip(*files.items())), "", _all(names)])


def method_files(private=True):
    """Return the files of avfusion/fusion; those of methods have no underscore."""
    files = sorted((PACKAGE / "fusion").glob("*.py"))
    return [p for p in files if p.stem != "__init__" and (private or not p.stem.startswith("_"))]


def methods():
    """Return title, text, estimator and picture of every method, in the order of publication."""
    found = []
    for path in method_files(private=False):
        module = import_module(f"avfusion.fusion.{path.stem}")
        title, _, text = module.__doc__.strip().partition("\n\n")
        [name] = [name for name in module.__all__ if name.endswith("Regressor")]
        number = getattr(module, name).fusion_tags.published_in.removeprefix("arXiv ")
        found.append((number, title.rstrip("."), text, name, path.stem))
    return sorted(found)


def sections():
    """Return the sections on methods of docs/which_fusion.md."""
    return "\n".join(_section(*method) for method in methods())


def table():
    """Return the table of estimators of docs/which_fusion.md."""
    listed = import_module("avfusion._discovery").all_estimators()
    lines = ["| estimator | streams in step | rows of any length | published in |", "|---|---|---|---|"]
    for name, own in listed.iterrows():
        needs = "needed" if own["needs alignment"] else "not needed"
        length = "yes" if own["any length"] else "in windows"
        lines.append(f"| `{name}` | {needs} | {length} | {_linked(own['published in'])} |")
    return "\n".join(lines)


def formats():
    """Return the table of kinds of files of docs/files.md."""
    listed = import_module("avfusion.datasets").readable_formats()
    lines = ["| kind | suffixes |", "|---|---|"]
    lines += [
        f"| {kind} | {' '.join(f'`{s}`' for s in own['suffixes'].split())} |"
        for kind, own in listed.iterrows()
    ]
    return "\n".join(lines)


def with_block(page, name, text):
    """Return a page with the text between the two comments of that name."""
    begin, end = f"<!-- derived: {name} -->", f"<!-- end: {name} -->"
    return re.sub(f"{begin}\n.*?{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)


def derived():
    """Return the text of every derived file by its path."""
    page = (DOCS / "which_fusion.md").read_text(encoding="utf-8")
    page = with_block(with_block(page, "estimators", table()), "methods", sections())
    files = with_block((DOCS / "files.md").read_text(encoding="utf-8"), "formats", formats())
    offered = [name for own in top_names().values() for name in own]
    return {
        PACKAGE / "__init__.pyi": stub(),
        PACKAGE / "fusion" / "__init__.pyi": fusion_stub(),
        DOCS / "api.md": runpy.run_path(str(DOCS / "make_api.py"))["page"](offered),
        DOCS / "files.md": files,
        DOCS / "which_fusion.md": page,
    }


def _section(number, title, text, name, stem):
    title, brackets, rest = title.partition(" (")
    linked = ", ".join([*([rest.rstrip(")")] if brackets else []), *([_linked(number)] if number else [])])
    text = re.sub(r"arXiv ([\d.]+\d)", lambda found: _linked(found[1]), " ".join(text.split()))
    text = textwrap.fill(f"`{name}`. {text}", 120, break_long_words=False, break_on_hyphens=False)
    return (
        f"### {title}{f' ({linked})' if linked else ''}\n![{title.lower()}](pictures/{stem}.svg)\n\n{text}\n"
    )


def _linked(source):
    number = source.removeprefix("arXiv ")
    return f"[{number}](https://arxiv.org/abs/{number})" if number else ""


def _import(module, names):
    line = f"from .{module} import {', '.join(names)}"
    return line if len(line) <= 110 else f"from .{module} import (\n    " + ",\n    ".join(names) + ",\n)"


def _all(names):
    names = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    return "__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n"


def main():
    """Write all of them."""
    for path, text in derived().items():
        path.write_text(text, encoding="utf-8")
    runpy.run_path(str(DOCS / "make_pictures.py"))["main"]()


if __name__ == "__main__":
    main()
