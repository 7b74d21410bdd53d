"""A private PostgreSQL server for a test session, on a socket of its own.

Belongs here: starting and stopping it, and making empty databases in it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

_UNPRIVILEGED = ("postgres", "nobody")
"""Users to run the server as where the tests run as root, which it refuses to do."""


@dataclass(frozen=True)
class Cluster:
    """A running server.

    Attributes:
        bin: the folder of its programs.
        folder: of its data, its socket and its log.
        user: the system's user it runs as; none where that is the one who runs the tests.
    """

    bin: Path
    folder: Path
    user: str | None

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The URL of a database made for the occasion."""
        name = f"ledger_{uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def new_schema(self) -> str:
        """The URL of an empty schema, which takes less time and disk than a database."""
        name = f"ledger_{uuid4().hex}"
        self.execute(f'CREATE SCHEMA "{name}"')
        return f"{self.url('postgres')}&options=-csearch_path%3D{name}"

    def execute(self, statement: str) -> None:
        """Run a statement that concerns the server as a whole."""
        address = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        self._run("pg_ctl", "start", "-w", "-l", f"{self.folder}/log", "-o", settings)

    def stop(self, mode: str) -> None:
        """Stop it: ``fast``, or ``immediate``, which is as good as a power cut."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def initialise(self) -> None:
        """Make its data folder."""
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin / program), "-D", str(self.folder / "data"), *arguments]
        if self.user is not None:
            command = ["runuser", "-u", self.user, "--", *command]
        # A pipe would stay open as long as the server runs, and be waited for.
        with (self.folder / "output").open("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd="/", check=False)
            output.seek(0)
            assert done.returncode == 0, output.read()


def programs() -> Path | None:
    """The folder of the server's programs, of the newest version installed; none without one."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")]
    on_path = shutil.which("pg_ctl")
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running_cluster(binaries: Path) -> Iterator[Cluster]:
    """A server that is gone afterwards."""
    # Not among pytest's folders: they are closed to other users, and too long for a socket.
    with tempfile.TemporaryDirectory(prefix="aina-pg-") as name:
        user = None
        if os.geteuid() == 0:
            known = {entry.pw_name for entry in pwd.getpwall()}
            user = next(candidate for candidate in _UNPRIVILEGED if candidate in known)
            shutil.chown(name, user)
        cluster = Cluster(binaries, Path(name), user)
        cluster.initialise()
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop("immediate")
