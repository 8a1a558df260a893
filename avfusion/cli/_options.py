"""Arguments and options that several commands share, and the texts that explain them."""

from pathlib import Path
from typing import Annotated

import typer

DATA_HELP = """\b
What DATA can be:
  synthetic      drawn recordings, see --option
  studyforrest   a feature film with its emotions, downloaded once (20 MB)
  FILE.parquet   a Parquet (or .feather) file with columns of sequences, as
                 DataFrame.to_parquet writes them; --target names the labels
  FOLDER         a sub-folder for each modality, a file for each recording:
    audio/clip01.npy    (steps, features), or .csv: a row per step
    video/clip01.npy    a recording without this file lacks the stream
    labels/clip01.csv   labels per step, a column for each target
    labels.csv          or labels per clip: columns recording, TARGET...
    metadata.csv        optional: columns recording, subject...
    rates.toml          optional: steps per second, lines such as audio = 25"""

ESTIMATORS_HELP = """\b
A file of estimators (YAML; TOML likewise) names them and lists their steps:
  ridge:
    - Align: {rate_hz: 1, aggregate: [mean, std]}
    - AddContext: {widths_s: [1, 5, 21]}
    - FrameRegressor: {regressor: {Ridge: {alpha: 1000}}}
  attention:
    - Align: {rate_hz: 1}
    - RecursiveJointAttentionRegressor: {hidden_size: 64, max_epochs: 30}
Classes are those of avfusion, else of scikit-learn. A Python file defines
estimators = {name: estimator}; it is executed, so use only files you trust."""

EXIT_CODES = """\b
Exit codes: 0 done, 2 something is wrong with what was given, 1 a failure,
130 interrupted. Results appear under their name only when they are whole."""


def examples(*lines):
    """Write examples of a command for the end of its help. The backspace lets the lines stay as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  avfusion {line}" for line in lines)


Data = Annotated[str, typer.Argument(metavar="DATA", help="synthetic, studyforrest, a file or a folder.")]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Replace a file of another kind that has this name; never one that is read."
    ),
]
Target = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="NAME", help="A target; repeat for several. [default: all]"),
]
Rate = Annotated[
    list[str] | None,
    typer.Option("--rate", metavar="NAME=HZ", help="Steps per second of a modality, or of labels; repeat."),
]
DataHome = Annotated[
    Path | None,
    typer.Option(
        "--data-home", metavar="FOLDER", help="Where studyforrest is kept. [default: ~/avfusion_data]"
    ),
]
Setting = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="A parameter of the synthetic recordings, such as n_recordings=20 or target=clip; repeat.",
    ),
]
MissingLabel = Annotated[
    list[float] | None,
    typer.Option(
        "--missing-label",
        metavar="NUMBER",
        help='Number that stands for "no label", such as -5 or 9999; repeat.',
    ),
]
Valid = Annotated[
    list[str] | None,
    typer.Option(
        "--valid",
        metavar="COLUMN[>=NUMBER]",
        help="In a folder: column of features that says which steps were observed, above 0 or from a number "
        'on, such as "confidence>=0.8"; repeat. All others are NaN. "none" takes all. [default: success]',
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="COLUMN",
        help="Column that is a feature although it looks like a clock, a counter...; repeat.",
    ),
]
Raters = Annotated[
    str | None,
    typer.Option("--raters", metavar="mean", help="In a folder: average the labels of several annotators."),
]
SkipDamaged = Annotated[
    bool,
    typer.Option(
        "--skip-damaged",
        help="In a folder: leave out recordings with a file that cannot be read, and name them.",
    ),
]
LabelStart = Annotated[
    float | None,
    typer.Option(
        "--label-start",
        metavar="SECONDS",
        help="When the first label begins. [default: with the streams]",
    ),
]
Pair = Annotated[
    str | None,
    typer.Option(
        "--pair",
        metavar="trim|pad|SECONDS",
        help="Bring streams and labels onto the steps of the labels, by time: trim both to what they share, "
        "by at most so many seconds, or keep all of the streams.",
    ),
]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--groups",
        metavar="COLUMN",
        help="Metadata column whose values are never on both sides of a split, such as subject; repeat for "
        "several, as video: test rows share none of them. "
        "[default: subject of synthetic, segment of studyforrest]",
    ),
]
Cv = Annotated[
    str | None,
    typer.Option(
        "--cv",
        metavar="KIND",
        help="What is new in the test rows: groups (values of --groups), crossed (of several --groups at "
        "once), time (another part of each recording, which --groups names) or forward (a later part). "
        "[default: groups, of several crossed]",
    ),
]
Gap = Annotated[
    float | None,
    typer.Option(
        "--gap",
        metavar="SECONDS",
        help="With --cv time or forward: rows nearer than this to a test row do not train. [default: 0]",
    ),
]
Situation = Annotated[
    list[str] | None,
    typer.Option(
        "--situation",
        metavar="ROLE=COLUMN",
        help="Metadata column that says which stimulus or which person a recording is of, as stimulus=video; "
        "repeat. What these alone predict stands beneath the table; none shows nothing. "
        "[default: columns that are called video, clip, story...; subject, speaker..., or --groups]",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", help="Seed of all that is drawn, wherever no other seed is written.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress. (It is shown on terminals only.)")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")]

# of every command that reads DATA, beside its seed
READING = {
    "rate": Rate,
    "missing_label": MissingLabel,
    "valid": Valid,
    "keep": Keep,
    "raters": Raters,
    "skip_damaged": SkipDamaged,
    "label_start": LabelStart,
    "pair": Pair,
    "data_home": DataHome,
    "option": Setting,
}
