"""Read the variables of a MATLAB file."""

from avfusion.formats import _mat5, _mat73
from avfusion.formats._format import Format
from avfusion.formats._hdf5 import SIGNATURE
from avfusion.formats._named_arrays import parts_of
from avfusion.formats._steps import bounded


def read(path):
    """Read a .mat file of version 5 (``-v6``, ``-v7``) or 7.3.

    Parameters
    ----------
    path : pathlib.Path

    Yields
    ------
    Part
        Vectors, of either direction, are (steps,). Fields of structs, and cells, are read as groups and lists
        of other files; objects and functions are left out.

    Raises
    ------
    ValueError
        If it is damaged or of another version, or has more than one reading.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.io
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     names = np.array(["F0", "NAQ"], dtype=object)
    ...     scipy.io.savemat(Path(folder, "a.mat"), {"features": np.zeros((3, 2)), "names": names})
    ...     next(iter(read(Path(folder, "a.mat")))).values
        F0  NAQ
    0  0.0  0.0
    1  0.0  0.0
    2  0.0  0.0
    """
    with path.open("rb") as file:
        head = file.read(520)
    is_hdf5 = SIGNATURE in (head[:8], head[512:])
    variables = (_mat73 if is_hdf5 else _mat5).variables(path)
    yield from bounded(parts_of(variables, path.stem), path.stat().st_size)


FORMAT = Format(
    "MATLAB file",
    (".mat",),
    read,
    "A file holds an array (steps, features), perhaps 'names', 'fs' and 'time', saved with -v7 or -v7.3.",
    many=True,
    recognises=lambda head: head.startswith((b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")),
)
