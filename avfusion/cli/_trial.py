"""Before the work: whether what stands beside the predictions can be written to the file or folder."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from avfusion.cli._outputs import check_names
from avfusion.cli._recordings import drop_other_streams
from avfusion.cli._tables import check_rows, save_table
from avfusion.sequences import SequenceArray, sequence_columns
from avfusion.sequences._messages import brief, path_name, quoted


def check_can_be_written(X, header, path):
    """Write recordings' names and metadata, with zeros for predictions, to a file that is removed again.

    Parameters
    ----------
    X : pandas.DataFrame
        Recordings.
    header : dict
        Of the model, from `avfusion.persistence.read_header`.
    path : pathlib.Path
        The output; a folder has no suffix.

    Raises
    ------
    ValueError
        If something in X cannot be written, or recordings have names that cannot be those of files.
    """
    targets, per_frame = header["targets"]["names"], header["targets"]["per_frame"]
    if not path.suffix:
        if per_frame is False:
            raise ValueError(f"Predictions are per clip: write them to one file, --output {path}.csv.")
        check_names(X.index)
        return
    odd = [name for name in [*X.index, *X.columns] if not _is_text(name)]
    if odd:
        raise ValueError(
            f"{quoted(odd, limit=3)} is a name that is not valid UTF-8, which no table holds: rename the "
            "file or column, or write a folder of files (--output NAME without a suffix)."
        )
    names = ["prediction"] if targets is None else targets
    table = _with_zeros(drop_other_streams(X, header["modalities"]), names, per_frame)
    with TemporaryDirectory() as folder:
        write = partial(_write, path=Path(folder, f"trial{path.suffix}"))
        try:
            write(table)
        except (ValueError, TypeError, NotImplementedError, OverflowError) as error:
            column = _culprit(table, write)
            raise ValueError(
                f"--output {path_name(path)} cannot hold {column} of the recordings beside the predictions "
                f"({brief(str(error), 120)[1:-1]}). Make it text or numbers, or leave it out."
            ) from error
    check_rows(X, targets, path)


def _write(table, path):
    """Write a table; raise where a file of columns would hold something else than the table."""
    if path.suffix.lower() != ".csv":
        for cells in (table[name] for name in table if table[name].dtype == object):
            changed = [cell for cell in cells if isinstance(cell, (set, frozenset, dict))]
            if changed:
                raise TypeError(f"a {type(changed[0]).__name__} would become another kind of value")
    save_table(table, path)


def _with_zeros(X, targets, per_frame):
    """Return the table that will be written, with a zero for each prediction."""
    n = len(X)
    rows = np.arange(n), np.ones(n, dtype=int)
    zeros = SequenceArray(np.zeros((n, 1)), *rows) if per_frame else np.zeros(n)
    kept = X.drop(columns=[name for name in [*sequence_columns(X), *targets] if name in X.columns])
    return kept.assign(**{str(name): zeros for name in targets})


def _culprit(table, write):
    """Return what cannot be written, found by trying each column alone."""
    for column in table:
        try:
            write(table[[column]].reset_index(drop=True))
        except (ValueError, TypeError, NotImplementedError, OverflowError):
            return f"the column {column!r}"
    return "the names (index)"


def _is_text(name):
    try:
        str(name).encode()
    except UnicodeEncodeError:
        return False
    return True
