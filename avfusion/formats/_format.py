"""The parts that readers return, and the kinds of files that there are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Part:
    """The steps of one stream of a recording, from a file.

    Parameters
    ----------
    values : ndarray of shape (n_steps,) or (n_steps, n_features), or pandas.DataFrame
        A row per step. Columns of a table that are bookkeeping (clocks, frame numbers, flags) belong to it;
        who reads the file sets them aside.
    named : bool
        Whether the columns of a table have names.
    recording : str, optional
        Name of the recording; by default that of the file.
    stream : str, optional
        Modality, or "labels", in files that hold several; by default that of the folder.
    rate_hz : float, optional
        Steps per second, if the file says so.
    start_s : float, optional
        When the first step begins, if the file says so.
    about : dict
        Metadata of the recording, such as its partition.
    targets : dict of str to float
        Labels of the recording as a whole.

    Examples
    --------
    >>> part = Part(np.zeros((3, 2)), recording="clip01", rate_hz=25.0)
    >>> part.n_steps, part.named
    (3, False)
    """

    values: np.ndarray | pd.DataFrame
    named: bool = False
    recording: str | None = None
    stream: str | None = None
    rate_hz: float | None = None
    start_s: float | None = None
    about: dict = field(default_factory=dict)
    targets: dict = field(default_factory=dict)

    @property
    def n_steps(self):
        """Number of rows of the values."""
        return len(self.values)


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Parameters
    ----------
    title : str
        As it is named in messages, such as "ARFF table".
    suffixes : tuple of str
        Ends of file names, in lower case, such as (".csv", ".csv.gz").
    read : callable
        Takes a pathlib.Path and returns an iterable of `Part`, lazily where a file holds many recordings. It
        raises a ValueError whose message is a sentence without the path. Nothing that the file names is
        executed, and no more memory is taken than the size of the file justifies.
    expects : str
        A sentence for the message about a file that cannot be read: what to write instead.
    recognises : callable, optional
        Takes the first bytes of a file with a suffix of another format, and returns whether it is of this
        one.
    many : bool
        Whether a file may name its recordings, so that one file may hold a whole modality, or several.
    companions : tuple of str
        Ends of the names of files that belong to one of this format, and hold no recording of their own.

    Examples
    --------
    >>> Format("text", (".txt",), lambda path: [Part(np.loadtxt(path))], "Write numbers.").title
    'text'
    """

    title: str
    suffixes: tuple[str, ...]
    read: Callable[..., Iterable[Part]]
    expects: str
    recognises: Callable[[bytes], bool] | None = None
    many: bool = False
    companions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Producer:
    """A tool or data set whose tables are known by their columns, whatever format they are written in.

    Parameters
    ----------
    title : str
        As it is named in messages, such as "DEAM".
    recognises : callable
        Takes a table with named columns, and returns whether it is one of this producer.
    parts : callable
        Takes such a table, and returns an iterable of `Part`.

    Examples
    --------
    >>> Producer("mine", lambda table: "mine" in table.columns, lambda table: [Part(table, True)]).title
    'mine'
    """

    title: str
    recognises: Callable[[pd.DataFrame], bool]
    parts: Callable[[pd.DataFrame], Iterable[Part]]
