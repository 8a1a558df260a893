"""Command lines: --option, --rate, every option with odd values."""

import warnings
from functools import partial
from pathlib import Path

from benchmarks.faults.folder_files import FRAMES, LABELS, write
from benchmarks.faults.harness import Case, cli

SMALL = (
    "synthetic",
    "--option",
    "n_recordings=4",
    "--option",
    "target=clip",
    "--option",
    "duration_s=[4, 6]",
)
WORDS = [
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "NaN",
    "1e-320",
    str(10**400),
    "abc",
    "None",
    "true",
    "[",
    "{}",
    "\x1b[31m",
]
WORDS += [
    "../..",
    "=",
    "a=b",
    "--debug",
    "-",
    "a\nb",
    "\u202e",
    "日本",
    "x" * 5000,
    "%s{0}",
    "$(touch $AVFUSION_CANARY)",
    "'",
    '"',
    "\\",
]
OPTIONS = {
    "describe": [
        "--target",
        "--rate",
        "--missing-label",
        "--valid",
        "--keep",
        "--raters",
        "--label-start",
        "--pair",
    ],
    "compare": [
        "--groups",
        "--scoring",
        "--folds",
        "--cv",
        "--gap",
        "--situation",
        "--train",
        "--test",
        "--jobs",
        "--estimators",
        "--seed",
    ],
    "fit": ["--estimator"],
    "predict": [],
}
VALUES = [
    "[",
    "]",
    "{",
    "}",
    "*a",
    "&a",
    "!!python/object/apply:os.system ['touch $AVFUSION_CANARY']",
    "!!bool maybe",
    "!x 1",
]
VALUES += [
    "'",
    '"',
    "- 1",
    "? a",
    "a: b: c",
    "%x",
    "@",
    "`",
    "|",
    ">",
    "#",
    "",
    "~",
    "null",
    "yes",
    "1_000",
    "1e400",
    ".inf",
    ".nan",
]
VALUES += [
    str(10**400),
    "-5",
    "0",
    "1.5",
    "0x10",
    "0o7",
    "2020-01-01",
    "!!timestamp x",
    "!!binary x",
    "[1, 2, 3]",
    "{a: 1}",
    "text",
]
VALUES += [
    "[" * 3000,
    "[" * 3000 + "]" * 3000,
    "a" * 1_000_000,
    "\x00",
    "\x1b[31m",
    "\ufeff1",
    "1\n---\n2",
    "<<: *a",
    "1e9",
    "10000000000000",
]
VALUES += [
    "!!int x",
    "!!float x",
    "!!null x",
    "!!set {a}",
    "!!omap [a]",
    "!!pairs [a]",
    "!!merge x",
    "190:20:30",
    "\ud800",
    "1 2",
]
NAMES = [
    "n_recordings",
    "duration_s",
    "target",
    "rate_hz",
    "random_state",
    "noise",
    "n_subjects",
    "nothing",
    "__class__",
    "",
]


def cases(folder, rng):
    from inspect import signature

    from avfusion.datasets import make_audiovisual_regression

    known = list(signature(make_audiovisual_regression).parameters)
    for value in VALUES:
        yield _case(
            f"--option n_recordings={_short(value)}",
            "describe",
            "synthetic",
            "--option",
            f"n_recordings={value}",
        )
    for name in dict.fromkeys([*known, *NAMES]):
        for value in (
            "[",
            "-1",
            "0",
            "text",
            "1e400",
            "[1]",
            "{a: 1}",
            "null",
            "true",
            "nan",
            ".inf",
            "1e12",
        ):
            yield _case(f"--option {name}={value}", "describe", "synthetic", "--option", f"{name}={value}")
    for value in WORDS:
        for text in (f"audio={value}", f"{value}=25", value):
            yield _case(f"--rate {_short(text)} of {_short(value)}", "describe", "d", "--rate", text)
        yield _case(f"--option {_short(value)}", "describe", "synthetic", "--option", value)
        for command, options in OPTIONS.items():
            for option in options:
                yield _case(
                    f"{command} {option} {_short(value)}", command, *_rest(command, option), option, value
                )
        for command in OPTIONS:
            yield _case(f"{command} of {_short(value)}", command, value, *_needed(command))
        yield _case(f"fit to {_short(value)}", "fit", *SMALL, "-e", "ridge", "-o", value)
        yield _case(f"import to {_short(value)}", "import", "d", "-o", value)
        yield _case(f"predict to {_short(value)}", "predict", "m.model", "d", "-o", value)
        yield _case(f"compare to {_short(value)}", "compare", "nowhere", "-o", value)
    for name, words in odd_lines().items():
        yield _case(name, *words)


def _case(name, *words):
    return Case(name, partial(attempt, words))


def _short(value):
    return ascii(value) if len(value) < 40 else f"{value[:20]!a} ({len(value)})"


