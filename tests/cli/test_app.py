"""The commands as they are used: output, files, exit codes, and what an interruption leaves."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import avfusion as av
from avfusion import persistence
from avfusion._atomic import clear_leftovers
from avfusion._versions import package_versions
from avfusion.cli import app
from tests.datasets.aff_wild2_layout import write_aff_wild2

SMALL = [
    "--option",
    "n_recordings=6",
    "--option",
    "duration_s=[20, 30]",
    "--option",
    "recordings_per_subject=2",
]
RIDGE = "ridge:\n  - Align: {rate_hz: 1.0}\n  - FrameRegressor\n"
SLOW = "slow:\n  - Align: {rate_hz: 1.0}\n  - EarlyFusionRegressor: {max_epochs: 100000, verbose: 1}\n"


def run(*arguments, code=0):
    """Run a command in this process; show what it said if it ends otherwise than expected."""
    result = CliRunner().invoke(app, list(map(str, arguments)), prog_name="avfusion")
    assert result.exit_code == code, result.output
    return result


def words_in(text, *words):
    return re.search(".*".join(map(re.escape, words)), " ".join(text.split()))


@pytest.fixture
def ridge(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "ridge.yaml").write_text(RIDGE)
    return folder / "ridge.yaml"


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def small_data():
    return av.datasets.make_audiovisual_regression(
        6, duration_s=[20, 30], recordings_per_subject=2, random_state=0
    )


def test_describe_tells_the_numbers_of_the_data():
    text = run("describe", "synthetic", *SMALL).stdout
    X, y = small_data()
    assert "synthetic: 6 recordings" in text
    lengths = X["audio"].array.lengths
    assert words_in(text, "audio 6 10 Hz float32", f"{lengths.min()} {np.median(lengths):g} {lengths.max()}")
    values = np.concatenate([np.asarray(row).ravel() for row in y])
    assert words_in(
        text, "label frame 1 Hz", f"{values.min():.3g} {values.mean():.3g} {values.max():.3g}", "0 %"
    )
    assert words_in(text, "subject int64 3 0 % 0, 1, 2")


def test_describe_counts_what_is_absent_unobserved_and_unlabelled(tmp_path):
    audio = [np.zeros((4, 2)), None, np.full((4, 2), np.nan), np.zeros((2, 2))]
    X = av.as_sequences({"audio": audio}).assign(mood=[1.0, 2.0, np.nan, 3.0], site=["a", None, "b", "a"])
    X.to_parquet(tmp_path / "clips.parquet")
    text = run("describe", tmp_path / "clips.parquet", "--target", "mood").stdout
    assert words_in(text, "audio 2 unknown float32 2 4 4 10 steps 25 % 40 %")
    assert words_in(text, "mood clip 1 2 3 0.816 25 %")
    assert words_in(text, "site str 2 25 % a, b")
    assert "No targets" in run("describe", tmp_path / "clips.parquet").stdout


def test_compare_prints_and_keeps_what_the_function_finds(ridge, out):
    arguments = ["compare", "synthetic", *SMALL, "-e", ridge, "--scoring", "ccc,mae", "--folds", 2]
    text = run(*arguments, "--output", out / "result").stdout
    X, y = small_data()
    from avfusion.cli._estimators import read_estimators

    expected = av.compare(
        read_estimators(ridge, 0), X, y, groups="subject", cv=2, scoring=["ccc", "mae"], verbose=False
    )
    saved = pd.read_csv(out / "result" / "table.csv", index_col=0)
    scores = ["ccc", "ccc_low", "ccc_high", "mae", "mae_low", "mae_high"]
    pd.testing.assert_frame_equal(saved[scores], expected.table[scores])
    assert f"{expected.table['ccc'].iloc[0]:.3f} [" in text
    assert [file.name for file in out.iterdir()] == ["result"]
    kept = {file.name for file in (out / "result").iterdir()}
    assert {"table.md", "folds.csv", "groups.csv", "predictions.parquet", "plot.png", "settings.json"} <= kept


def test_compare_shows_and_keeps_every_target(ridge, out):
    X, y = small_data()
    labels = pd.DataFrame(y).iloc[:, 0].array
    targets = {f"target {k}": labels.with_frames(labels.frames * (k + 1)) for k in range(5)}
    X.assign(**targets).to_parquet(out / "clips.parquet")
    chosen = [word for name in targets for word in ("--target", name)]
    options = ["-e", ridge, "--groups", "subject", "--scoring", "ccc", "--folds", 2, "-o", out / "result"]
    text = run("compare", out / "clips.parquet", *chosen, *options).stdout
    assert "means over 5 targets" in text
    block = text[text.index("ccc of each target") :]
    saved = pd.read_csv(out / "result" / "targets.csv", index_col="target")
    assert list(saved.index) == list(targets)
    for name, line in saved.iterrows():
        assert name in block
        assert f"{line['ccc']:.3f} [{line['ccc_low']:.3f}, {line['ccc_high']:.3f}]" in block
    assert "**target 4**" in (out / "result" / "table.md").read_text()
    assert "{target 4}" in (out / "result" / "table.tex").read_text()


def test_compare_replaces_an_earlier_result_and_leaves_other_files_alone(ridge, out):
    (out / "notes.txt").write_text("mine")
    for scoring in ("mae", "ccc"):
        run("compare", "synthetic", *SMALL, "-e", ridge, "--scoring", scoring, "--folds", 2, "-o", out)
    assert "ccc" in pd.read_csv(out / "table.csv").columns
    assert (out / "notes.txt").read_text() == "mine"
    assert not [file for file in out.iterdir() if file.name.startswith(".")]


def test_what_is_fitted_predicts_as_in_python(ridge, out):
    run("fit", "synthetic", *SMALL, "--estimator", ridge, "--output", out / "ridge.model")
    run("predict", out / "ridge.model", "synthetic", *SMALL, "--output", out / "predicted.parquet")
    assert sorted(file.name for file in out.iterdir()) == ["predicted.parquet", "ridge.model"]
    predicted = pd.read_parquet(out / "predicted.parquet")
    X, y = small_data()
    from avfusion.cli._estimators import read_estimators

    expected = read_estimators(ridge)["ridge"].fit(X, y).predict(X)
    assert list(predicted.columns) == ["subject", "label"]
    pd.testing.assert_series_equal(predicted["label"], expected)
    header = run("describe", out / "ridge.model").stdout
    assert words_in(header, "Reads: audio (6 features at 10 Hz), video (8 features at 5 Hz)")
    assert "Predicts: label, per frame" in header


def test_predictions_for_a_file_leave_its_labels_aside(ridge, out):
    X, y = small_data()
    X.assign(label=y).rename_axis("clip").to_parquet(out / "clips.parquet")
    run("fit", out / "clips.parquet", "--target", "label", "-e", ridge, "-o", out / "ridge.model")
    run("predict", out / "ridge.model", out / "clips.parquet", "-o", out / "predicted.feather")
    predicted = pd.read_feather(out / "predicted.feather")
    assert predicted.index.equals(X.index)
    assert predicted.index.name == "clip"
    assert list(predicted.columns) == ["subject", "label"]
    assert not (predicted["label"] == y).any()
    np.testing.assert_array_equal(predicted["label"].array.lengths, y.array.lengths)


def test_numbers_that_scikit_learn_predicts_get_their_names_back(out):
    X, _ = small_data()
    X = X.assign(calm=np.arange(6.0), joy=np.arange(6.0) ** 2)
    X.to_parquet(out / "clips.parquet")
    (out / "mine.yaml").write_text("ridge: [Functionals, Ridge]")
    targets = ["--target", "joy", "--target", "calm"]
    run("fit", out / "clips.parquet", *targets, "-e", out / "mine.yaml", "-o", out / "m")
    run("predict", out / "m", out / "clips.parquet", "-o", out / "predicted.parquet")
    predicted = pd.read_parquet(out / "predicted.parquet")
    assert list(predicted.columns) == ["subject", "joy", "calm"]
    from avfusion.cli._estimators import read_estimators

    model = read_estimators(out / "mine.yaml", 0)["ridge"]
    features = X[["audio", "video", "subject"]]
    np.testing.assert_allclose(
        predicted[["joy", "calm"]], model.fit(features, X[["joy", "calm"]]).predict(features)
    )


def test_a_folder_is_compared_with_the_default_estimators_by_name(out, tmp_path):
    X, y = small_data()
    for modality, column in (("audio", X["audio"]), ("labels", y)):
        (tmp_path / "clips" / modality).mkdir(parents=True)
        for row, cell in enumerate(column):
            np.save(tmp_path / "clips" / modality / f"clip{row}.npy", cell.frames)
    (tmp_path / "clips" / "rates.toml").write_text("audio = 10\nlabels = 1\n")
    run("fit", tmp_path / "clips", "--estimator", "ridge", "--output", out / "ridge.model")
    run("predict", out / "ridge.model", tmp_path / "clips", "-o", out / "predicted.parquet")
    predicted = pd.read_parquet(out / "predicted.parquet")
    assert predicted.index.tolist() == [f"clip{row}" for row in range(6)]
    assert predicted["label"].array.lengths.tolist() == y.array.lengths.tolist()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "gone"], "Error: There is no folder gone."),
        (
            ["compare", "synthetic", "--groups", "speaker"],
            "--groups speaker: synthetic has no such metadata column. There are: subject.",
        ),
        (["compare", "synthetic", "--scoring", "cccc"], "scoring='cccc' is not known"),
        (["compare", "synthetic", "--estimators", "gone.yaml"], "gone.yaml"),
        (["compare", "synthetic", "--output", "no/such/folder"], "there is no folder no/such"),
        (["compare", "synthetic", "--folds", "1"], "--folds"),
        (["compare", "synthetic", "--fold", "2"], "--fold"),
        (["compare", "synthetic", "--folds", "2", "--train", "subject=0"], "--folds is for cross-validation"),
        (["compare", "synthetic", "--train", "subject=0"], "--train and --test go together"),
        (["fit", "synthetic", "--estimator", "ridge"], "--output"),
        (["fit", "synthetic", "--estimator", "ridge", "--output", "."], "is a folder: name a file"),
        (["fit", "synthetic", "--estimator", "rigde", "--output", "m"], "Nearest: ridge"),
        (["predict", "gone.model", "synthetic", "--output", "p.parquet"], "There is no file gone.model"),
        (
            ["predict", "gone.model", "synthetic", "--output", "p.txt"],
            "must end in .parquet or .feather or .csv",
        ),
        (["explain"], "explain"),
    ],
)
def test_wrong_use_ends_with_2_and_one_line(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, code=2)
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_estimator_that_refuses_the_data_is_bad_input(out):
    (out / "mine.yaml").write_text("ridge: FrameRegressor")
    result = run("compare", "synthetic", *SMALL, "-e", out / "mine.yaml", code=2)
    assert words_in(
        result.stderr,
        "Error: All 3 fits failed; the first: ridge, fold 1 of 3",
        "avfusion.Align(rate_hz=...)",
    )


def test_recordings_without_labels_say_how_to_name_them(out):
    small_data()[0].to_parquet(out / "clips.parquet")
    result = run("compare", out / "clips.parquet", code=2)
    assert (
        "has no labels. In a file, name the columns with --target (it has audio, video, subject)"
        in result.stderr
    )


def test_debug_shows_where_bad_input_was_noticed():
    result = run("compare", "gone", "--debug", code=2)
    assert "Traceback" in result.stderr
    assert "Error: There is no folder gone." in result.stderr


def test_failures_end_with_1_and_one_line_and_a_traceback_for_who_asks(monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("avfusion.cli._recordings.make_audiovisual_regression", fail)
    result = run("describe", "synthetic", code=1)
    assert result.stderr == (
        "Error: Unexpected failure: ZeroDivisionError: oh. Repeated with --debug, the command shows where.\n"
    )
    result = run("describe", "synthetic", "--debug", code=1)
    assert "Error: Unexpected failure: ZeroDivisionError: oh." in result.stderr
    assert "Traceback" in result.stderr


@pytest.mark.parametrize("command", [[], ["describe"], ["compare"], ["fit"], ["predict"]])
def test_help_has_examples_that_name_real_options(command):
    text = run(*command, "--help").stdout
    examples = re.findall(r"^ +avfusion ([a-z]+) (.+)$", text, flags=re.MULTILINE)
    assert examples
    for name, rest in examples:
        known = run(name, "--help").stdout
        for option in re.findall(r"(?<!\S)--?\w[\w-]*", rest):
            assert option in known, (name, option)


def test_the_file_of_estimators_in_the_help_works(out):
    text = run("compare", "--help").stdout
    shown = re.search(r"lists their steps:\n(.+?)\n  Classes are", text, flags=re.DOTALL).group(1)
    (out / "mine.yaml").write_text("\n".join(line[4:] for line in shown.splitlines()))
    from avfusion.cli._estimators import read_estimators

    assert list(read_estimators(out / "mine.yaml")) == ["ridge", "attention"]


def start(*arguments, **options):
    """Start the command as a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "avfusion.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        # Ctrl-C ends it as in a terminal, also where our own parent ignores it (nohup)
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **options,
    )


