"""Disks that are full or read-only, a server that sends slowly, and two threads at once."""

import ctypes
import hashlib
import http.server
import os
import resource
import shutil
import sys
import threading
import time

NEW_MOUNTS = 0x00020000  # CLONE_NEWNS: what is mounted is seen by this process alone, and goes with it
PRIVATE, READ_ONLY, AGAIN = 0x44000, 1, 32  # MS_REC | MS_PRIVATE, MS_RDONLY, MS_REMOUNT
SIZE = 1 << 21


def full(subject):
    """Write to a disk that is full; return what was there afterwards, or what was unclear."""

    def fill():
        if not mounted(subject.place, f"size={SIZE}"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # for users who may not mount
            return
        copied(subject)
        with open(subject.place / "filler", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

    return in_child_of_its_own(lambda: _tried(subject, fill, ("No space left", "File too large")))


def read_only(subject):
    """Write to a disk that is mounted read-only; return as `full`."""

    def protect():
        if mounted(subject.place, f"size={SIZE}"):
            copied(subject)
            _mount("none", subject.place, None, READ_ONLY | AGAIN, None)
        else:
            os.chmod(subject.place, 0o555)

    return in_child_of_its_own(
        lambda: _tried(subject, protect, ("Read-only", "Permission denied", "protected against writing"))
    )


def copied(subject):
    """Copy the older result to the disk that was mounted over its place."""
    shutil.copytree(subject.folder / "was", subject.place, dirs_exist_ok=True)


def _tried(subject, change, words):
    change()
    try:
        subject.write()
    except (OSError, ValueError) as error:
        text = str(error)
        clear = len(text.splitlines()) <= 3 and any(word in text for word in words)
        if not (clear and subject.path.name in text):
            return f"unclear: {text}"
    except BaseException as error:
        return f"obscure: {type(error).__name__}: {error}"
    else:
        return "no error"
    state = subject.state()
    return f"{len(subject.left())} parts left" if subject.left() else state


def mounted(folder, options):
    """Mount an empty disk in memory for this process alone; return whether that is allowed."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if library.unshare(NEW_MOUNTS):
            return False
        _mount("none", "/", None, PRIVATE, None)
        _mount("tmpfs", folder, "tmpfs", 0, options)
    except (OSError, AttributeError):
        return False
    return True


def _mount(source, target, kind, flags, options):
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def in_child_of_its_own(function):
    """Return the text that a function returns in a child that is forked."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "crash"
        try:
            nothing = open(os.devnull, "w")  # noqa: SIM115 - the process ends with it
            sys.stdout = sys.stderr = nothing
            said = function()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def together(*actions):
    """Do something in threads at once; return whether one failed."""
    failed, barrier = [], threading.Barrier(len(actions))

    def run(action):
        barrier.wait()
        try:
            action()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return bool(failed)


def slow_server():
    """Start a server; return the content of its files, its address, and their checksums."""
    content = {f"{k}.csv": os.urandom(2000) for k in range(3)}

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            text = content[self.path.strip("/")]
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            for start in range(0, len(text), 500):
                self.wfile.write(text[start : start + 500])
                self.wfile.flush()
                time.sleep(0.02)

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # of clients that were killed
    threading.Thread(target=server.serve_forever, daemon=True).start()
    checksums = {name: hashlib.sha256(text).hexdigest() for name, text in content.items()}
    return content, f"http://127.0.0.1:{server.server_address[1]}/", checksums
