"""The commands: their arguments, and what they do with them."""

import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from avfusion._atomic import write_or_keep
from avfusion.cli._command import command, echo
from avfusion.cli._options import (
    DATA_HELP,
    ESTIMATORS_HELP,
    EXIT_CODES,
    Cv,
    Data,
    Debug,
    Force,
    Gap,
    Groups,
    Quiet,
    Seed,
    Situation,
    Target,
    examples,
)


def _read(data, target, reading, seed, labels=True):
    from avfusion.cli._recordings import read_recordings, with_label_time
    from avfusion.cli._words import parse_options, parse_rates

    recordings = read_recordings(
        data,
        targets=target or (),
        rates=parse_rates(reading["rate"] or ()),
        data_home=reading["data_home"],
        options=parse_options(reading["option"] or ()),
        seed=seed,
        missing_label=reading["missing_label"],
        layout=_layout(reading),
        labels=labels,
    )
    return with_label_time(recordings, reading["label_start"], reading["pair"])


def _layout(reading):
    """Return the parameters of `load_folder` that were given."""
    from avfusion.cli._words import parse_valid

    given = {"valid": parse_valid(reading["valid"]), "keep": reading["keep"], "raters": reading["raters"]}
    given["skip_damaged"] = reading["skip_damaged"] or None
    return {name: value for name, value in given.items() if value is not None}


def _check_estimators(text):
    """Refuse a file of estimators before recordings are read, which may take long."""
    if text is not None:
        from avfusion.cli._estimators import check_estimators

        check_estimators(str(text))


def _require_labels(recordings):
    if recordings.y is None:
        columns = ", ".join(map(str, recordings.X.columns))
        raise ValueError(
            f"{recordings.name} has no labels. In a file, name the columns with --target (it has {columns}); "
            "in a folder, put them into labels/ or labels.csv."
        )


