"""Load a pickle of numbers, text, containers and NumPy arrays, and nothing of what else it names.

A pickle is a program. Here the few functions that such pickles call are our own: NumPy's are not called, and
no class or function is handed out that a pickle could change. Its opcodes are looked at before they run,
because some take memory or time in no relation to the file: memo numbers, and keys that are tuples of tuples.
"""

import mmap
import pickle
import re

import numpy as np

from avfusion.formats._pickle_opcodes import check_opcodes
from avfusion.formats._steps import LEAST, n_bytes

DEEPEST = 16  # containers in containers
_DTYPE = re.compile(r"[<>|=]?([biufcSU]\d{1,9}|\?)")
_NUMPY = re.compile(r"numpy(\._?core)?(\.(multiarray|numeric|_multiarray_umath))?")
_PANDAS = "write the table with to_parquet"


_OF_NUMPY = {
    "dtype": "_dtype",
    "ndarray": "_refused",
    "_reconstruct": "_new_array",
    "scalar": "_scalar",
    "_frombuffer": "_from_buffer",
}
_OF_BUILTINS = {
    "set": "_list",
    "frozenset": "_list",
    "list": "_list",
    "tuple": "_list",
    "dict": "_dict",
    "bytes": "_bytes",
    "bytearray": "_bytes",
    "int": "_refused",
    "float": "_refused",
}
_OF_PYTHON = {
    "builtins": _OF_BUILTINS,
    "__builtin__": _OF_BUILTINS,
    "collections": {"OrderedDict": "_dict", "defaultdict": "_default_dict"},
    "_codecs": {"encode": "_encoded"},
}


def load(path):
    """Load a pickle without running what it names.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    object
        Arrays are ndarrays, sets are lists, and all mappings are dicts.

    Raises
    ------
    ValueError
        If it names anything else, or is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.pkl").write_bytes(pickle.dumps({"clip01": np.arange(3)}))
    ...     load(Path(folder, "a.pkl"))
    {'clip01': array([0, 1, 2])}
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        check_opcodes(content)
        try:
            value = _Loader(content).load()
        except (pickle.UnpicklingError, TypeError, LookupError, AttributeError, EOFError) as error:
            raise ValueError(f"It is no pickle of arrays, or damaged: {error}.") from error
        return _Finisher(len(content)).finish(value)


class _Call:
    """A function that a pickle may call, and can neither replace nor change."""

    __slots__ = ("_function",)

    def __init__(self, function):
        self._function = function

    def __call__(self, *arguments):
        return self._function(*arguments)

    def __setstate__(self, state):
        raise ValueError("It changes what it names, which is not loaded.")


class _Loader(pickle.Unpickler):
    """An unpickler that finds the functions below, and nothing else."""

    def __init__(self, content):
        super().__init__(content, encoding="latin1")
        self._left = max(LEAST, 2 * len(content))  # bytes that calls may copy

    def find_class(self, module, name):
        """Return the function that stands for a name."""
        known = _OF_NUMPY if _NUMPY.fullmatch(module) else _OF_PYTHON.get(module, {})
        if name in known:
            return _Call(getattr(self, known[name]))
        full = ascii(f"{module}.{name}")[1:-1]
        remedy = f": {_PANDAS}" if module.split(".")[0] == "pandas" else ""
        raise ValueError(f"It names {full[:60]}, which is not loaded{remedy}.")

    def persistent_load(self, pid):
        """Refuse what lies outside of the file."""
        raise ValueError("It refers to what lies outside of the file.")

    def _dtype(self, kind, *_):
        return _Dtype(kind)

    def _new_array(self, *_):
        return _Array()

    def _refused(self, *_):
        raise ValueError("It calls what is not loaded.")

    def _scalar(self, dtype, raw):
        return _from_bytes(raw, dtype, (1,), "C")[0].item()

    def _from_buffer(self, raw, dtype, shape, order):
        return _from_bytes(raw, dtype, shape, order)

    def _list(self, items=()):
        self._count(8 * len(items))
        return list(_checked(items, list))

    def _dict(self, pairs=()):
        self._count(8 * len(pairs))
        return dict(_checked(pairs, list, dict))

    def _default_dict(self, factory=None, *pairs):
        return self._dict(*pairs)

    def _encoded(self, text, encoding):
        if encoding not in ("latin1", "latin-1"):
            raise ValueError("It encodes text in another way than latin1.")
        self._count(len(text))
        return _checked(text, str).encode("latin1")

    def _bytes(self, raw=b"", encoding="latin1"):
        return self._encoded(raw, encoding) if isinstance(raw, str) else _checked(raw, bytes, bytearray)

    def _count(self, number):
        self._left -= number
        if self._left < 0:
            raise ValueError("It repeats its contents more often than its size justifies.")


def _checked(value, *types):
    if type(value) not in types and value != ():
        raise ValueError("It calls a function with arguments of a wrong type.")
    return value


class _Dtype:
    """The type of the numbers of an array."""

    __slots__ = ("dtype", "is_object")

    def __init__(self, kind):
        kind = kind.decode("ascii") if type(kind) is bytes else kind
        self.is_object = kind in ("O", "O4", "O8")
        if not self.is_object and not (type(kind) is str and _DTYPE.fullmatch(kind)):
            raise ValueError(f"It holds arrays of {ascii(kind)[:40]}, not of numbers or text.")
        self.dtype = np.dtype(object if self.is_object else kind)

    def __setstate__(self, state):
        """Take the byte order from the state that NumPy gives to its types."""
        if type(state) is not tuple or len(state) < 5 or any(field is not None for field in state[2:5]):
            raise ValueError("It holds arrays of records: write each field as an array.")
        order = state[1].decode("ascii") if type(state[1]) is bytes else state[1]
        if order in ("<", ">") and not self.is_object:
            self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array whose content comes afterwards."""

    __slots__ = ("content",)

    def __init__(self):
        self.content = None

    def __setstate__(self, state):
        """Take shape, type, order and content."""
        if type(state) is not tuple or len(state) not in (4, 5):
            raise ValueError("It holds an array without its numbers.")
        shape, dtype, is_fortran, raw = state[-4:]
        self.content = _from_bytes(raw, dtype, shape, "F" if is_fortran else "C")


