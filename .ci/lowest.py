"""Print constraints for pip: constraints.txt, but what users get at the lowest version of pyproject.toml.

Usage: python .ci/lowest.py [TORCH]   (torch stays at its pin, unless a version is given)
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def lowest_versions(project):
    """Return name -> lowest version of what an installation requires, with the extra for clusters."""
    required = [*project["dependencies"], *project["optional-dependencies"]["cluster"]]
    lowest = dict(re.match(r"([\w.-]+)[^>]*>=([\d.]+)", requirement).groups() for requirement in required)
    return lowest | {"distributed": lowest["dask"]}  # they are released together


def main():
    """Print one line for each package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    torch = sys.argv[1] if len(sys.argv) > 1 else pinned["torch"]
    for name, version in (pinned | lowest_versions(project) | {"torch": torch}).items():
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