def wait_for_training(process):
    """Return once the progress bar of the training has begun."""
    begun = b""
    while b"epoch/s" not in begun:
        some = os.read(process.stderr.fileno(), 4096)
        assert some, begun
        begun += some


@pytest.fixture
def slow(ridge):
    (ridge.parent / "slow.yaml").write_text(SLOW)
    return ridge.parent / "slow.yaml"


def test_the_process_ends_with_the_code_and_a_line(tmp_path):
    process = start("compare", "gone")
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    assert stdout == b""
    assert stderr.startswith(b"Error: There is no folder gone.")
    assert stderr.count(b"\n") == 1


@pytest.mark.parametrize("command", ["compare", "fit"])
def test_ctrl_c_ends_with_130_and_leaves_nothing(command, slow, out):
    option = "--estimator" if command == "fit" else "--estimators"
    process = start(command, "synthetic", *SMALL, option, slow, "--output", out / "result")
    wait_for_training(process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Interrupted: nothing was written." in stderr
    assert not list(out.iterdir())


def test_a_process_killed_in_training_leaves_its_fits_only(slow, out):
    process = start("compare", "synthetic", *SMALL, "--estimators", slow, "--output", out / "result")
    wait_for_training(process)
    process.kill()
    process.communicate(timeout=60)
    assert {path.name for path in out.iterdir()} <= {".result.fits"}  # which the same command takes over


KILLED_WHILE_SAVING = """
import os, signal, sys
from avfusion.model_selection.comparison import _saving
_saving.figure_of = lambda comparison: os.kill(os.getpid(), signal.SIGKILL)  # drawn last
from avfusion.cli import main
main()
"""


def test_a_process_killed_while_saving_leaves_nothing_under_the_final_name(ridge, out):
    arguments = [
        "compare",
        "synthetic",
        *SMALL,
        "--folds",
        "2",
        "--estimators",
        ridge,
        "--output",
        out / "result",
    ]
    process = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_SAVING, *map(str, arguments)], capture_output=True, timeout=120
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert not (out / "result").exists()
    fits = out / ".result.fits"
    assert len(list(fits.glob("*.npz"))) == 2  # which the same command takes over
    lock, part = sorted(set(out.iterdir()) - {fits})
    assert lock.name.startswith(".result.")
    assert (part / "table.csv").exists()  # it was in the midst of it
    clear_leftovers(out / "result")  # as the next one that writes it does
    assert list(out.iterdir()) == [fits]


