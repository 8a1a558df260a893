"""The command itself: warnings once and in a line, interrupts that are no failures."""

import contextlib
import signal
import sys
import warnings
from typing import Annotated

import pytest
import typer

import avfusion as av
from avfusion._atomic import atomic_write
from avfusion.cli import _command
from avfusion.cli._command import show_once


def test_a_warning_is_shown_once(capsys):
    show = show_once(set())
    assert [show(message) for message in ("Look.", "Look.", "Listen.")] == [None] * 3
    assert capsys.readouterr().err == "Warning: Look.\nWarning: Listen.\n"


def test_an_interrupt_has_an_exit_code_of_its_own(monkeypatch, capsys):
    def interrupted(prog_name):
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job ignores
    monkeypatch.setattr(_command, "app", interrupted)
    try:
        with pytest.raises(SystemExit, match="130"):
            _command.main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "Interrupted: nothing was written.\n"


def test_no_message_has_what_a_terminal_would_obey(capsys):
    show_once(set())("a\x1b[31m.csv\nis damaged.")
    assert capsys.readouterr().err == "Warning: a\\x1b[31m.csv\nis damaged.\n"


def test_an_interrupt_after_the_result_was_written_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(_command, "app", typer.Typer())
    monkeypatch.setattr(sys, "argv", ["avfusion", "--output", "m.model"])
    monkeypatch.chdir(tmp_path)

    @_command.command("Notes.")
    def fit(
        output: Annotated[str, typer.Option("--output")], reading: dict | None = None, debug: bool = False
    ):
        """Fit."""
        with atomic_write(output) as part:
            part.write_text("model")
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(SystemExit, match="130"):
            _command.main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "Interrupted: m.model is written.\n"


HOSTILE = "a\x1b]0;title\x07\x1b[2J\u202e\r"


def run(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["avfusion", *arguments])
    with contextlib.suppress(SystemExit):
        _command.main()
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.fixture
def as_before():
    before = signal.getsignal(signal.SIGINT), warnings.showwarning
    yield
    signal.signal(signal.SIGINT, before[0])
    warnings.showwarning = before[1]


@pytest.mark.usefixtures("as_before")
def test_nothing_that_is_printed_has_what_a_terminal_would_obey(tmp_path, capsys, monkeypatch):
    X, y = av.datasets.make_audiovisual_regression(4, duration_s=(20, 30), target="clip", random_state=0)
    X = X[["audio"]].rename(columns={"audio": f"audio{HOSTILE}"}).assign(site=HOSTILE)
    X.index = [f"{HOSTILE}{k}" for k in range(4)]
    X.assign(**{f"mood{HOSTILE}": y.to_numpy()}).to_parquet(tmp_path / f"{HOSTILE}.parquet")
    model = av.FrameRegressor().fit(X, y)
    av.persistence.save(model, tmp_path / f"{HOSTILE}.model", target_names=[f"mood{HOSTILE}"])
    data, saved = str(tmp_path / f"{HOSTILE}.parquet"), str(tmp_path / f"{HOSTILE}.model")
    (tmp_path / "e.yaml").write_text('"r\\e[31m": {FrameRegressor: {}}')
    target = f"mood{HOSTILE}"
    estimators = str(tmp_path / "e.yaml")
    for arguments, shown in [
        (["describe", data, "--target", target], ["audioa\\x1b]0", "mooda\\x1b]0", "\\u202e"]),
        (["describe", saved], ["mooda\\x1b]0", "audioa\\x1b]0", ".model: a model saved"]),
        (
            ["compare", data, "--target", target, "-e", estimators, "--folds", "2"],
            ["r\\x1b[31m"],
        ),
        (["describe", data, "--target", HOSTILE], ["a\\x1b]0"]),
        (["describe", HOSTILE], ["a\\x1b]0"]),
        (["describe", data, f"--{HOSTILE}"], ["a\\x1b]0"]),
        ([HOSTILE], ["a\\x1b]0"]),
        (["fit", data, "-e", f"{HOSTILE}.yaml", "-o", str(tmp_path / "x")], ["a\\x1b]0"]),
        (["predict", saved, data, "-o", str(tmp_path / f"{HOSTILE}.csv")], ["a\\x1b]0"]),
    ]:
        text = run(capsys, monkeypatch, *arguments)
        assert not [character for character in text if not (character.isprintable() or character == "\n")]
        assert all(part in text for part in shown), (arguments, text)
