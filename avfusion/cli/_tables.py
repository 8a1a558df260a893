"""Tables of predictions: Parquet, Feather and CSV files that keep the labels of all rows."""

from collections import Counter

import numpy as np
import pyarrow as pa

from avfusion._atomic import atomic_write
from avfusion._checksums import write_table
from avfusion.sequences import sequence_columns
from avfusion.sequences._messages import quoted


def check_rows(X, targets, path):
    """Raise, before the work, if a file would not keep the labels of rows, or two columns had one name.

    Parameters
    ----------
    X : pandas.DataFrame
        The recordings.
    targets : list of str or None
        What will be predicted.
    path : pathlib.Path
        What will be written.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> check_rows(pd.DataFrame({"step": [1]}), ["mood"], Path("p.feather"))
    >>> check_rows(pd.DataFrame({"step": [1]}), ["mood"], Path("p.csv"))
    Traceback (most recent call last):
    ...
    ValueError: --output p.csv would have two columns 'step': rename a column or level of the index of the ...
    """
    targets = [str(name) for name in targets or ()]
    metadata = X.drop(columns=[name for name in X.columns if name in sequence_columns(X) or name in targets])
    names = [*map(str, metadata.columns), *targets]
    if path.suffix.lower() == ".csv":
        names += [*map(str, _level_names(metadata.index)), "step", "time_s"]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise ValueError(
            f"--output {path} would have two columns {quoted(twice, limit=3)}: rename a column or level of "
            "the index of the recordings, or leave it out."
        )
    try:
        if path.suffix.lower() == ".csv":
            return long_table(metadata).to_csv(index=False).encode() and None
        again = pa.Table.from_pandas(metadata).to_pandas().index
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        unknown = isinstance(error, UnicodeError)  # names of files of another encoding
        raise _not_kept(path, "a text is no Unicode" if unknown else str(error)) from error
    names = [list(map(str, index.names)) for index in (again, metadata.index)]
    if not again.equals(metadata.index) or names[0] != names[1]:
        raise _not_kept(path, f"labels such as {metadata.index[0]!r} come back otherwise")
    return None


def _not_kept(path, reason):
    reason = " ".join(reason.split())[:120].removesuffix(".")
    return ValueError(
        f"--output {path} cannot keep the recordings' metadata and the labels of their rows ({reason}). Give "
        "labels of one type, such as X.set_axis(X.index.map(str)), and columns of numbers or text."
    )


def save_table(table, path):
    """Write a table to a Parquet, Feather or CSV file, which appears only when it is complete.

    Parameters
    ----------
    table : pandas.DataFrame
    path : pathlib.Path
        Its suffix, .parquet, .feather or .csv, decides. pandas reads the former two with the index of the
        table, and they have a checksum. In a CSV file there is a row for each step.
    """
    with atomic_write(path) as part:
        if path.suffix.lower() == ".csv":
            long_table(table).to_csv(part, index=False)
        else:
            write_table(table, part, path.suffix)


def long_table(table):
    """Put the steps of sequences below each other, as challenges ask for predictions.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each recording: predictions, and metadata.

    Returns
    -------
    pandas.DataFrame
        A row for each step: the labels of the recording, metadata, the step from 0, its time in seconds where
        it is known, and the predictions. Without sequences, the table with the recordings as a column. A
        recording without prediction has no row.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> table = as_sequences({"mood": [[0.5, 0.25], None, [1.0]]}, rate_hz=2).set_axis(["a", "b", "c"])
    >>> long_table(table)
      recording  step  time_s  mood
    0         a     0     0.0  0.50
    1         a     1     0.5  0.25
    2         c     0     0.0  1.00
    """
    sequences = sequence_columns(table)
    labelled = table.drop(columns=sequences).rename_axis(_level_names(table.index)).reset_index()
    if not sequences:
        return labelled
    arrays = {column: table[column].array.pack() for column in sequences}
    first = arrays[sequences[0]]
    lengths = np.maximum(first.lengths, 0)
    rows = np.repeat(np.arange(len(table)), lengths)
    long = labelled.iloc[rows].reset_index(drop=True)
    long["step"] = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    if first.dtype.timed:
        long["time_s"] = first.step_times()[:, 0]
    return long.assign(**steps_of({column: array.frames for column, array in arrays.items()}))


def steps_of(frames):
    """Return a column for each feature of sequences: of a name, or of a name and a number.

    Parameters
    ----------
    frames : dict of str to ndarray of shape (n_steps, n_features)

    Returns
    -------
    dict of str to ndarray of shape (n_steps,)

    Examples
    --------
    >>> list(steps_of({"mood": np.zeros((3, 1)), "pose": np.zeros((3, 2))}))
    ['mood', 'pose 0', 'pose 1']
    """
    return {
        str(name) if part.shape[1] == 1 else f"{name} {k}": part[:, k]
        for name, part in frames.items()
        for k in range(part.shape[1])
    }


def _level_names(index):
    """Return the names of the levels of an index, where they have none such as pandas gives them."""
    if index.nlevels == 1:
        return ["recording" if index.name is None else index.name]
    return [f"level_{k}" if name is None else name for k, name in enumerate(index.names)]
