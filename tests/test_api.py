"""Every public name is documented, to numpydoc's rules, and listed on one page."""

import dataclasses
import inspect
import pkgutil
import re
import runpy
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from numpydoc.validate import validate
from sklearn.base import BaseEstimator
from torch.nn import Module

import avfusion

ROOT = Path(__file__).parent.parent
MAKE_API = runpy.run_path(str(ROOT / "docs" / "make_api.py"))
MAKE_DERIVED = runpy.run_path(str(ROOT / "docs" / "make_derived.py"))
SUBPACKAGES = tuple(MAKE_API["GROUPS"].values())
MODULES = ("avfusion", *SUBPACKAGES)


def public_objects():
    """Full name -> class, function or constant, for all names of the subpackages."""
    return {
        f"{module}.{name}": getattr(import_module(module), name)
        for module in SUBPACKAGES
        for name in import_module(module).__all__
    }


def public_methods(name, cls):
    """Full name -> function, for the public methods and properties that this package wrote for a class.

    Those that a class shares with another (inherited ones) have the same function, and are taken once.
    """
    ours = [base for base in cls.__mro__ if base.__module__.startswith("avfusion.")]
    members = {attribute: value for base in reversed(ours) for attribute, value in vars(base).items()}
    methods = {}
    for attribute, value in members.items():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        parameter = attribute in getattr(cls, "_modules", ())  # what a subclass has in the place of one
        if not attribute.startswith("_") and inspect.isfunction(function) and not parameter:
            methods[f"{name}.{attribute}"] = function
    return methods


def once(objects):
    return list({id(value): name for name, value in reversed(objects.items())}.values())


OBJECTS = {name: value for name, value in public_objects().items() if callable(value)}
METHODS = {
    method: function
    for name, cls in OBJECTS.items()
    if inspect.isclass(cls)
    for method, function in public_methods(name, cls).items()
}


def is_estimator_dataclass(name):
    return dataclasses.is_dataclass(OBJECTS.get(name)) and issubclass(OBJECTS[name], BaseEstimator)


# What numpydoc asks for, the names that need not have it, and why.
EXCEPTIONS = [
    ("SA01", lambda name: True, "a See Also section where there is something to see, not by force"),
    ("ES01", lambda name: True, "a summary that says all needs no second paragraph"),
    ("EX01", lambda name: name in METHODS, "the example of the class shows its methods"),
    ("PR03", is_estimator_dataclass, "a dataclass has its base's fields first, a reader wants its own first"),
    (
        "*",
        lambda name: name in METHODS and issubclass(OBJECTS[name.rpartition(".")[0]], Module),
        "torch calls `forward` by the contract that the class and `avfusion.networks._masking` describe",
    ),
]


def exempt(code, name):
    return any(code_ in (code, "*") and applies(name) for code_, applies, _ in EXCEPTIONS)


def objections(name):
    return [f"{code}: {message}" for code, message in validate(name)["errors"] if not exempt(code, name)]


@pytest.mark.parametrize("name", [*once(OBJECTS), *once(METHODS)])
def test_numpydoc_does_not_object(name):
    assert not objections(name)


@pytest.mark.parametrize("name", [*OBJECTS, *METHODS])
def test_has_a_docstring_of_its_own(name):
    value = METHODS.get(name, OBJECTS.get(name))
    assert (value.__doc__ or "").strip()
    assert not value.__doc__.startswith(f"{value.__name__}(")  # what dataclasses write themselves


@pytest.mark.parametrize("module", MODULES)
class TestModules:
    def test_has_a_docstring(self, module):
        assert import_module(module).__doc__.strip()

    def test_every_name_exists_once_in_order(self, module):
        names = import_module(module).__all__
        assert [name for name in names if not hasattr(import_module(module), name)] == []
        # constants, classes, functions, each by alphabet
        assert names == sorted(set(names), key=lambda n: (not n.isupper(), not n[0].isupper(), n))


def test_every_subpackage_is_seen():
    found = {f"avfusion.{module.name}" for module in pkgutil.iter_modules(avfusion.__path__)}
    for_ourselves = {name for name in found if name.startswith("avfusion._")} | {
        "avfusion.cli",
        "avfusion.formats",
    }
    assert found - for_ourselves == set(SUBPACKAGES)


def test_what_avfusion_offers_comes_from_its_subpackages():
    offered = {name: getattr(avfusion, name) for name in avfusion.__all__}
    lists = avfusion.all_estimators, avfusion.skops_types
    public = {id(value) for value in (*public_objects().values(), *lists)}
    for name, value in offered.items():
        assert value is import_module(f"avfusion.{name}") if inspect.ismodule(value) else id(value) in public


@pytest.mark.parametrize("path", MAKE_DERIVED["derived"](), ids=lambda path: path.name)
def test_derived_files_are_up_to_date(path):
    assert path.read_text(encoding="utf-8") == MAKE_DERIVED["derived"]()[path], "run: make derived"


class TestPage:
    def test_lists_every_public_name_once(self):
        page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
        listed = Counter(
            id(getattr(import_module(path.rpartition(".")[0]), path.rpartition(".")[2]))
            for path in re.findall(r"^\| \[`([\w.]+)`\]", page, flags=re.MULTILINE)
        )
        everything = [*public_objects().values(), avfusion.all_estimators]
        assert listed == Counter({id(value): 1 for value in everything})

    def test_says_what_each_name_is_and_where(self):
        page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
        lines = re.findall(r"^\| \[`[\w.]+\.(\w+)`\]\((.*?)\) \| (.+) \|$", page, flags=re.MULTILINE)
        assert len(lines) == 1 + len({id(value) for value in public_objects().values()})
        for name, source, summary in lines:
            assert re.search(
                rf"^(class |def )?{name}\b", (ROOT / "docs" / source).read_text("utf-8"), re.MULTILINE
            )
            assert summary.endswith(".")