def _rest(command, option):
    """Return the other words of a command that ends soon."""
    if command == "describe":
        return ("d",) if option != "--seed" else SMALL
    if command == "fit":
        return (*SMALL, "-o", "m.model")
    beside = {"--test": ("--train", "subject=s1"), "--gap": ("--cv", "time")}
    return (*SMALL, *beside.get(option, ()), *_quick(option))


def _quick(option):
    return () if option == "--estimators" else ("--estimators", "e.yaml")


def _needed(command):
    return {"fit": ("-e", "ridge", "-o", "m.model"), "predict": ("d", "-o", "p.csv")}.get(command, ())


def odd_lines():
    """Return command lines that lack, repeat or contradict something."""
    lines = {
        "nothing": (),
        "an unknown command": ("descrbe", "d"),
        "an unknown option": ("describe", "d", "--rates", "audio=5"),
        "no DATA": ("describe",),
        "two of DATA": ("describe", "d", "d"),
        "a value that is missing": ("describe", "d", "--rate"),
        "rates twice": ("describe", "d", "--rate", "audio=5", "--rate", "audio=6"),
        "a rate of no modality": ("describe", "d", "--rate", "video=5"),
        "a rate of synthetic": ("describe", *SMALL, "--rate", "audio=5"),
        "options of a folder": ("describe", "d", "--option", "n_recordings=4"),
        "targets twice": ("describe", "d", "--target", "label", "--target", "label"),
        "folds and train": ("compare", *SMALL, "--folds", "3", "--train", "subject=s1"),
        "test without train": ("compare", *SMALL, "--test", "subject=s1"),
        "more folds than rows": ("compare", *SMALL, "--folds", "500", "-e", "e.yaml"),
        "a fit without an estimator": ("fit", "d", "-o", "m.model"),
        "a fit without an output": ("fit", "d", "-e", "ridge"),
        "a fit of an estimator of no file": ("fit", "d", "-e", "nowhere.yaml", "-o", "m.model"),
        "a fit of an unknown estimator": ("fit", "d", "-e", "rigde", "-o", "m.model"),
        "a fit into no folder": ("fit", "d", "-e", "ridge", "-o", "nowhere/m.model"),
        "a prediction of no model": ("predict", "nowhere.model", "d", "-o", "p.csv"),
        "a prediction of a folder": ("predict", "d", "d", "-o", "p.csv"),
        "a prediction of a table": ("predict", "e.yaml", "d", "-o", "p.csv"),
        "a prediction to a suffix": ("predict", "e.yaml", "d", "-o", "p.docx"),
        "an import of synthetic": ("import", "synthetic", "-o", "s"),
        "an import into itself": ("import", "d", "-o", "d"),
        "an import below itself": ("import", "d", "-o", "d/audio/s"),
        "an import with a pair": ("import", "d", "-o", "s", "--pair", "trim"),
        "pairs of synthetic": ("describe", *SMALL, "--pair", "0.1"),
        "a start beyond all": ("describe", *SMALL, "--label-start", "1e300"),
        "a seed beyond all": ("describe", *SMALL, "--seed", str(2**64)),
        "a negative seed": ("describe", *SMALL, "--seed", "-1"),
        "a kind of folds that is none": ("compare", *SMALL, "--cv", "tiem", "-e", "e.yaml"),
        "crossed folds of one column": ("compare", *SMALL, "--cv", "crossed", "-e", "e.yaml"),
        "a gap without folds in time": ("compare", *SMALL, "--gap", "1", "-e", "e.yaml"),
        "folds in time of whole recordings": ("compare", *SMALL, "--cv", "time", "-e", "e.yaml"),
        "groups of one column twice": (
            *("compare", *SMALL, "-e", "e.yaml"),
            *("--groups", "subject", "--groups", "subject"),
        ),
        "a situation without a role": ("compare", *SMALL, "--situation", "subject", "-e", "e.yaml"),
        "a situation of no column": ("compare", *SMALL, "--situation", "stimulus=film", "-e", "e.yaml"),
        "a situation of a modality": ("compare", *SMALL, "--situation", "person=audio", "-e", "e.yaml"),
        "a role twice": (
            *("compare", *SMALL, "-e", "e.yaml"),
            *("--situation", "person=subject", "--situation", "person=subject"),
        ),
        "a role that is left out": ("compare", *SMALL, "--situation", "person=none", "-e", "e.yaml"),
        "a folder for results that is a file": ("compare", *SMALL, "-e", "e.yaml", "-o", "e.yaml"),
        "no jobs": ("compare", *SMALL, "-e", "e.yaml", "--jobs", "0"),
        "debug": ("describe", "d", "--debug"),
    }
    return {f"line: {name}": words for name, words in lines.items()}


def attempt(words):
    """Run a command line where there are a folder ``d`` and a file of estimators ``e.yaml``."""
    write(
        "d",
        {
            f"{name}/{row}.npy": frames
            for name, frames in (("audio", FRAMES), ("labels", LABELS))
            for row in "ab"
        },
    )
    Path("e.yaml").write_text("dummy: {FrameRegressor: {regressor: {Ridge: {}}}}\n")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        cli(*words)