def test_a_model_of_a_python_file_loads_where_the_file_is_gone(out):
    (out / "mine.py").write_text(
        "from sklearn.linear_model import Ridge\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from avfusion import Align, FrameRegressor\n"
        "class Mine(Ridge):\n"
        "    pass\n"
        "estimators = {'mine': make_pipeline(Align(rate_hz=1.0), FrameRegressor(Mine()))}\n"
    )
    run("fit", "synthetic", *SMALL, "-e", out / "mine.py", "-o", out / "mine.model")
    (out / "mine.py").unlink()
    assert type(persistence.load(out / "mine.model")[-1].regressor).__name__ == "Mine"


def test_no_command_overwrites_its_model_or_its_estimators(ridge, out):
    run("fit", "synthetic", *SMALL, "-e", ridge, "-o", out / "ridge.model")
    (out / "notes.parquet").write_text("notes")
    before = {path: path.read_bytes() for path in (ridge, out / "ridge.model", out / "notes.parquet")}
    for command in (
        ("fit", "synthetic", *SMALL, "-e", f"{ridge}:ridge", "-o", ridge, "--force"),
        ("compare", "synthetic", *SMALL, "-e", ridge, "-o", ridge),
        ("predict", out / "ridge.model", "synthetic", *SMALL, "-o", out / "notes.parquet"),
        ("predict", out / "ridge.model", "synthetic", *SMALL, "-o", out / "ridge.model"),
    ):
        run(*command, code=2)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_classes_of_a_python_file_reach_the_worker_processes(out):
    (out / "mine.py").write_text(
        "from avfusion import Align, FrameRegressor\n"
        "from sklearn.pipeline import make_pipeline\n"
        "class Mine(FrameRegressor):\n"
        "    pass\n"
        "estimators = {'mine': make_pipeline(Align(rate_hz=1.0), Mine())}\n"
    )
    process = start("compare", "synthetic", *SMALL, "-e", out / "mine.py", "--jobs", 2, "-o", out / "result")
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert b"mine" in stdout
    assert (out / "result" / "table.csv").exists()


