"""Write files so that they appear under their name only when they are complete."""

import os
import shutil
from contextlib import contextmanager
from uuid import uuid4


@contextmanager
def atomic_write(path):
    """Give a temporary name beside `path`, and move what was written there into place once it is complete.

    Parameters
    ----------
    path : pathlib.Path
        A file, or a folder that does not exist yet.

    Yields
    ------
    pathlib.Path
        Where to write. After an error or Ctrl-C it is removed, and `path` is as it was.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "notes.txt")) as part:
    ...         _ = part.write_text("complete")
    ...     Path(folder, "notes.txt").read_text()
    'complete'
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)
