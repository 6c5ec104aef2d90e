"""The file: durable, private, waited for in bounds, and safe with several processes."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from florentin_webhooks import Spool
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.spool import connection
from tests.support.spooled import names, waiting


def test_commit_is_on_the_disk_before_it_returns(spool: Spool) -> None:
    def setting(opened: sqlite3.Connection, name: str) -> object:
        return opened.execute(f"PRAGMA {name}").fetchone()[0]

    settings = ("journal_mode", "synchronous", "secure_delete")
    found = [spool._connector.run(partial(setting, name=name)) for name in settings]
    assert found == ["wal", 2, 1]  # FULL: the log is synchronized with each commit.


def test_files_are_readable_for_their_owner_alone(spool: Spool, path: Path) -> None:
    spool.append(waiting())
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(("spool.db", "spool.db-shm", "spool.db-wal"), 0o600)


def test_processes_append_side_by_side(path: Path) -> None:
    children = []
    for child in range(4):
        if not (pid := os.fork()):
            spool = Spool(path)
            for number in range(10):
                spool.append(waiting(f"{child}-{number}"))
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    found = names(Spool(path))
    assert len(found) == 40
    for child in range(4):
        own = [each for each in found if each.startswith(f"{child}-")]
        assert own == [f"{child}-{number}" for number in range(10)]


def is_free(spool: Spool) -> bool:
    if found := spool._connector.lock.acquire(blocking=False):
        spool._connector.lock.release()
    return found


def test_fork_takes_no_connection_along(spool: Spool) -> None:
    spool.append(waiting("parent"))
    if not (pid := os.fork()):
        is_closed = spool._connector._connection is None
        spool.append(waiting("child"))
        os._exit(not is_closed)
    assert os.waitpid(pid, 0)[1] == 0
    spool.append(waiting("later"))
    assert names(spool) == ["parent", "child", "later"]
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(is_free, spool).result()  # The forks have released their lock.


def test_spool_that_is_only_built_keeps_no_file_open(spool: Spool, path: Path) -> None:
    spool.append(waiting())
    spool.close()
    built = Spool(path)
    assert built.path == str(path)
    assert [each.name for each in path.parent.iterdir()] == ["spool.db"]


def test_look_at_an_open_spool_keeps_its_locks(spool: Spool, path: Path) -> None:
    spool.append(waiting())
    assert Spool(path).measure().waiting == 1
    assert spool.measure().waiting == 1
    look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM lease')"
    subprocess.run([sys.executable, "-c", look, str(path)], check=True)
    # The last connection to a file deletes its log: that process was not the last.
    assert path.with_name("spool.db-wal").exists()
    spool.append(waiting("2"))
    assert names(Spool(path)) == ["1", "2"]


def test_deleted_file_is_created_again(spool: Spool, path: Path) -> None:
    spool.append(waiting("lost"))
    for each in path.parent.iterdir():
        each.unlink()
    spool.append(waiting("kept"))
    assert names(Spool(path)) == ["kept"]


def test_file_that_is_busy_for_a_moment_is_tried_again(spool: Spool) -> None:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    answers: list[object] = [error, "done"]

    def work(_: sqlite3.Connection) -> object:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    assert spool._connector.run(work) == "done"


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "SELECT 1"])
def test_operation_that_failed_leaves_nothing_open(
    spool: Spool, path: Path, statement: str
) -> None:
    def fail(opened: sqlite3.Connection) -> None:
        opened.execute(statement)
        raise sqlite3.OperationalError

    with pytest.raises(Unavailable):
        spool._connector.run(fail)
    assert (spool._connector._connection is None) == (statement == "SELECT 1")
    Spool(path).append(waiting("other"))
    spool.append(waiting("own"))
    assert names(spool) == ["other", "own"]


def test_locked_file_is_waited_for_in_bounds(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    spool.append(waiting())
    spool.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="database is locked"):
            spool.append(waiting("2"))
        other.execute("COMMIT")
    spool.append(waiting("2"))
    assert spool.measure().waiting == 2


@pytest.mark.parametrize("version", [0, 1, 7])
def test_database_of_another_program_is_refused_and_unchanged(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE deliveries (parcel TEXT)")
        other.execute(f"PRAGMA user_version = {version}")
        other.commit()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"another program.*nothing was written"):
        Spool(path)
    assert path.read_bytes() == before


def test_spool_that_becomes_another_database_is_left_alone(spool: Spool, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE orders (number TEXT)")
    before = path.read_bytes()
    with pytest.raises(Unavailable, match="database of another program"):
        spool.append(waiting())
    assert path.read_bytes() == before


def test_file_of_a_newer_version_is_left_alone(
    spool: Spool, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool.append(waiting())
    spool._connector.run(lambda it: it.execute("PRAGMA user_version = 2"))
    older = Spool(path)  # The program starts, since its store may never go away.
    assert "written by a newer version" in caplog.text
    with pytest.raises(Unavailable, match="written by a newer version"):
        older.append(waiting("2"))