def versions_with_torch(number):
    return lambda names: package_versions(names) | {"torch": number}


def test_a_model_of_another_version_warns_in_one_line(ridge, out, monkeypatch):
    monkeypatch.setattr(persistence, "package_versions", versions_with_torch("1.0"))
    run("fit", "synthetic", *SMALL, "-e", ridge, "-o", out / "old.model")
    process = start("predict", out / "old.model", "synthetic", *SMALL, "-o", out / "p.parquet")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    lines = stderr.decode().splitlines()
    assert re.match("Warning: .*old.model was saved with torch 1.0", lines[0])
    assert lines[1:] == [f"Written to {out / 'p.parquet'}"]


def test_the_help_needs_none_of_the_heavy_libraries():
    code = (
        "import sys, types\n"
        "package = types.ModuleType('avfusion')\n"  # without what `import avfusion` does
        f"package.__path__ = {av.__path__!r}\n"
        "sys.modules['avfusion'] = package\n"
        "import avfusion.cli\n"
        "print(*{'torch', 'sklearn', 'pandas', 'numpy', 'yaml'} & set(sys.modules))"
    )
    process = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert process.stdout.strip() == ""


@pytest.fixture
def clips(tmp_path):
    """A folder with labels per step, as many as there are steps."""
    rng = np.random.default_rng(0)
    for modality in ("audio", "labels"):
        (tmp_path / "clips" / modality).mkdir(parents=True)
    for name in ("a", "b.1", "c"):
        signal = rng.normal(size=20 + len(name))
        np.save(tmp_path / "clips" / "audio" / f"{name}.npy", np.column_stack([signal, signal**2]))
        pd.DataFrame({"mood": signal}).to_csv(tmp_path / "clips" / "labels" / f"{name}.csv", index=False)
    return tmp_path / "clips"


