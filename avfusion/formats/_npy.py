"""Read a NumPy array."""

import tokenize

import numpy as np

from avfusion.formats._format import Format
from avfusion.formats._steps import part_of


def read(path):
    """Read the array of a .npy file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of Part
        A table with names where the array has fields.

    Raises
    ------
    TypeError
        If it holds complex numbers, text or dates.
    ValueError
        If it holds Python objects, or fewer or more numbers than its header says.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(Path(folder, "a.npy"), [1.0, 2.0])
    ...     read(Path(folder, "a.npy"))[0].values
    array([1., 2.])
    """
    try:
        # Mapped first: a header that promises more than the file holds is refused before memory is taken.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if not mapped.dtype.itemsize:  # of which no file is too short to hold any number
            raise ValueError("It holds values without size, not numbers.")
        if (
            mapped.offset + mapped.nbytes < path.stat().st_size
        ):  # an array written after the first, or half of one
            raise ValueError("It holds more than the one array of its header.")
        values = np.array(mapped)
    except ValueError as error:
        if "pickle" in str(error) or "Python objects" in str(error):
            raise ValueError("It holds Python objects, or is no array: such files are not loaded.") from error
        raise
    except (SyntaxError, tokenize.TokenError) as error:
        raise ValueError("Its header is damaged.") from error
    return [part_of(values)]


FORMAT = Format(
    "NumPy array",
    (".npy",),
    read,
    "A file holds numbers, (steps, features) or (steps,): write it with numpy.save.",
    recognises=lambda head: head.startswith(b"\x93NUMPY"),
)
