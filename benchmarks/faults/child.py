"""A forked child with limits of time and memory, a working folder that goes with it, and a canary."""

import faulthandler
import json
import os
import resource
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CANARY = "AVFUSION_CANARY"  # names the file that executed code makes
GIB = 2**30


class Bomb:
    """An object whose unpickling makes the canary's file."""

    def __reduce__(self):
        return os.system, (f'touch "${CANARY}"',)


@dataclass(frozen=True)
class Ended:
    """The end of a child.

    Parameters
    ----------
    how : str
        "ended", "hang", "memory" or "signal NUMBER".
    result : object
        What the function returned, as JSON holds it; None unless it ended.
    executed : bool
        Whether the canary's file was made.
    wall_s : float
    output : str
        The end of what it wrote to its output and error.
    """

    how: str
    result: object
    executed: bool
    wall_s: float
    output: str


def in_child(function, seconds=20.0, most_bytes=GIB):
    """Call a function in a child process that is forked, and return how that ended.

    The working folder and HOME are a fresh folder, which is removed. All processes of the child's group are
    ended with it. ``most_bytes`` is memory beyond that of this process.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        place = Path(name)
        (place / "work").mkdir()
        sys.stdout.flush()
        sys.stderr.flush()
        start = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _run(function, place, most_bytes)
        how = _watched(pid, start + seconds, _resident(os.getpid()) + most_bytes)
        wall = time.monotonic() - start
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        result = place / "result"
        if how == "ended" and not result.is_file():
            how = "crash"
        said = result.read_text("utf-8") if how == "ended" else "null"
        output = (
            (place / "output").read_text("utf-8", "replace")[-4000:] if (place / "output").exists() else ""
        )
        return Ended(how, json.loads(said), (place / "canary").exists(), wall, output)


def _run(function, place, most_bytes):
    """Be the child: this never returns."""
    code = 70
    try:
        os.setsid()
        os.chdir(place / "work")
        os.environ.update({CANARY: str(place / "canary"), "HOME": str(place / "work")})
        tempfile.tempdir = str(place)
        nothing = os.open(os.devnull, os.O_RDONLY)
        output = os.open(place / "output", os.O_WRONLY | os.O_CREAT)
        for old, new in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(old, new)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
        faulthandler.enable(2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        most = _virtual() + 4 * most_bytes  # a reservation of 10 TB is refused; what is used is watched
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
        result = json.dumps(function())
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        (place / "part").write_text(result, "utf-8")
        os.replace(place / "part", place / "result")
        code = 0
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error!a}\n".encode())
    finally:
        os._exit(code)


def _watched(pid, until, most):
    """Return how a process ended, after ending it where it takes too long or too much memory."""
    pause = 0.001
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "ended"
        beyond = "hang" if time.monotonic() > until else "memory" if _resident(pid) > most else None
        if beyond:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return beyond
        time.sleep(pause)
        pause = min(0.03, 1.5 * pause)


def _resident(pid):
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):  # no such system, or the process has ended
        return 0


def _virtual():
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 64 * GIB
