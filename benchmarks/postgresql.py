"""A PostgreSQL server on the loopback interface and in a temporary folder, for tests and benchmarks."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

USER, PASSWORD, DATABASE = "ann", "s3cret/pass", "studies"


def programs():
    """Return the folder of PostgreSQL's programs, of which Debian puts none on the path, or None."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


class Server:
    """A server with one user, who needs a password, and one empty database.

    Its programs refuse to run as root, so root starts them as the user postgres or nobody.

    Attributes
    ----------
    url : str
        For SQLAlchemy, with the password.
    """

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data = self.folder / "data"
        password = PASSWORD.replace("/", "%2F")
        self.url = f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def __enter__(self):
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        for path in (self.folder, secret):
            if os.getuid() == 0:
                shutil.chown(path, _owner())
        self._run(
            "initdb", "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync", "-E", "UTF8"
        )
        self.start()
        command = (programs() / "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, DATABASE)
        subprocess.run(command, check=True, env=os.environ | {"PGPASSWORD": PASSWORD})
        return self

    def __exit__(self, *error):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """Start it, and wait until it can be reached."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync=off"
        self._run("pg_ctl", "start", "-w", "-l", str(self.folder / "log"), "-o", options)

    def stop(self):
        """Stop it; its connections are ended."""
        self._run("pg_ctl", "stop", "-m", "fast", "-w")

    def _run(self, program, *arguments):
        subprocess.run(
            [programs() / program, "-D", self.data, *arguments], check=True, cwd=self.folder,
            stdout=subprocess.DEVNULL, user=_owner() if os.getuid() == 0 else None,
            env=os.environ | {"LC_ALL": "C"},
        )  # fmt: skip


def _owner():
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
