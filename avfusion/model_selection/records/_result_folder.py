"""The folder of a result: that of one comparison or search, whole, and what else its user keeps there."""

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from avfusion._atomic import StagedFolder, named
from avfusion._checksums import SUMS, write_sums
from avfusion.model_selection.records._provenance import RECIPE


class Result(NamedTuple):
    """A kind of result: who writes it, the files that it always has, and those that it may have."""

    writer: str
    always: tuple
    more: tuple = ()

    def owns(self, name):
        """Return whether a name is that of one of the files, or of a part of one that was left behind."""
        part = re.fullmatch(r"\.(.+)\.[0-9a-f]+\.(part|lock)", name)
        return (part[1] if part else name) in (*self.always, *self.more, SUMS)


COMPARISON = Result(
    "Comparison.save",
    ("table.csv", "settings.json", "predictions.parquet"),
    (
        *("table.md", "table.tex", "folds.csv", "groups.csv", "targets.csv", "seeds.csv", "plot.png", RECIPE),
        *("situation.csv", "situation_shares.csv"),
    ),
)
SEARCH = Result("FusionSearchCV.save", ("trials.csv", "settings.json"), (RECIPE,))
_KINDS = (COMPARISON, SEARCH)


@contextmanager
def result_folder(path, kind):
    """Give a hidden folder beside `path`, which takes its place when the result in it is complete.

    An older result of the same kind goes, all of it; whatever else lies in the folder stays.

    Parameters
    ----------
    path : str or path-like
        Made if it does not exist, with its parents.
    kind : Result

    Yields
    ------
    pathlib.Path
        Where to write.

    Raises
    ------
    FileExistsError
        If `path` is no folder, or holds files of such names that are no result of this kind.
    OSError
        If it cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with result_folder(Path(folder, "search"), SEARCH) as part:
    ...         _ = [(part / name).write_text("") for name in SEARCH.always]
    ...     sorted(os.listdir(f"{folder}/search"))
    ['settings.json', 'sha256sums.txt', 'trials.csv']
    """
    Path(os.path.realpath(path)).parent.mkdir(parents=True, exist_ok=True)
    staged = StagedFolder(path, lambda folder: _is_replaced(folder, kind), kind.owns)
    try:
        with named(path, staged.part):
            yield staged.part
            write_sums(staged.part)
        staged.commit()
    finally:
        staged.discard()


def check_result_folder(path, kind):
    """Raise an error, before the work, if a result could not be written.

    Parameters
    ----------
    path : str or path-like
        Its parent is there.
    kind : Result

    Raises
    ------
    OSError
        As of `result_folder`.

    Examples
    --------
    >>> check_result_folder("no such folder/results", SEARCH)
    Traceback (most recent call last):
    ...
    FileNotFoundError: There is no folder ...no such folder. Make it first.
    """
    StagedFolder(path, lambda folder: _is_replaced(folder, kind), kind.owns).discard()


def _is_replaced(folder, kind):
    """Return True for a folder that may get a result of a kind, else raise an error that says why not."""
    if not os.path.isdir(folder):
        raise FileExistsError(f"{folder} is there already, and is no folder: choose another name.")
    names = set(os.listdir(folder))
    ours = sorted(name for name in names if any(name in (*of.always, *of.more) for of in _KINDS))
    if ours and not names.issuperset(kind.always):
        raise FileExistsError(
            f"{folder} holds {', '.join(ours[:3])}, but is no result of {kind.writer}, and is not replaced: "
            "choose another folder, or move these files."
        )
    return True
