"""From a folder to a store, file by file, so that it may be larger than memory."""

import inspect

from avfusion._progress import progress_bar
from avfusion.datasets._folder import load_folder, read_folder
from avfusion.datasets._layout import LABELS
from avfusion.datasets._streams import InMemory, InStore
from avfusion.sequences import SequenceDtype
from avfusion.store import StoreWriter, read_store

_PARAMETERS = {
    name: parameter.default
    for name, parameter in inspect.signature(load_folder).parameters.items()
    if name != "folder"
}


def import_folder(folder, store, *, overwrite=False, verbose=False, **reading) -> tuple:
    """Read a folder into a store, file by file: it may be larger than memory.

    Parameters
    ----------
    folder : str or path-like
        As in `load_folder`.
    store : str or path-like
        The store to write. It appears when it is complete; what is killed leaves nothing under its name.
    overwrite : bool, default=False
        Replace a store of this name.
    verbose : bool, default=False
        Show the progress.
    **reading
        Other parameters of `load_folder`.

    Returns
    -------
    X : pandas.DataFrame
        That of `load_folder`, with frames on the disk.
    y : pandas.DataFrame or None
        That of `load_folder`.

    Raises
    ------
    FileExistsError
        If there is something of the name of the store.
    ValueError, OSError
        As `load_folder`, and if the store cannot be written.

    See Also
    --------
    avfusion.load_folder : The same in memory.
    avfusion.read_store : Opens the store, in milliseconds.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> import avfusion as av
    >>> scratch = TemporaryDirectory()
    >>> for name, frames in {"audio": np.zeros((50, 4)), "labels": np.zeros(2)}.items():
    ...     Path(scratch.name, "mine", name).mkdir(parents=True)
    ...     np.save(Path(scratch.name, "mine", name, "clip01.npy"), frames)
    >>> rates = {"audio": 25, "labels": 1}
    >>> X, y = av.import_folder(f"{scratch.name}/mine", f"{scratch.name}/store", rate_hz=rates)
    >>> X, y = av.read_store(f"{scratch.name}/store")
    >>> X
                       audio
    recording
    clip01     50 x 4, 2.0 s
    """
    unknown = [name for name in reading if name not in _PARAMETERS]
    if unknown:
        raise TypeError(f"import_folder has no parameter {unknown[0]!r}. There are {', '.join(_PARAMETERS)}.")
    with StoreWriter(store, overwrite) as writer, progress_bar(disable=not verbose, unit=" files") as bar:

        def frames(name, dtype):
            return _Counted(InMemory(dtype) if name == LABELS else InStore(writer, name), bar)

        X, y = read_folder(folder, **(_PARAMETERS | reading), frames=frames)
        clip_labels = None if y is None else y[[n for n in y if not isinstance(y[n].dtype, SequenceDtype)]]
        if y is not None:
            _write_labels(writer, y.drop(columns=clip_labels.columns))
        has_labels = clip_labels is not None and len(clip_labels.columns)
        writer.set_table(X if len(X.columns) else None, clip_labels if has_labels else None, X.index)
    return read_store(store)


class _Counted:
    """Frames of a stream whose recordings a progress bar counts."""

    def __init__(self, frames, bar):
        self.frames, self.bar = frames, bar
        self.column, self.written = frames.column, frames.written

    def append(self, *row):
        self.bar.update()
        return self.frames.append(*row)


def _write_labels(writer, y):
    for name, column in y.items():
        array = column.array
        timed = array.dtype.timed and array.dtype.clock != "times"
        for k, cell in enumerate(array):
            clock = {"rate_hz": array.rates_hz[k], "start_s": array.starts_s[k]} if timed else {}
            if array.dtype.clock == "times":
                clock = {"times_s": cell.times_s}
            writer.append(name, cell.frames, **clock, label=True)
