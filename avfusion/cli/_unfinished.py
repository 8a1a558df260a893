"""The finished fits of a comparison that has not been written yet, beside the place of its results."""

import hashlib
import os
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from avfusion._plain_file import has_content
from avfusion.sequences._messages import path_name

_LONGEST = 200  # bytes of a name that is part of the hidden one


@contextmanager
def kept_fits(output, estimators=None):
    """Keep finished fits while a comparison runs, so that the same command goes on after it was stopped.

    Parameters
    ----------
    output : pathlib.Path or None
        Folder of the results; without one nothing is kept.
    estimators : pathlib.Path, optional
        File of estimators. Of a Python file the text counts: fits by other code are not taken over.

    Yields
    ------
    pathlib.Path or None
        For the parameter `resume` of `avfusion.compare`. Its fits are removed when this context ends well.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with kept_fits(Path(folder, "results")) as fits:
    ...         print(fits.name)
    ...     fits.exists()
    .results.fits
    False
    """
    if output is None:
        yield None
        return
    output = Path(output).absolute()
    name = os.fsencode(output.name)  # disks take 255 bytes
    short = output.name if len(name) <= _LONGEST else hashlib.sha256(name).hexdigest()[:32]
    folder = output.with_name(f".{short}.fits")
    if estimators is not None and estimators.suffix == ".py" and has_content(estimators):
        folder = folder / hashlib.sha256(estimators.read_bytes()).hexdigest()[:16]
    try:
        yield folder
    except BaseException:
        number = len(list(folder.glob("*.npz")))
        if number:
            typer.echo(
                f"{number} finished fits are kept in {path_name(folder)}: the same command goes on.",
                err=True,
            )
        _remove(folder, output.parent)
        raise
    for file in folder.glob("*.npz"):  # and nothing of another process that is at work there
        file.unlink(missing_ok=True)
    _remove(folder, output.parent)


def _remove(folder, above):
    """Remove a folder that is empty, and those that it is in, up to one that stays."""
    with suppress(OSError):
        while folder != above:
            folder.rmdir()
            folder = folder.parent
