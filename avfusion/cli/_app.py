"""The commands: their arguments, output and exit codes."""

import functools
import inspect
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Annotated

import typer

from avfusion.cli._options import (
    DATA_HELP,
    ESTIMATORS_HELP,
    EXIT_CODES,
    READING,
    Data,
    Debug,
    Groups,
    Quiet,
    Seed,
    Target,
    examples,
)

app = typer.Typer(
    name="avfusion",
    help="Compare audio-visual fusion methods on recordings, fit one, and predict with it.",
    epilog="\n\n".join(
        [
            examples(
                "describe studyforrest",
                "compare studyforrest --target arousal --output results",
                "fit studyforrest --target arousal --estimator joint-attention -o film.model",
                "predict film.model studyforrest -o predictions.parquet",
            ),
            "avfusion COMMAND --help explains all options.",
            EXIT_CODES,
        ]
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main():
    """Run the command line; Ctrl-C ends it with exit code 130."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    warnings.showwarning = _show_once(set())
    try:
        app(prog_name="avfusion")
    except _Interrupted:
        typer.echo("Interrupted: nothing was written.", err=True)
        sys.exit(130)


def _show_once(shown):
    """Return what shows warnings: in one line each, and what reading and comparing both say only once."""

    def show(message, *_, **__):
        if str(message) not in shown:
            typer.echo(f"Warning: {message}", err=True)
        shown.add(str(message))

    return show


class _Interrupted(BaseException):
    """Ctrl-C. A KeyboardInterrupt would leave with exit code 1, like a failure."""


def _interrupt(signum, frame):
    raise _Interrupted


def _command(*epilog):
    """Make a function a command that reports errors in one line and ends with the right exit code."""

    def register(function):
        @functools.wraps(function)
        def run(debug, **arguments):
            arguments["reading"] = {name: arguments.pop(name) for name in READING}
            try:
                function(debug=debug, **arguments)
            except BrokenPipeError:  # the reader of our output has ended
                raise
            except Exception as error:
                code = 2 if _is_bad_input(error) else 1
                if debug or code == 1:
                    traceback.print_exc()
                kind = "" if code == 2 else f"Unexpected failure: {type(error).__name__}: "
                typer.echo(f"Error: {kind}{error}", err=True)
                raise typer.Exit(code) from error

        run.__signature__ = _with_reading(inspect.signature(function))
        run.__annotations__ = {name: one.annotation for name, one in run.__signature__.parameters.items()}
        app.command(epilog="\n\n".join(epilog), no_args_is_help=True)(run)
        return function

    return register


def _with_reading(signature):
    """Put the options that say how DATA is read in the place of the parameter `reading`."""
    parameters = []
    for name, parameter in signature.parameters.items():
        own = READING if name == "reading" else {}
        parameters += [parameter.replace(name=option, annotation=kind) for option, kind in own.items()]
        parameters += [] if own else [parameter]
    return signature.replace(parameters=parameters)


def _is_bad_input(error):
    if isinstance(error, RuntimeError) and error.__cause__ is not None:  # from `compare`
        error = error.__cause__
    return isinstance(error, (ValueError, TypeError, OSError))


def _read(data, target, reading, seed, labels=True):
    from avfusion.cli._recordings import read_recordings, with_label_time
    from avfusion.cli._words import parse_options, parse_rates, parse_valid

    layout = {"valid": parse_valid(reading["valid"]), "keep": reading["keep"], "raters": reading["raters"]}
    recordings = read_recordings(
        data,
        targets=target or (),
        rates=parse_rates(reading["rate"] or ()),
        data_home=reading["data_home"],
        options=parse_options(reading["option"] or ()),
        seed=seed,
        missing_label=reading["missing_label"],
        layout={name: value for name, value in layout.items() if value is not None},
        labels=labels,
    )
    return with_label_time(recordings, reading["label_start"], reading["pair"])


def _require_labels(recordings):
    if recordings.y is None:
        columns = ", ".join(map(str, recordings.X.columns))
        raise ValueError(
            f"{recordings.name} has no labels. In a file, name the columns with --target (it has {columns}); "
            "in a folder, put them into labels/ or labels.csv."
        )


def _known_groups(recordings, groups):
    from avfusion.cli._recordings import check_known

    if groups is None:
        return recordings.groups
    check_known("--groups", [groups], recordings.metadata, f"{recordings.name} has no such metadata column")
    return groups


@_command(
    examples(
        "describe synthetic --option n_recordings=10",
        "describe recordings/ --rate audio=100 --rate labels=25",
        "describe clips.parquet --target valence --target arousal",
        "describe film.model",
    ),
    DATA_HELP,
)
def describe(
    data: Annotated[str, typer.Argument(metavar="DATA", help="Recordings, or a saved model.")],
    target: Target = None,
    reading: dict | None = None,
    seed: Seed = 0,
    debug: Debug = False,
):
    """Describe recordings, or a saved model.

    Of recordings: modalities, targets and metadata. Of a model: what it reads and predicts.
    """
    from avfusion.cli._description import describe_model, describe_recordings
    from avfusion.cli._next_step import typed_options
    from avfusion.persistence import is_model, read_header

    if is_model(data):
        typer.echo(describe_model(data, read_header(data)))
    else:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            recordings = _read(data, target, reading, seed)
        notes = [str(warning.message) for warning in said]
        typer.echo(describe_recordings(recordings, notes, typed_options(target, reading)))


@_command(
    examples(
        "compare synthetic --jobs 2",
        "compare studyforrest --target arousal --output results",
        "compare recordings/ --estimators mine.yaml --groups subject --folds 5",
        "compare clips.parquet --target valence --scoring ccc,mae",
        "compare recordings/ --train partition=train --test partition=devel",
    ),
    DATA_HELP,
    ESTIMATORS_HELP,
    "Without --estimators: ridge regression with context, a network on each modality, early fusion, late "
    "fusion and recursive joint attention.",
    EXIT_CODES,
)
def compare(
    data: Data,
    estimators: Annotated[
        Path | None,
        typer.Option("--estimators", "-e", metavar="FILE", help="What to compare: .yaml, .toml or .py."),
    ] = None,
    target: Target = None,
    groups: Groups = None,
    scoring: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Scores, with commas between: ccc, pcc, sagr, rmse, mae, or scikit-learn's. "
            "[default: ccc,pcc,rmse,mae]",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="Folds. [default: each group once if there are at most 10, else 5]"),
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option(
            "--train",
            metavar="COLUMN=VALUE",
            help="Train on these rows alone, such as partition=train; repeat for more values.",
        ),
    ] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(
            "--test", metavar="COLUMN=VALUE", help="Test on these rows alone, with --train; repeat."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1 takes every core.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where to put tables, predictions, plot and settings."
        ),
    ] = None,
    reading: dict | None = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    debug: Debug = False,
):
    """Compare estimators by cross-validation.

    Every estimator predicts every recording after training without it (and without its group). The table has
    scores over all these predictions, with bootstrap intervals; --output keeps it, with the predictions. With
    --train and --test there is one fold, that of an official partition.
    """
    if folds and (train or test):
        raise ValueError("--folds is for cross-validation: leave it out with --train and --test.")
    if output is not None:
        from avfusion.cli._outputs import check_parent

        check_parent(output, data)
    recordings = _read(data, target, reading, seed)
    _require_labels(recordings)
    groups = _known_groups(recordings, groups)
    from avfusion.cli._estimators import choose_estimators
    from avfusion.cli._partitions import official_fold, warn_of_partition
    from avfusion.model_selection import compare as run

    official = official_fold(train, test, recordings)
    if official is None:
        warn_of_partition(recordings)

    result = run(
        choose_estimators(estimators, recordings, groups, seed),
        recordings.X,
        recordings.y,
        groups=groups,
        cv=official or folds,
        scoring=None if scoring is None else [name.strip() for name in scoring.split(",")],
        n_jobs=jobs,
        random_state=seed,
        verbose=not quiet and sys.stderr.isatty(),
    )
    typer.echo(repr(result))
    if output is not None:
        from avfusion.cli._results import save_comparison

        save_comparison(result, output)
        typer.echo(f"Written to {output}", err=True)
    if "n_failed" in result.table:
        typer.echo("Error: Some estimators failed in some folds; the warnings say why.", err=True)
        raise typer.Exit(1)


@_command(
    examples(
        "fit studyforrest --target arousal --estimator joint-attention -o film.model",
        "fit recordings/ --estimator mine.yaml:attention --output mine.model",
    ),
    "--estimator FILE takes the only estimator of a file, FILE:NAME one of several, and NAME one of those "
    "that compare takes by default: ridge, only-MODALITY, early-fusion, late-fusion, joint-attention.",
    DATA_HELP,
    ESTIMATORS_HELP,
    EXIT_CODES,
)
def fit(
    data: Data,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator", "-e", metavar="FILE[:NAME]", help="What to fit: .yaml, .toml or .py; or a name."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="The file to write.")],
    target: Target = None,
    groups: Groups = None,
    reading: dict | None = None,
    seed: Seed = 0,
    debug: Debug = False,
):
    """Fit an estimator to all recordings and save it."""
    from avfusion.cli._outputs import check_file

    check_file(output, data)
    recordings = _read(data, target, reading, seed)
    _require_labels(recordings)
    from avfusion import persistence
    from avfusion.cli._estimators import choose_estimator

    model = choose_estimator(estimator, recordings, _known_groups(recordings, groups), seed)
    model.fit(recordings.X, recordings.y)
    persistence.save(model, output, target_names=recordings.target_names)
    typer.echo(f"Written to {output}", err=True)


@_command(
    examples(
        "predict film.model studyforrest --output predictions.parquet",
        "predict mine.model new_recordings/ --rate audio=100 -o predictions.csv",
        "predict mine.model new_recordings/ -o predictions/",
    ),
    "The file has a row per recording: its metadata, and a column per target, with a sequence where labels "
    "are per step. In Python: import avfusion, pandas; pandas.read_parquet(FILE). A .csv file has a row per "
    "step: recording, metadata, step, time_s, and a column per target. A folder (a name without a suffix) "
    "has a file RECORDING.csv for each, like labels/: a column per target, a row per step.",
    "Loading a model executes code that its file names: use only models that you trust.",
    DATA_HELP,
    EXIT_CODES,
)
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that avfusion fit has written.")],
    data: Data,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            help="The .parquet, .feather or .csv file to write, or a folder, for one .csv per recording.",
        ),
    ],
    reading: dict | None = None,
    seed: Seed = 0,
    debug: Debug = False,
):
    """Predict the targets of recordings with a saved model.

    Labels are not read, except with --pair, which brings the recordings onto their steps.
    """
    from avfusion.cli._outputs import check_predictions

    path = check_predictions(output, data)
    from avfusion import persistence
    from avfusion.cli._results import predict_table, save_files, save_table

    header = persistence.read_header(model)
    recordings = _read(data, None, reading, seed, labels=reading["pair"] is not None)
    table = predict_table(persistence.load(model), header, recordings.X)
    (save_table if path.suffix else save_files)(table, path)
    typer.echo(f"Written to {path}", err=True)
