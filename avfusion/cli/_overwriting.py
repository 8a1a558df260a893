"""No command overwrites what it reads; what is no older output of its own, only with --force."""

import os
from contextlib import suppress
from pathlib import Path

import pyarrow.feather
import pyarrow.parquet

from avfusion._plain_file import has_content
from avfusion.persistence import is_model
from avfusion.sequences._messages import path_name


def check_not_read(output, *read):
    """Raise an error if an output would take the place of something that the command reads.

    Paths are compared as the disk does it: by links, hard ones too, and whatever the case of letters.

    Parameters
    ----------
    output : pathlib.Path
        What will be written.
    *read : str, path-like or None
        Files and folders; names of nothing on the disk are left out.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_not_read(Path("LICENSE"), "synthetic", "LICENSE")
    Traceback (most recent call last):
    ...
    ValueError: --output LICENSE would overwrite LICENSE, which this command reads: choose another name.
    """
    for source in read:
        if source is None or not os.path.exists(source):
            continue
        clash = _clash(Path(output), Path(source))
        if clash is not None:
            raise ValueError(
                f"--output {path_name(output)} would overwrite {path_name(clash)}, which this command reads: "
                "choose another name."
            )


def _clash(output, source):
    """Return the file of a source, or the source itself, that is the output or holds it; else None."""
    if not source.is_dir():
        return source if _same(output, source) else None
    place = Path(os.path.realpath(output))
    if any(_same(folder, source) for folder in (place, *place.parents)):
        return source
    if not output.is_file() or os.stat(output).st_nlink < 2:
        return None
    for folder, _, names in os.walk(source):
        for name in names:
            if _same(output, Path(folder, name)):
                return Path(folder, name)
    return None


def _same(path, other):
    try:
        return os.path.samefile(path, other)
    except OSError:  # one of them is not there
        return False


def check_replaced_model(path, force=False):
    """Raise an error if a file that is no model would be replaced by one.

    Parameters
    ----------
    path : pathlib.Path
    force : bool, default=False
        Whether any file may be replaced.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_replaced_model(Path("LICENSE"))
    Traceback (most recent call last):
    ...
    ValueError: --output LICENSE is there, and is no model: choose another name, or --force to replace it.
    """
    if not force and has_content(path) and not is_model(path):
        raise _needs_force(path, "no model")


def check_replaced_table(path, header, force=False):
    """Raise an error if a file would be replaced by predictions that is no table of such predictions.

    Parameters
    ----------
    path : pathlib.Path
        A Parquet, Feather or CSV file.
    header : dict
        Of the model, from `avfusion.persistence.read_header`.
    force : bool, default=False
        Whether any file may be replaced.

    Raises
    ------
    ValueError
        If it has no column for a target of the model, or one of the streams that the model reads.
    """
    if force or not has_content(path):
        return
    columns = _columns_of(path)
    targets, streams = header["targets"]["names"] or (), header["modalities"] or ()
    lacks = any(name not in columns and f"{name} 0" not in columns for name in map(str, targets))
    if not columns or lacks or columns.intersection(streams):
        raise _needs_force(path, "no table of predictions of this model")


def _columns_of(path):
    """Return the names of the columns of a table, read from the begin of its file; none if it is no table."""
    with suppress(Exception):  # whatever libraries raise for a foreign file
        if path.suffix.lower() == ".parquet":
            return set(pyarrow.parquet.read_schema(path).names)
        if path.suffix.lower() == ".feather":
            with pyarrow.memory_map(str(path)) as file:
                return set(pyarrow.ipc.open_file(file).schema.names)
        with path.open(encoding="utf-8") as file:
            return {name.strip('"') for name in file.readline(1 << 20).rstrip("\r\n").split(",")}
    return set()


def _needs_force(path, what):
    return ValueError(
        f"--output {path_name(path)} is there, and is {what}: choose another name, or --force to replace it."
    )
