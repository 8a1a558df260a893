"""Where things live: a test beside every module, imports that point downward, privates in one file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "avfusion"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = [file for file in FILES if not file.stem.startswith("__")]

# From the ground up. A room imports of rooms below it, and of itself.
FLOORS = (
    {"_plain_file", "_warnings"},
    {
        "_atomic",
        "_by_value",
        "_checksums",
        "_parallel",
        "_progress",
        "_sklearn_compat",
        "_tracking",
        "_versions",
    },
    {"sequences"},
    {"formats", "store", "_kept_fits", "_model_header"},
    {"metrics", "networks", "datasets", "persistence"},
    {"preprocessing", "estimators"},
    {"fusion", "released"},
    {"_discovery"},
    {"inspection"},
    {"model_selection"},
    {"cli"},
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}

# Tested through the public class that they are the base of.
MIRRORED_ELSEWHERE = {
    "estimators/_base.py": "estimators/test_network_regressor.py",
    "estimators/_encoded_fusion.py": "estimators/test_module_parameters.py",
    "estimators/_fusion_regressor.py": "estimators/test_module_parameters.py",
    "estimators/_model.py": "estimators/test_network_regressor.py",
    "networks/_concatenation.py": "fusion/test_early_fusion.py",
    "sequences/_target_form.py": "sequences/test_targets.py",
}

# Files that were longer when the bound was set, and how long they may stay.
LONG = {"model_selection/search/_search.py": 420}


def name_of(file):
    return file.relative_to(PACKAGE).as_posix()


def imports(file):
    """Yield the full name of what each import of a file takes, those inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def mirror(file):
    return file.relative_to(PACKAGE).with_name(f"test_{file.stem.lstrip('_')}.py").as_posix()


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_every_module_has_a_test_file(file):
    expected = MIRRORED_ELSEWHERE.get(name_of(file), mirror(file))
    assert (ROOT / "tests" / expected).is_file()


def test_what_is_said_of_the_layout_is_still_true():
    known = {name_of(file) for file in MODULES}
    assert set(MIRRORED_ELSEWHERE) <= known
    assert not [name for name in MIRRORED_ELSEWHERE if (ROOT / "tests" / mirror(PACKAGE / name)).is_file()]
    rooms = {name_of(file).partition("/")[0].removesuffix(".py") for file in MODULES}
    assert rooms <= set(FLOOR)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_are_absolute(file):
    assert not [name for name in imports(file) if name.startswith(".")]


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_imports_point_downward(file):
    room = name_of(file).partition("/")[0].removesuffix(".py")
    for name in imports(file):
        package, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if package != "avfusion" or other == room or other not in FLOOR:
            continue
        assert FLOOR[other] < FLOOR[room], name
        assert room != "networks", name  # torch modules that know nothing of the rest


def test_scikit_learns_privates_are_imported_in_one_file():
    private = {
        (name_of(file), name)
        for file in FILES
        for name in imports(file)
        if name.startswith("sklearn.") and "._" in name and file.name != "_sklearn_compat.py"
    }
    assert private == set()


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_files_are_short_enough_to_read(file):
    longest = LONG.get(name_of(file), 400)
    assert len(file.read_text(encoding="utf-8").splitlines()) <= longest