@command(
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
        echo(describe_model(data, read_header(data)))
    else:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            recordings = _read(data, target, reading, seed)
        notes = [str(warning.message) for warning in said]
        echo(describe_recordings(recordings, notes, typed_options(target, reading)))


@command(
    examples(
        "import recordings/ --rate audio=100 --output recordings.store",
        "import clips/ --skip-damaged -o clips.store",
        "compare recordings.store --train partition=train --test partition=devel",
    ),
    "The store is a folder. It appears when it is complete, is opened in milliseconds, checked, and may be "
    "larger than memory. Every other command takes it as DATA.",
    EXIT_CODES,
    name="import",
)
def import_(
    data: Annotated[Path, typer.Argument(metavar="FOLDER", help="Recordings, as of every other command.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="STORE", help="The store to write.")],
    target: Target = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a store of this name.")] = False,
    reading: dict | None = None,
    quiet: Quiet = False,
    debug: Debug = False,
):
    """Import a folder of recordings into a store, which is opened at once and may be larger than memory.

    Files are read one by one, labels and metadata with them.
    """
    from avfusion.cli._outputs import check_parent

    check_parent(output, str(data))
    if output.exists() and not force:
        raise ValueError(f"--output {output} exists: choose another name, or --force to replace a store.")
    from avfusion.cli._words import parse_rates
    from avfusion.datasets import import_folder

    for option in ("label_start", "pair", "data_home", "option"):
        if reading[option] not in (None, []):
            raise ValueError(f"--{option.replace('_', '-')} is for what reads the store, not for import.")
    X, y = import_folder(
        data,
        output,
        overwrite=force,
        verbose=not quiet and sys.stderr.isatty(),
        rate_hz=parse_rates(reading["rate"] or ()),
        targets=target or None,
        missing_label=reading["missing_label"] or None,
        **_layout(reading),
    )
    labels = "no labels" if y is None else f"labels {', '.join(map(str, y.columns))}"
    echo(f"{len(X)} recordings, {labels}. Written to {output}", err=True)


@command(
    examples(
        "compare synthetic --jobs 2",
        "compare studyforrest --target arousal --output results",
        "compare recordings/ --estimators mine.yaml --groups subject --folds 5",
        "compare recordings/ --groups subject --groups video",
        "compare segments.parquet --groups recording --cv time --gap 10",
        "compare recordings/ --groups listener --situation stimulus=film",
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
            help="Scores, with commas between: ccc, pcc, sagr, rmse, mae, also rmse_per_recording and so on, "
            "or scikit-learn's. "
            "[default: ccc,pcc,rmse,mae]",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="Folds. [default: each group once if there are at most 10, else 5]"),
    ] = None,
    cv: Cv = None,
    gap: Gap = None,
    situation: Situation = None,
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
    scores over all these predictions, with bootstrap intervals, and the seconds (or min, h) of one fit and
    its predictions; with several targets it has their means, and the first score of each follows. --output
    keeps all of it, with each target and the predictions. With --train and --test there is one fold, that of
    an official partition.
    """
    from avfusion.cli._splits import check_options, check_situation, known_groups, splitter
    from avfusion.cli._words import parse_situation

    check_options(cv, folds, gap, train, test)
    situation = parse_situation(situation)
    if output is not None:
        from avfusion.cli._outputs import check_results
        from avfusion.cli._overwriting import check_not_read

        check_results(output, data)
        check_not_read(output, data, estimators)
    _check_estimators(estimators)
    recordings = _read(data, target, reading, seed)
    _require_labels(recordings)
    groups = known_groups(recordings, groups)
    check_situation(recordings, situation)
    from avfusion.cli._estimators import choose_estimators
    from avfusion.cli._partitions import official_fold, warn_of_partition
    from avfusion.cli._unfinished import kept_fits
    from avfusion.model_selection import compare as run
    from avfusion.model_selection.comparison._rendering import as_text

    official, cv = official_fold(train, test, recordings), splitter(cv, folds, gap, groups)
    if official is None:
        warn_of_partition(recordings)

    chosen = choose_estimators(estimators, recordings, groups, seed)
    with kept_fits(output, estimators) as fits:
        result = run(
            chosen,
            recordings.X,
            recordings.y,
            groups=groups,
            cv=official or cv,
            scoring=None if scoring is None else [name.strip() for name in scoring.split(",")],
            n_jobs=jobs,
            resume=fits,
            situation=situation,
            random_state=seed,
            verbose=not quiet and sys.stderr.isatty(),
        )
        echo(as_text(result, all_targets=True))
        if output is not None:
            result.save(output)
            echo(f"Written to {output}", err=True)
    if "n_failed" in result.table:
        echo("Error: Some estimators failed in some folds; the warnings say why.", err=True)
        raise typer.Exit(1)


@command(
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
    force: Force = False,
    target: Target = None,
    groups: Groups = None,
    reading: dict | None = None,
    seed: Seed = 0,
    debug: Debug = False,
):
    """Fit an estimator to all recordings and save it."""
    from avfusion.cli._outputs import check_file
    from avfusion.cli._overwriting import check_not_read, check_replaced_model

    check_file(output, data)
    check_not_read(output, data, estimator, estimator.rpartition(":")[0])
    check_replaced_model(output, force)
    _check_estimators(estimator)
    recordings = _read(data, target, reading, seed)
    _require_labels(recordings)
    from avfusion import persistence
    from avfusion._by_value import check_can_be_saved
    from avfusion.cli._estimators import choose_estimator
    from avfusion.cli._splits import known_groups

    model = choose_estimator(estimator, recordings, known_groups(recordings, groups), seed)
    check_can_be_saved(model)
    model.fit(recordings.X, recordings.y)
    write_or_keep(lambda path: persistence.save(model, path, target_names=recordings.target_names), output)
    echo(f"Written to {output}", err=True)


@command(
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
    force: Force = False,
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
    from avfusion.cli._overwriting import check_not_read, check_replaced_table
    from avfusion.cli._results import predict_table, save_files
    from avfusion.cli._tables import save_table
    from avfusion.cli._trial import check_can_be_written

    header = persistence.read_header(model)
    check_not_read(path, data, model)
    check_replaced_table(path, header, force)
    recordings = _read(data, None, reading, seed, labels=reading["pair"] is not None)
    check_can_be_written(recordings.X, header, path)
    table = predict_table(persistence.load(model), header, recordings.X)
    write_or_keep(partial(save_table if path.suffix else save_files, table), path)
    echo(f"Written to {path}", err=True)
