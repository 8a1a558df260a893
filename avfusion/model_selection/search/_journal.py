"""Optuna's journal in a file: no lock outlives its process, half a last line is mended, damage is named."""

import io
import json
import os
import re
import shlex
import stat
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

from optuna.exceptions import StorageInternalError
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import TrialState

from avfusion._atomic._disk import sync_folder
from avfusion.model_selection.records._urls import without_password
from avfusion.model_selection.search._file_lock import locked
from avfusion.sequences._messages import brief, path_name

HEARTBEAT = "heartbeat"
HEARTBEAT_S = 30
GRACE_S = 300
_LONGEST_LINE = 1 << 24  # bytes: a file that is no journal may have no lines at all
_RECORD = b'{"op_code":'
_CHECKSUM = re.compile(rb',"crc32":(\d{1,10})\}$')
_SEEN = {}  # the last heartbeat of each trial, and when this process saw it first


def open_journal(file):
    """Open a journal, and create it with its folder if it is not there.

    Parameters
    ----------
    file : str or path-like

    Returns
    -------
    Journal

    Raises
    ------
    ValueError
        If the file is something else, or damaged.
    OSError
        If it cannot be read and written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     open_journal(f"{folder}/study.log").get_all_studies()
    []
    """
    name = f"storage={brief(without_password(os.fspath(file)), 100)}"
    path = os.path.abspath(os.path.expanduser(file))  # workers may start elsewhere
    _check_kind(path, name)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666))
        sync_folder(os.path.dirname(path))
        with open(path, "rb") as opened:
            head = opened.read(15)
    except OSError as error:
        reason = f"{name} cannot be read and written: {error.strerror}. Nothing has been fitted."
        raise OSError(reason) from None
    if head == b"SQLite format 3":
        url = brief(f"sqlite:///{path}", 120)
        raise ValueError(f"{name} is a database of SQLite. Give its URL: storage={url}.")
    return _opened(path, name)


def _opened(path, name):
    backend = JournalFile(path)
    try:
        return Journal(backend)
    except StorageInternalError as error:
        raise ValueError(f"{name}: {error}") from None
    except Exception:  # JSON that is no record of Optuna, of which any part may be missing
        raise ValueError(f"{name}: {_damage(path, backend.line)}") from None


def _check_kind(path, name):
    """Refuse what is no file of lines, before anything is read that may have no end."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:  # a loop of links, a name that is too long
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{name} cannot be the name of a journal: {reason}.") from None
    if stat.S_ISDIR(mode):
        raise ValueError(f"{name} is a folder. Give the name of a file in it, such as 'study.log'.")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{name} is a pipe, socket or device. Give the name of a file, such as 'study.log'.")


def _damage(path, line):
    """Name the line that is damaged, and what to do."""
    file = path_name(os.path.basename(path))
    if line <= 1:
        return f"{file} is no journal of Optuna: its first line is no record. Give the name of a new file."
    keep = f"head -n {line - 1} {shlex.quote(file)} > saved.log"
    return (
        f"line {line} of {file} is damaged. The {line - 1} lines before it can be kept: {keep}, and then "
        "storage='saved.log'."
    )


class JournalFile(BaseJournalBackend):
    """Lines of a file, each with a checksum, appended under a lock of the system's.

    Optuna reads and writes the same file: it takes no notice of checksums, and lines without one are read.
    Its own backend leaves a lock when it is killed, appends to half a line, and names no line that it cannot
    read.

    Parameters
    ----------
    path : str
        Of a file that is there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     journal = JournalFile(file.name)
    ...     journal.append_logs([{"op_code": 1, "study_id": 0}])
    ...     list(journal.read_logs(0))
    [{'op_code': 1, 'study_id': 0, 'crc32': ...}]
    """

    def __init__(self, path):
        self._file_path = path  # the name that Optuna's backend has for it
        self.line, self._offset = 0, 0

    def __reduce__(self):
        return type(self), (self._file_path,)

    def read_logs(self, log_number_from):
        """Yield the records from a number on, and leave out half a last line.

        Parameters
        ----------
        log_number_from : int

        Yields
        ------
        dict

        Raises
        ------
        StorageInternalError
            If a line is damaged, or the file cannot be read.
        """
        if log_number_from != self.line:
            self.line = self._offset = 0
        with self._reading() as file:
            if file.seek(0, os.SEEK_END) < self._offset:
                raise StorageInternalError(f"{path_name(self._file_path)} was cut by another program.")
            file.seek(self._offset)
            while line := file.readline(_LONGEST_LINE):
                if not line.endswith(b"\n"):
                    self._check_half(line)
                    return
                self.line, self._offset = self.line + 1, self._offset + len(line)
                log = self._record_of(line)
                if self.line > log_number_from:
                    yield log

    def append_logs(self, logs):
        """Append records, all or none of them, and see them on the disk.

        Parameters
        ----------
        logs : list of dict

        Raises
        ------
        StorageInternalError
            If they cannot be written: the file is then as it was.
        """
        lines = b"".join(map(_line_of, logs))
        try:
            with self._held() as file:
                self._mend(file)
                _write(file, lines)
        except OSError as error:
            raise self._unusable(error, "written") from None

    @contextmanager
    def _reading(self):
        try:
            with open(self._file_path, "rb") as file:
                yield file
        except OSError as error:
            raise self._unusable(error, "read") from None

    @contextmanager
    def _held(self):
        """Open the file, which must be there, and hold it against other processes."""
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
        with (
            io.FileIO(os.open(self._file_path, flags), "r+") as file,
            locked(file.fileno(), self._file_path),
        ):
            yield file

    def _unusable(self, error, done):
        if isinstance(error, TimeoutError):  # of the lock
            return StorageInternalError(str(error))
        reason = error.strerror or str(error).rstrip(".")
        return StorageInternalError(f"{path_name(self._file_path)} cannot be {done}: {reason}.")

    def _record_of(self, line):
        """Return the record of a line; where it seems damaged, of what is there when nobody writes."""
        log = _parsed(line)
        if log is None:
            try:
                with self._held() as file:  # a shared disk may show a line before all of it is there
                    file.seek(self._offset - len(line))
                    log = _parsed(file.read(len(line)))
            except OSError as error:
                raise self._unusable(error, "read") from None
        if log is None:
            raise StorageInternalError(_damage(self._file_path, self.line))
        return log

    def _check_half(self, line):
        """Refuse a file without lines: what is left of a journal begins like one."""
        foreign = self.line == 0 and not (line.startswith(_RECORD) or _RECORD.startswith(line))
        if foreign or len(line) >= _LONGEST_LINE:
            raise StorageInternalError(_damage(self._file_path, self.line + 1))

    def _mend(self, file):
        """Remove half a last line, which a full disk, a power cut or a kill has left; end a whole one."""
        size = file.seek(0, os.SEEK_END)
        if not size or _last_bytes(file, 1) == b"\n":
            return
        self._wait_for_others()
        half = _last_bytes(file, _LONGEST_LINE).rpartition(b"\n")[2]
        if not half:
            return
        if _parsed(half) is not None:
            _write(file, b"\n")
            return
        file.truncate(file.seek(0, os.SEEK_END) - len(half))
        os.fsync(file.fileno())
        warnings.warn(
            f"The last line of {path_name(self._file_path)} was not whole, as after a full disk or a power "
            f"cut: its {len(half)} bytes were removed. All lines before it are kept.",
            stacklevel=2,
        )

    def _wait_for_others(self):
        """Wait for Optuna's own backend, whose lock is a file, to end its line; it may have been killed."""
        end = time.monotonic() + 1
        while os.path.lexists(f"{self._file_path}.lock") and time.monotonic() < end:
            time.sleep(0.01)


