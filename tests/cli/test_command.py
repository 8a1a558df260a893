"""The command itself: warnings once and in a line, interrupts that are no failures."""

import signal
import sys
from typing import Annotated

import pytest
import typer

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