def _from_bytes(raw, dtype, shape, order):
    """Return an array over bytes, or a list of the objects of an array of them."""
    if type(dtype) is not _Dtype or type(shape) is not tuple or len(shape) > 32:
        raise ValueError("It holds an array without type or shape.")
    if any(type(length) is not int or length < 0 for length in shape) or order not in ("C", "F", "A", None):
        raise ValueError("It holds an array with a shape of something else than numbers.")
    if dtype.is_object:
        if type(raw) is not list or len(raw) != n_bytes(shape, np.dtype("u1")):
            raise ValueError("It holds an array of objects that are not there.")
        if len(shape) == 2 and order != "F":
            return [raw[k * shape[1] : (k + 1) * shape[1]] for k in range(shape[0])] if shape[1] else []
        return raw
    if type(raw) is str:  # as Python 2 wrote bytes
        raw = raw.encode("latin1")
    if type(raw) not in (bytes, bytearray) or len(raw) != n_bytes(shape, dtype.dtype):
        raise ValueError("It holds an array with another number of bytes than it declares.")
    return np.frombuffer(raw, dtype.dtype).reshape(shape, order="F" if order == "F" else "C")


class _Finisher:
    """Put arrays in the place of their stubs, in containers of which none is in two places.

    Shared containers are how a small file becomes endless to walk through.
    """

    def __init__(self, n_bytes):
        self._seen, self._left = set(), max(LEAST, 16 * n_bytes)

    def finish(self, value, depth=0):
        """Return a value without stubs."""
        kind = type(value)
        if kind is _Array:
            value = value.content
            kind = type(value)
            if value is None:
                raise ValueError("It holds an array without its numbers.")
        self._count(value, kind)
        if kind not in (dict, list, tuple):
            return value
        if depth > DEEPEST:
            raise ValueError(f"It holds containers in containers, more than {DEEPEST} deep.")
        if kind is dict:
            self._see(value)
            return {key: self.finish(item, depth + 1) for key, item in value.items()}
        if not any(type(item) in (dict, list, tuple, _Array) for item in value):
            return value
        self._see(value)
        return [self.finish(item, depth + 1) for item in value]

    def _see(self, value):
        if id(value) in self._seen:
            raise ValueError("It holds one container in two places: write it for each.")
        self._seen.add(id(value))

    def _count(self, value, kind):
        self._left -= (
            value.nbytes if kind is np.ndarray else 8 * len(value) if kind in (list, tuple, str) else 8
        )
        if self._left < 0:
            raise ValueError("It repeats its contents more often than its size justifies.")