def test_predictions_of_a_folder_mirror_its_labels(clips, out):
    run("fit", clips, "-e", "ridge", "-o", out / "ridge.model")
    (clips / "labels" / "a.csv").write_bytes(b"\xff\xfe\x00 damaged")
    (clips / "labels" / "b.1.csv").unlink()
    run("describe", clips, code=2)
    run("predict", out / "ridge.model", clips, "-o", f"{out}/predictions/")
    run("predict", out / "ridge.model", clips, "-o", out / "long.csv")
    assert sorted(path.name for path in (out / "predictions").iterdir()) == ["a.csv", "b.1.csv", "c.csv"]
    long = pd.read_csv(out / "long.csv")
    for name, rows in long.groupby("recording"):
        steps = pd.read_csv(out / "predictions" / f"{name}.csv")
        assert steps.columns.tolist() == ["mood"]
        np.testing.assert_array_equal(steps["mood"], rows["mood"])
    again = run("predict", out / "ridge.model", clips, "-o", out / "predictions", code=2)
    assert "is there already: name a new folder" in again.stderr
    inside = run("predict", out / "ridge.model", clips, "-o", clips / "predictions", code=2)
    assert "would be read as one of them" in inside.stderr
    assert sorted(path.name for path in clips.iterdir()) == ["audio", "labels"]


