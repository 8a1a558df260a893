"""Read the next files while the last one is worked on: parsers of text leave the other core idle."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from avfusion.formats._registry import read_parts

SMALL = 1 << 24  # bytes of a file that is read as a whole
WINDOW = 4  # files that are held at once


def read_ahead(paths):
    """Read files in order, some ahead of their turn.

    Parameters
    ----------
    paths : iterable of pathlib.Path

    Yields
    ------
    iterable of Part
        Of each path. The error for a file that cannot be read is raised by the iteration.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(Path(folder, "a.npy"), np.zeros((3, 2)))
    ...     [[part.values.shape for part in parts] for parts in read_ahead([Path(folder, "a.npy")])]
    [[(3, 2)]]
    """
    pool = ThreadPoolExecutor(min(2, os.cpu_count() or 1), thread_name_prefix="avfusion-read")
    waiting = deque()
    try:
        for path in paths:
            waiting.append(pool.submit(_all_parts, path) if _is_small(path) else read_parts(path))
            if len(waiting) > WINDOW:
                yield _parts(waiting.popleft())
        while waiting:
            yield _parts(waiting.popleft())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # whichever thread collects what was left unread


def _is_small(path):
    try:
        return path.stat().st_size <= SMALL
    except OSError:
        return False  # the error is raised where it is read


def _all_parts(path):
    return list(read_parts(path))


def _parts(job):
    yield from job.result() if hasattr(job, "result") else job
