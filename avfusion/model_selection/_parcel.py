"""Arguments on their way to the workers of a cluster: bytes that the task opens which needs them."""

import sys
import threading

import numpy as np


class Parcel:
    """An object as its pickle, whose arrays are not copied.

    Dask opens what it is sent as it comes in; what cannot be opened there, such as a file that a machine does
    not have, breaks the connection. A parcel is opened inside of a task, whose errors come back as they are,
    and once for all tasks of a worker.

    Parameters
    ----------
    value : object

    Examples
    --------
    >>> Parcel({"a": np.arange(3)}).open()
    {'a': array([0, 1, 2])}
    """

    def __init__(self, value):
        from distributed.protocol.pickle import dumps  # which can pickle functions of a script too

        buffers = []
        self._head = dumps(value, buffer_callback=buffers.append)
        # as arrays, which Dask sends without a copy
        self._buffers = [np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers]
        self._opening = threading.Lock()

    def open(self):
        """Return the object; the same one whenever this process opens this parcel."""
        from distributed.protocol.pickle import loads

        with self._opening:
            if not hasattr(self, "_value"):
                self._value = loads(self._head, buffers=self._buffers)
            return self._value

    def __getstate__(self):
        return {"_head": self._head, "_buffers": self._buffers}

    def __setstate__(self, state):
        vars(self).update(state, _opening=threading.Lock())

    def __sizeof__(self):
        return sys.getsizeof(self._head) + sum(buffer.nbytes for buffer in self._buffers)


def opened(value):
    """Return an argument as a task wants it."""
    return value.open() if isinstance(value, Parcel) else value
