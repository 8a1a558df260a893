"""Read the arrays of a NumPy archive."""

import numpy as np

from avfusion.formats._format import Format, Part
from avfusion.sequences._messages import quoted


def read(path):
    """Read a .npz file with one array.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of Part

    Raises
    ------
    ValueError
        If it holds several arrays.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(Path(folder, "a.npz"), [1.0, 2.0])
    ...     read(Path(folder, "a.npz"))[0].values
    array([1., 2.])
    """
    with np.load(path, allow_pickle=False) as arrays:
        if len(arrays.files) != 1:
            raise ValueError(
                f"It holds {len(arrays.files)} arrays ({quoted(arrays.files, limit=3)}), not one."
            )
        return [Part(arrays[arrays.files[0]])]


FORMAT = Format(
    "NumPy archive",
    (".npz",),
    read,
    "A file holds numbers, (steps, features) or (steps,): write it with numpy.savez, with one array.",
)