def _last_bytes(file, count):
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - count))
    return file.read(count)


def _line_of(log):
    """Return the line of a record; its checksum is one more key, which Optuna does not read."""
    text = json.dumps(log, separators=(",", ":")).encode()
    return b'%s,"crc32":%d}\n' % (text[:-1], crc32(text))


def _parsed(line):
    """Return the record of a line, or None; half a line may stand before it, to which Optuna appended."""
    half, begin, last = line.rstrip(b"\r\n").rpartition(_RECORD)
    if half and not _is_half(half):
        return None
    line = begin + last
    found = _CHECKSUM.search(line)
    if found and crc32(line[: found.start()] + b"}") != int(found[1]):
        return None
    try:
        log = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return log if isinstance(log, dict) and "op_code" in log else None


def _is_half(text):
    """Return whether a text is the beginning of a record, and neither all of it nor damaged."""
    if text == b"\xef\xbb\xbf":  # of an editor, at the beginning of a file
        return True
    try:
        json.JSONDecoder().raw_decode(text.decode("ascii"))
    except ValueError:
        return text.isascii() and text.decode().isprintable()
    return False


def _write(file, lines):
    """Append lines, all or none of them."""
    size, rest = file.seek(0, os.SEEK_END), memoryview(lines)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        file.truncate(size)
        raise
    os.fsync(file.fileno())


class Journal(JournalStorage):
    """Optuna's journal with heartbeats, by which trials of lost machines and containers are found.

    A trial is given up when this process has seen no new heartbeat of it for a while, by its own steady
    clock: those of other machines may be wrong.

    Parameters
    ----------
    log_storage : JournalFile
    """

    def get_heartbeat_interval(self):
        """Return the seconds from one heartbeat to the next."""
        return HEARTBEAT_S

    def get_heartbeat_stale_trial_callback(self):
        """Return None: what becomes of such trials is decided where they are found."""

    def record_heartbeat(self, trial_id):
        """Record that a trial is under way.

        Parameters
        ----------
        trial_id : int
        """
        self.set_trial_system_attr(trial_id, HEARTBEAT, round(time.monotonic(), 3))

    def _get_stale_trial_ids(self, study_id):
        stale, now = [], time.monotonic()
        for trial in self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,)):
            beat = trial.system_attrs.get(HEARTBEAT)
            key = self._backend._file_path, trial._trial_id
            if beat is None or _SEEN.get(key, (None,))[0] != beat:
                _SEEN[key] = beat, now
            elif now - _SEEN[key][1] > GRACE_S:
                stale.append(trial._trial_id)
        return stale