def test_predict_reads_labels_where_it_has_to_be_paired_with_them(clips, out):
    np.save(clips / "audio" / "a.npy", np.load(clips / "audio" / "a.npy")[5:])
    options = ["--rate", "audio=1", "--rate", "labels=1", "--pair", "trim"]
    run("fit", clips, *options, "-e", "ridge", "-o", out / "ridge.model")
    run("predict", out / "ridge.model", clips, *options, "-o", out / "p.csv")
    assert pd.read_csv(out / "p.csv").groupby("recording").size().to_dict() == {"a": 16, "b.1": 23, "c": 21}


def test_aff_wild2_is_recognised(tmp_path, out):
    write_aff_wild2(tmp_path / "aff")
    rates = ["--rate", "labels=30", "--rate", "audio=100"]
    text = run("describe", tmp_path / "aff", *rates).stdout
    assert words_in(text, "6 recordings", "audio 3 100 Hz", "video 6 30 Hz", "valence frame 30 Hz")
    (out / "mine.yaml").write_text(
        "trees: {FrameRegressor: {regressor: {HistGradientBoostingRegressor: {}}}}"
    )
    official = ["--train", "partition=train", "--test", "partition=validation", "--scoring", "abaw"]
    with pytest.warns(UserWarning, match="Left out"):
        run(
            "compare",
            tmp_path / "aff",
            *rates,
            "--pair",
            "trim",
            *official,
            "-e",
            out / "mine.yaml",
            "-o",
            out / "r",
        )
    folds = pd.read_csv(out / "r" / "folds.csv")
    assert (folds["n_train"].item(), folds["n_test"].item()) == (4, 2)
    assert pd.read_csv(out / "r" / "targets.csv")["target"].tolist() == ["valence", "arousal"]


def test_a_folder_becomes_a_store_and_data(clips):
    store = clips.parent / "clips.store"
    written = run("import", clips, "-o", store, "--rate", "audio=10", "--rate", "labels=10")
    assert words_in(written.output, "3 recordings, labels mood. Written to")
    assert words_in(run("describe", store).output, "10 Hz")
    assert words_in(run("import", clips, "-o", store, code=2).output, "choose another name, or --force")
    run("import", clips, "-o", store, "--force")
    assert words_in(
        run("describe", store, "--rate", "audio=3", code=2).output, "--rate is for what is imported"
    )
    assert words_in(run("import", clips, "-o", clips / "x", code=2).output, "would be read as one of them")


def test_damaged_files_are_skipped_if_that_is_asked_for(clips):
    next((clips / "audio").iterdir()).write_bytes(b"x")
    assert words_in(run("describe", clips, code=2).output, "cannot be read")
    described = run("describe", clips, "--skip-damaged")
    assert words_in(described.output, "2 recordings", "Damaged files were skipped")
