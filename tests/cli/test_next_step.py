"""The next command, and streams that do not end together."""

import shlex

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import avfusion as av
from avfusion.cli import app
from avfusion.cli._next_step import next_step, typed_options, unlike_lengths
from avfusion.cli._recordings import Recordings


def recordings(lengths, rates=None, **metadata):
    """Return recordings whose audio, video and labels have so many steps."""
    rates = rates or {}
    rng = np.random.default_rng(0)
    columns = {
        name: av.SequenceArray.from_sequences([rng.normal(size=n) for n in own], rate_hz=rates.get(name))
        for name, own in lengths.items()
    }
    y = pd.DataFrame({"mood": columns.pop("labels")})
    return Recordings("clips", pd.DataFrame(columns | metadata), y)


def test_nothing_to_say_where_all_end_together():
    assert unlike_lengths(recordings({"audio": [100, 80], "labels": [100, 80]})) == (None, None)
    rates = {"audio": 100, "labels": 1}
    assert unlike_lengths(recordings({"audio": [1000, 880], "labels": [10, 8]}, rates)) == (None, None)


def test_ends_that_are_apart_ask_for_a_pair():
    given = recordings({"audio": [1000, 800], "labels": [10, 5]}, {"audio": 100, "labels": 1})
    kind, note = unlike_lengths(given)
    assert kind == "ends"
    assert "in 1 of 2 recordings, most in row 1 (index 1): audio at 8.00 s, labels at 5.00 s." in note
    assert next_step(given) == "avfusion compare clips --pair trim --output results"
    assert "--pair trim" not in next_step(given, ["--pair", "0.1"])


def test_starts_count():
    given = recordings({"audio": [100], "labels": [69]}, {"audio": 2, "labels": 2})
    given.y["mood"] = given.y["mood"].array.with_clock(2.0, start_s=[15.5])
    assert unlike_lengths(given) == (None, None)


def test_a_few_steps_more_ask_for_a_pair_and_many_for_rates():
    near = recordings({"audio": [100, 80], "labels": [101, 80]})
    assert unlike_lengths(near)[0] == "steps"
    assert "--pair trim" in next_step(near)
    far = recordings({"audio": [100, 80], "labels": [10, 8]})
    kind, note = unlike_lengths(far)
    assert kind == "rates"
    assert "in 2 of 2 recordings, most in row 0 (index 0): audio 100, labels 10." in note
    assert next_step(far) == "avfusion describe clips --rate audio=HZ --rate labels=HZ"


@pytest.mark.parametrize(
    ("metadata", "options"),
    [
        ({"partition": ["Train", "devel", "test"]}, "--train partition=Train --test partition=devel"),
        ({"split": ["train", "train", "val"], "subject": [1, 1, 2]}, "--train split=train --test split=val"),
        ({"subject": [1, 1, 2]}, "--groups subject"),
        ({"Speaker": ["a", "b", "a"]}, "--groups Speaker"),
        ({"subject": [1, 2, 3]}, ""),
        ({"site": [1, 1, 2]}, ""),
    ],
)
def test_metadata_suggest_the_folds(metadata, options):
    given = recordings({"audio": [9, 9, 9], "labels": [9, 9, 9]}, **metadata)
    words = ["avfusion", "compare", "clips", *shlex.split(options), "--output", "results"]
    assert shlex.split(next_step(given)) == words


def test_markers_are_taken_out():
    given = recordings({"audio": [60, 60], "labels": [60, 60]})
    values = [np.r_[np.linspace(-1, 1, 55), [-50.0] * 5]] * 2
    given.y["mood"] = av.SequenceArray.from_sequences(values)
    assert "--missing-label -50" in next_step(given)


def test_no_labels_no_command():
    X = av.as_sequences({"audio": [[1.0]]})
    assert next_step(Recordings("clips", X, None)) is None


def test_options_as_they_were_typed():
    reading = {"rate": ["a=1", "b=2"], "label_start": 15.5, "valid": None, "missing_label": [-5.0, 9999.0]}
    assert shlex.join(typed_options(None, reading)) == (
        "--rate a=1 --rate b=2 --label-start 15.5 --missing-label -5 --missing-label 9999"
    )


def test_what_describe_says_next_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for modality in ("audio", "labels"):
        (tmp_path / "my clips" / modality).mkdir(parents=True)
    for name in "abcd":
        signal = rng.uniform(-1, 1, 60)
        label = np.where(np.arange(60) % 9 == 0, -5, signal)
        np.save(tmp_path / "my clips" / "audio" / f"{name}.npy", np.column_stack([signal, signal**2]))
        np.savetxt(tmp_path / "my clips" / "labels" / f"{name}.csv", label[:-2], header="mood", comments="")
    table = pd.DataFrame({"recording": list("abcd"), "partition": ["train", "train", "devel", "devel"]})
    table.to_csv(tmp_path / "my clips" / "metadata.csv", index=False)
    said = CliRunner().invoke(app, ["describe", "my clips", "--rate", "audio=5", "--rate", "labels=5"])
    command = shlex.split(said.stdout.splitlines()[-1])
    assert command[:3] == ["avfusion", "compare", "my clips"]
    assert {"--missing-label", "-5", "--pair", "--train", "partition=train"} <= set(command)
    (tmp_path / "ridge.yaml").write_text("ridge: FrameRegressor")
    with pytest.warns(UserWarning, match="Left out"):
        result = CliRunner().invoke(app, [*command[1:], "-e", "ridge.yaml"])
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "results" / "table.csv")["ccc"].item() > 0.9
