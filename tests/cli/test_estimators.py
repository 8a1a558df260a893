"""Files of estimators: what they become, and what is said of mistakes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion.cli._estimators import check_estimators, choose_estimator, choose_estimators, read_estimators
from avfusion.cli._recordings import read_recordings

YAML = """
ridge:
  - Align: {rate_hz: 1.0, aggregate: [mean, std]}
  - AddContext: {widths_s: [1, 5]}
  - OnFrames
  - FrameRegressor:
      regressor: {Ridge: {alpha: 1e3}}
early: EarlyFusionRegressor
attention:
  RecursiveJointAttentionRegressor: {hidden_size: 8, lr: 3e-3, window: null, random_state: 7}
"""
TOML = """
[[ridge]]
Align = {rate_hz = 1.0, aggregate = ["mean", "std"]}
[[ridge]]
AddContext = {widths_s = [1, 5]}
[[ridge]]
OnFrames = {}
[[ridge]]
FrameRegressor = {regressor = {Ridge = {alpha = 1e3}}}
[early.EarlyFusionRegressor]
[attention.RecursiveJointAttentionRegressor]
hidden_size = 8
lr = 3e-3
random_state = 7
"""


def read(tmp_path, text, suffix=".yaml", **options):
    path = tmp_path / f"mine{suffix}"
    path.write_text(text)
    return read_estimators(path, **options)


def refused(tmp_path, text, *words, suffix=".yaml"):
    with pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, words))):
        read(tmp_path, text, suffix)


@pytest.mark.parametrize(("text", "suffix"), [(YAML, ".yaml"), (YAML, ".yml"), (TOML, ".toml")])
def test_both_languages_give_the_same(text, suffix, tmp_path):
    estimators = read(tmp_path, text, suffix, seed=3)
    assert list(estimators) == ["ridge", "early", "attention"]
    steps = [step for _, step in estimators["ridge"].steps]
    assert [type(step) for step in steps] == [av.Align, av.AddContext, av.OnFrames, av.FrameRegressor]
    assert (steps[0].rate_hz, steps[0].aggregate) == (1.0, ["mean", "std"])
    assert isinstance(steps[3].regressor, Ridge)
    assert steps[3].regressor.alpha == 1000.0
    assert isinstance(estimators["early"], av.EarlyFusionRegressor)
    attention = estimators["attention"]
    assert (attention.hidden_size, attention.lr) == (8, 0.003)
    assert attention.window is None or suffix == ".toml"  # TOML has no null


def test_the_seed_goes_where_none_is_written(tmp_path):
    estimators = read(tmp_path, YAML, seed=3)
    assert estimators["early"].random_state == 3
    assert estimators["ridge"].get_params()["frameregressor__regressor__random_state"] == 3
    assert estimators["attention"].random_state == 7


def test_steps_may_stand_wherever_an_estimator_may(tmp_path):
    estimators = read(
        tmp_path,
        """
late:
  LateFusionRegressor:
    estimators:
      - [sound, {UnimodalRegressor: {modality: audio}}, audio]
      - [sight, [{OnFrames: {transformer: {video: {PCA: {n_components: 2}}}}}, EarlyFusionRegressor], video]
search:
  GridSearchCV:
    estimator: [StandardScaler, Ridge]
    param_grid: {ridge__alpha: [1, 10]}
    cv: {GroupKFold: {n_splits: 3}}
""",
    )
    (_, sound, _), (_, sight, _) = estimators["late"].estimators
    assert isinstance(sound, av.UnimodalRegressor)
    assert isinstance(sight, Pipeline)
    assert isinstance(sight.steps[0][1].transformer["video"], PCA)
    search = estimators["search"]
    assert isinstance(search, GridSearchCV)
    assert isinstance(search.estimator.steps[0][1], StandardScaler)
    assert isinstance(search.cv, GroupKFold)
    assert search.param_grid == {"ridge__alpha": [1, 10]}


def test_unknown_classes_are_named_with_the_nearest(tmp_path):
    refused(tmp_path, "a:\n - Align\n - Rigde\n", "mine.yaml: a, step 2: There is no class 'Rigde'", "Ridge")
    refused(
        tmp_path, "a: {FrameRegressor: {regressor: {ridge_cv: {}}}}".replace("ridge_cv", "Ridgecv"), "RidgeCV"
    )
    refused(tmp_path, "a: Qqqqqq", "no class 'Qqqqqq'", "those of avfusion and of scikit-learn")


WITHOUT_AN_EXTRA = """
import sys
sys.modules["optuna"] = None  # as if it were not installed
from avfusion.cli._estimators import read_estimators
print(read_estimators(sys.argv[1]))
try:
    read_estimators(sys.argv[2])
except ValueError as error:
    print(error)
