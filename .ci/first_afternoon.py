"""A user's first afternoon, with the installed package, from an empty folder.

README's ten lines, the commands, help and completion, a search, and Parquet. README is read from the metadata
of the installed package, so that this needs nothing of the checkout.
"""

import importlib.metadata
import pydoc
import re
import rlcompleter
import subprocess
import sys
from pathlib import Path

import pandas as pd
from sklearn.linear_model import Ridge

import avfusion as av

SMALL = ("synthetic", "--option", "n_recordings=8", "--folds", "2")
YAML = """
ridge:
  - Align: {rate_hz: 1}
  - FrameRegressor: {regressor: {Ridge: {alpha: 10}}}
early:
  - Align: {rate_hz: 1}
  - EarlyFusionRegressor: {max_epochs: 2}
"""


def readme_runs():
    """Run the Python of README, `compare` among it."""
    readme = importlib.metadata.metadata("avfusion").get_payload()
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert {"ridge", "attention"} <= set(names["result"].table.index)


def names_are_found():
    """Import everything, complete every name, and show the help."""
    names = {}
    exec("from avfusion import *", names)
    assert set(av.__all__) <= set(names)
    complete, found = rlcompleter.Completer({"av": av}), []
    while match := complete.complete("av.", len(found)):
        found.append(match.rstrip("()"))
    assert {f"av.{name}" for name in av.__all__} <= set(found)
    assert set(av.__all__) <= set(dir(av))
    assert "FusionSearchCV" in pydoc.render_doc(av)


def commands_run():
    """Compare on the command line, with the default estimators and with those of a file."""
    Path("mine.yaml").write_text(YAML)
    command = Path(sys.executable).with_name("avfusion")
    for arguments in (
        ["--help"],
        ["compare", *SMALL],
        ["compare", *SMALL, "-e", "mine.yaml", "-o", "results"],
    ):
        subprocess.run([command, *arguments], check=True)
    assert (Path("results") / "table.csv").is_file()


def a_search_runs_and_reads_parquet():
    """Search a parameter on recordings that went to a file and came back."""
    X, y = av.datasets.make_audiovisual_regression(8, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    X.assign(y=y).to_parquet("recordings.parquet")
    again = pd.read_parquet("recordings.parquet")
    pd.testing.assert_frame_equal(again.drop(columns="y"), X)
    search = av.FusionSearchCV(
        av.FrameRegressor(Ridge()), {"regressor__alpha": [0.1, 10.0]}, cv=2, n_trials=2, random_state=0
    )
    search.fit(again[["audio", "video"]], again["y"])
    assert search.best_params_["regressor__alpha"] in (0.1, 10.0)


if __name__ == "__main__":
    here = Path(av.__file__)
    assert here.is_relative_to(sys.prefix), f"{here} is not the installed package"
    for step in (names_are_found, readme_runs, commands_run, a_search_runs_and_reads_parquet):
        step()
        print(f"{step.__name__}: done", flush=True)
