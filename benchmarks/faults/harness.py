"""Attacks, their run in a child, and the names of their ends."""

import io
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module

import benchmarks.faults
from benchmarks.faults.child import in_child

ENDS = ("clear", "fine", "obscure", "hang", "crash", "silent wrong", "executed")
BAD = ENDS[2:]
LIMIT_S = 20.0  # a module may have its own
CLEAR = (ValueError, TypeError, OSError, ImportError)
PLAIN = ("builtins", "avfusion", "benchmarks", "sklearn")  # whose errors are written for users
LONGEST = 600
OF_LIBRARIES = re.compile(  # words that name neither a file nor a remedy, in whatever they are wrapped
    r"codec can't (en|de)code|Expecting (value|property|',')|object has no attribute|not supported between|"
    r"object is not (iterable|callable|subscriptable)|(list|tuple|string) index out of|values to unpack|"
    r"NoneType|could not be broadcast|could not convert string"
)


@dataclass(frozen=True)
class Case:
    """A hostile input.

    Parameters
    ----------
    name : str
        Of its own within the module.
    run : callable
        Called in a child. Returns None if all is well or "silent wrong: why"; else it raises.
    may_execute : bool
        Whether the documentation says that this executes code.
    seconds : float or None
        The limit; the module's ``LIMIT_S`` or 20 by default.
    """

    name: str
    run: Callable
    may_execute: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class Event:
    """A kill or another event that was repeated, with counts of its outcomes.

    Parameters
    ----------
    name : str
    times : int
    outcomes : dict of str to int
        Outcomes and how often.
    good : tuple of str
        Outcomes that may occur; all others must be 0.
    """

    name: str
    times: int
    outcomes: dict = field(default_factory=dict)
    good: tuple = ("whole",)

    @property
    def bad(self):
        """Outcomes that may not occur, and occurred."""
        return {name: n for name, n in self.outcomes.items() if n and name not in self.good}


def modules():
    """Return the classes of attacks by name: modules with `cases` or `events`."""
    names = sorted(one.name for one in pkgutil.iter_modules(benchmarks.faults.__path__))
    found = {n: import_module(f"benchmarks.faults.{n}") for n in names if n not in ("__main__", "harness")}
    return {n: one for n, one in found.items() if hasattr(one, "cases") or hasattr(one, "events")}


class Obscure(Exception):
    """An end that tells a user nothing: a traceback, or an unexpected failure of the command line."""


def run_case(case, limit_s=LIMIT_S):
    """Run a case in a child and return a dict of its name, outcome, text, and seconds."""
    ended = in_child(lambda: _outcome(case), case.seconds or limit_s)
    if ended.how == "ended":
        outcome, text, where = ended.result
    elif ended.how in ("hang", "memory"):
        outcome, text, where = "hang", f"{ended.how} after {ended.wall_s:.1f} s", ended.output[-1000:]
    else:
        outcome, text, where = "crash", ended.how, ended.output
    if ended.executed and not case.may_execute:
        outcome = "executed"
    return {
        "case": case.name,
        "outcome": outcome,
        "text": text,
        "where": where,
        "seconds": round(ended.wall_s, 3),
    }


def _outcome(case):
    try:
        said = case.run()
    except BaseException as error:
        return *judged(error), traceback.format_exc()[-3000:]
    return (
        ("fine", "", "") if said is None else ("silent wrong", str(said).removeprefix("silent wrong: "), "")
    )


def judged(error):
    """Return "clear" or "obscure" for an exception, and its type and text.

    Clear is what the package raises on purpose: one of four kinds, in at most three printable lines. Errors
    of readers beneath (pyarrow, json, zipfile, codecs) name no file and no remedy, whatever kind they derive
    from.
    """
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, CLEAR):  # of a fit within `compare`
        error = error.__cause__
    try:
        message = str(error)
    except Exception as second:
        return "obscure", f"{type(error).__name__}, whose text fails: {type(second).__name__}"
    lines = message.splitlines()
    clear = isinstance(error, CLEAR) and not isinstance(error, UnicodeError)
    clear &= type(error).__module__.partition(".")[0] in PLAIN
    clear &= 1 <= len(lines) <= 3 and len(message) <= LONGEST and all(map(str.isprintable, lines))
    clear &= not (OF_LIBRARIES.search(message) and " cannot be read: " not in message)
    return "clear" if clear else "obscure", f"{type(error).__name__}: {ascii(message)[1:-1][:LONGEST]}"


def cli(*arguments):
    """Run the command ``avfusion`` in this process and return what it printed.

    Raises
    ------
    ValueError
        It ended with exit code 2, or on purpose with 1; the text is that of its one line "Error:".
    Obscure
        It ended with a traceback, with another exit code, or printed what a terminal obeys.
    """
    from avfusion.cli import main

    out, err, code, before = io.StringIO(), io.StringIO(), 0, sys.argv
    sys.argv = ["avfusion", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    said, wrong = out.getvalue(), err.getvalue()
    odd = sorted({c for c in said + wrong if not (c.isprintable() or c == "\n")})
    if odd:
        raise Obscure(f"prints {odd!a}")
    if code == 0:
        return said
    if code == 2 and "Usage: avfusion" in wrong and "Error" not in wrong:
        raise ValueError("It prints the help.")
    _, error, text = f"\n{wrong}".partition("\nError: ")
    unexpected = not error or "Traceback" in wrong or "Unexpected failure" in text or "\nError: " in text
    if code not in (1, 2) or unexpected:
        raise Obscure(f"exit code {code}: {text.strip() or wrong[-LONGEST:]}")
    raise ValueError(text.strip())