"""


def test_only_the_classes_that_are_named_must_be_installed(tmp_path):
    for name, text in {"plain": "a: Ridge", "search": "a: {FusionSearchCV: {estimator: Ridge}}"}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    files = [tmp_path / "plain.yaml", tmp_path / "search.yaml"]
    command = [sys.executable, "-c", WITHOUT_AN_EXTRA, *map(str, files)]
    plain, search = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert plain == "{'a': Ridge()}"
    assert "a, FusionSearchCV: " in search
    assert "optuna" in search


def test_unknown_parameters_are_named_with_the_nearest(tmp_path):
    text = "a: {EarlyFusionRegressor: {hiden_size: 8}}"
    refused(
        tmp_path, text, "a, EarlyFusionRegressor: There is no parameter 'hiden_size'. Nearest: hidden_size"
    )
    refused(tmp_path, "a: {Align: {zzz: 8}}", "There are: rate_hz, to, aggregate")


def test_impossible_values_are_refused_at_once(tmp_path):
    text = "a:\n - FrameRegressor: {regressor: {Ridge: {alpha: -1}}}"
    refused(tmp_path, text, "a, FrameRegressor, regressor, Ridge:", "'alpha'")
    refused(tmp_path, "a: {GridSearchCV: {estimator: Ridge}}", "a, GridSearchCV:", "param_grid")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["mine.yaml is empty"]),
        ("- Ridge", ["A file holds names of estimators"]),
        ("a: []", ["a: Give at least one step"]),
        ("a: 3", ["a: A step is the name of a class", "not 3"]),
        ("a: [{Align: {}, OnFrames: {}}, Ridge]", ["a, step 1: A step is the name of a class"]),
        ("a: {Ridge: [1]}", ["a, Ridge: Parameters must map names to values, not [1]"]),
        ("a: [Align, OnFrames]", ["a does not predict. Its last step must be a regressor, not OnFrames()"]),
        ("a: Ridge\na: Lasso", ["cannot be read: line 2: 'a' appears twice"]),
        ("a: {Ridge", ["mine.yaml cannot be read", "line 1"]),
    ],
)
def test_what_is_no_estimator_is_refused(text, words, tmp_path):
    refused(tmp_path, text, *words)


def test_broken_toml_and_other_files_are_refused(tmp_path):
    refused(tmp_path, "a = ", "mine.toml cannot be read", suffix=".toml")
    refused(tmp_path, "{}", "written in a .yaml, .toml or .py file", suffix=".json")
    with pytest.raises(FileNotFoundError):
        read_estimators(tmp_path / "gone.yaml")
    with pytest.raises(FileNotFoundError):
        read_estimators(tmp_path / "gone.py")


def test_a_python_file_is_executed_beside_its_neighbours(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", ["first", *__import__("sys").path])
    (tmp_path / "neighbour_of_mine.py").write_text("ALPHA = 5")
    text = "from sklearn.linear_model import Ridge\nfrom neighbour_of_mine import ALPHA\n"
    estimators = read(tmp_path, text + "estimators = {'mine': Ridge(ALPHA)}", ".py", seed=3)
    assert estimators["mine"].alpha == 5
    assert estimators["mine"].random_state is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models = {}", ["mine.py must define estimators"]),
        ("estimators = {}", ["mine.py must define estimators"]),
        ("import nothing_of_that_name", ["mine.py fails: ModuleNotFoundError: No module named 'nothing_of"]),
        ("estimators = {'a': dict}", ["mine.py: a does not predict"]),
        (
            "from sklearn.linear_model import Ridge\nestimators = {'a': Ridge}",
            ["mine.py: a does not predict"],
        ),
    ],
)
def test_python_files_without_estimators_are_refused(text, words, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    refused(tmp_path, text, *words, suffix=".py")


@pytest.fixture(scope="module")
def recordings():
    return read_recordings("synthetic", options={"n_recordings": 4, "duration_s": [20, 30]})


def test_one_estimator_is_named_by_file_and_name(tmp_path, recordings):
    path = tmp_path / "mine.yaml"
    path.write_text(YAML)
    assert isinstance(choose_estimator(f"{path}:early", recordings), av.EarlyFusionRegressor)
    with pytest.raises(
        ValueError, match=r"mine.yaml has several estimators: choose one of ridge, early, att"
    ):
        choose_estimator(str(path), recordings)
    with pytest.raises(ValueError, match=r"no estimator 'erly'. Nearest: early"):
        choose_estimator(f"{path}:erly", recordings)
    path.write_text("only: EarlyFusionRegressor")
    assert isinstance(choose_estimator(str(path), recordings), av.EarlyFusionRegressor)


def test_without_a_file_the_default_ones_are_meant(recordings):
    defaults = choose_estimators(None, recordings, "subject", 5)
    assert (
        choose_estimator("only-video", recordings, seed=5)[-1].get_params()
        == defaults["only-video"][-1].get_params()
    )
    with pytest.raises(ValueError, match=r"no estimator 'ridgee'. Nearest: ridge\."):
        choose_estimator("ridgee", recordings)


@pytest.mark.parametrize("language", ["yaml", "toml"])
def test_the_files_in_the_documentation_are_read(language, tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "command_line.md").read_text(encoding="utf-8")
    shown = re.search(rf"```{language}\n(.*?)```", text, flags=re.DOTALL).group(1)
    assert "ridge" in read(tmp_path, shown, f".{language}")


def test_a_file_is_checked_without_its_recordings_and_python_is_not_run(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: Rigde")
    for text in (str(path), f"{path}:a"):
        with pytest.raises(ValueError, match="There is no class 'Rigde'"):
            check_estimators(text)
    (tmp_path / "mine.py").write_text("raise SystemExit(0)")
    check_estimators(str(tmp_path / "mine.py"))
    with pytest.raises(ValueError, match=r"mine.py fails: SystemExit"):
        read_estimators(tmp_path / "mine.py")


def test_splitters_of_this_package_are_known(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "a:\n  - LateFusionRegressor: {cv: {CrossedGroupKFold: {groups: [subject, video], n_splits: [2, "
        "3]}}}\nb:\n  - GridSearchCV:\n      estimator: "
        "FrameRegressor\n      param_grid: {multioutput: [true]}\n"
        "      cv: {PurgedTimeKFold: {gap_s: 3.0, groups: recording, time: start}}\n"
        "c:\n  - RescaledRegressor: {groups: [subject, video]}\n"
    )
    found = read_estimators(tmp_path / "mine.yaml", 0)
    assert found["a"].cv.get_n_splits() == 6
    assert (found["b"].cv.gap_s, found["b"].cv.time) == (3.0, "start")
    assert found["c"].groups == ["subject", "video"]
