"""Files of numbers: .npy files that grow row by row, and hashes of files."""

import hashlib
import io
import os

import numpy as np

HEADER = 128  # bytes before the numbers; numpy leaves room in it for any number of rows
CHUNK = 1 << 22  # bytes that are read or written together


class ArrayFile:
    """A .npy file of rows that are appended; its header is written last.

    Parameters
    ----------
    path : pathlib.Path
        A file that does not exist yet.
    dtype : numpy dtype
    width : int
        Numbers in a row.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = ArrayFile(Path(folder, "frames.npy"), "float32", 2)
    ...     file.append([[1, 2], [3, 4]])
    ...     _ = file.finish()
    ...     np.load(file.path)
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """

    def __init__(self, path, dtype, width):
        self.path, self.dtype, self.width, self.n_rows = path, np.dtype(dtype).newbyteorder("<"), width, 0
        self._digest = hashlib.sha256()
        self._file = open(path, "x+b")  # noqa: SIM115 - until `finish` or `close`
        self._file.write(self._header())

    def append(self, rows):
        """Write rows behind the others.

        Parameters
        ----------
        rows : array-like of shape (n, width)
        """
        data = np.ascontiguousarray(rows, self.dtype).reshape(-1, self.width)
        self.n_rows += len(data)
        data = data.reshape(-1).view(np.uint8)
        self._digest.update(data)
        try:
            self._file.write(data)
        except OSError as error:  # of a full disk, which names no file
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def without(self, columns):
        """Write the file again without some of the numbers in each row.

        Parameters
        ----------
        columns : collection of int

        Returns
        -------
        ArrayFile
            Under the same name.
        """
        kept = np.setdiff1d(np.arange(self.width), list(columns))
        new = ArrayFile(self.path.with_suffix(".part"), self.dtype, len(kept))
        self._file.seek(HEADER)
        size = self.width * self.dtype.itemsize
        while data := self._file.read(max(1, CHUNK // size) * size):
            new.append(np.frombuffer(data, self.dtype).reshape(-1, self.width)[:, kept])
        self.close()
        os.replace(new.path, self.path)
        new.path = self.path
        return new

    def finish(self):
        """Write the header, and see to it that all is on the disk.

        Returns
        -------
        dict
            Name, size and hash of the file.
        """
        header = self._header()
        self._file.seek(0)
        self._file.write(header)
        self._digest.update(header)
        size = self._file.seek(0, os.SEEK_END)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()
        return {"file": self.path.name, "size": size, "sha256": self._digest.hexdigest()}

    def close(self):
        """Close the file as it is."""
        self._file.close()

    def _header(self):
        text = io.BytesIO()
        shape = (self.n_rows, self.width)
        about = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(text, about)
        assert len(text.getvalue()) == HEADER
        return text.getvalue()


def file_digest(path, header=0):
    """Return the SHA-256 of a file in hexadecimal digits, its first `header` bytes taken last.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a").write_bytes(b"12"), Path(folder, "b").write_bytes(b"21")
    ...     file_digest(Path(folder, "a"), header=1) == file_digest(Path(folder, "b"))
    True
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        file.seek(header)
        while data := file.read(CHUNK):
            digest.update(data)
        file.seek(0)
        digest.update(file.read(header))
    return digest.hexdigest()
