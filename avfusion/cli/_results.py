"""Write the results of the commands, completely or not at all."""

import pandas as pd

from avfusion._atomic import StagedFolder, named
from avfusion.cli._outputs import check_names
from avfusion.cli._recordings import drop_other_streams
from avfusion.cli._tables import steps_of
from avfusion.sequences import SequenceArray, as_targets, sequence_columns


def predict_table(model, header, X):
    """Predict, and put the predictions beside the metadata.

    Parameters
    ----------
    model : estimator
        Fitted.
    header : dict
        Its header, from `avfusion.persistence.read_header`.
    X : pandas.DataFrame
        Recordings. Sequence columns that the model does not know are ignored.

    Returns
    -------
    pandas.DataFrame
        With the rows and the index of X: metadata, and a column per target.
    """
    X = drop_other_streams(X, header["modalities"])
    predictions = model.predict(X)
    if isinstance(predictions, pd.Series):
        predictions = predictions.to_frame()
    if not isinstance(predictions, pd.DataFrame):
        predictions = _as_columns(predictions, header["targets"]["names"], X.index)
    known = [*sequence_columns(X), *predictions.columns]
    metadata = X.drop(columns=[name for name in known if name in X.columns])
    return metadata.assign(**{str(name): column.array for name, column in predictions.items()})


def save_files(table, folder):
    r"""Write a .csv file for each recording, like those of labels, to a folder that appears when all are
    there.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each recording, named by the index: predictions per step, and metadata, which are left out.
    folder : pathlib.Path
        Of a recording ``clip01`` it will hold ``clip01.csv``: a line of the targets' names, and one per step.
        A recording without prediction has no file.

    Raises
    ------
    ValueError
        If predictions are per clip, or recordings have names that no files can have.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from avfusion.sequences import as_sequences
    >>> table = as_sequences({"mood": [[0.5, 0.25]]}).set_axis(["clip01"])
    >>> with TemporaryDirectory() as folder:
    ...     save_files(table, Path(folder, "predictions"))
    ...     Path(folder, "predictions", "clip01.csv").read_text()
    'mood\n0.5\n0.25\n'
    """
    targets = sequence_columns(table)
    if not targets:
        raise ValueError(f"Predictions are per clip: write them to one file, --output {folder}.csv.")
    check_names(table.index)
    tables = {}
    for name, row in zip(table.index, table[targets].itertuples(index=False)):
        steps = {target: cell.frames for target, cell in zip(targets, row) if cell is not pd.NA}
        if steps:
            tables[name] = pd.DataFrame(steps_of(steps))
    head = ",".join(next(iter(tables.values()))) if tables else ""
    staged = StagedFolder(folder, lambda there: _is_of_other_run(there, head), what="folder of predictions")
    try:
        with named(folder, staged.part):
            for name, steps in tables.items():
                steps.to_csv(staged.part / f"{name}.csv", index=False)
        staged.commit()
    finally:
        staged.discard()


def _is_of_other_run(folder, head):
    """Return whether a folder is empty, or has what another process predicted while this one did.

    Before the work, a folder that holds anything was refused; so this one came into being since then.
    """
    if not folder.is_dir():
        return False
    for file in folder.iterdir():
        if file.suffix != ".csv" or file.is_symlink() or not file.is_file():
            return False
        with file.open(encoding="utf-8", errors="replace") as lines:
            if lines.readline().rstrip("\n").replace('"', "") != head.replace('"', ""):
                return False
    return True


def _as_columns(predictions, names, index):
    """Return columns for the arrays that estimators of scikit-learn predict."""
    targets = as_targets(predictions)
    names = targets.form.target_names if names is None else names
    columns = targets.values.T
    if targets.lengths is not None:
        starts = targets.lengths.cumsum() - targets.lengths
        columns = [SequenceArray(values[:, None].copy(), starts, targets.lengths) for values in columns]
    return pd.DataFrame(dict(zip(names, columns)), index=index)
