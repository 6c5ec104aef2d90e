"""The spool: durable, in order, bounded, private, and safe with several processes."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from florentin_webhooks import Spool
from florentin_webhooks.core.spool import SpooledDelivery
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.spool import connection, file

T0 = datetime(2026, 11, 29, 12, 0, 0, 123000, UTC)
KEY, OTHER = Fernet.generate_key().decode(), Fernet.generate_key()


def waiting(name: str = "1", body: bytes = b'{"a":\n1}') -> SpooledDelivery:
    key_ids = ("00ff", "11ee")
    return SpooledDelivery(name, "- 00ff", "user.login", None, "secret", "00ff", key_ids, T0, body)


def names(spool: Spool, after: int = 0, limit: int = 100) -> list[str]:
    return [entry.fingerprint for entry in spool.read(after, limit)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def spool(path: Path) -> Spool:
    return Spool(path)


def test_delivery_is_read_as_it_was_appended(spool: Spool, path: Path) -> None:
    spool.append(waiting())
    (entry,) = Spool(path).read(0, 10)
    assert (entry.number, entry.delivery, entry.problem) == (1, waiting(), "")


def test_deliveries_are_read_in_order_of_arrival(spool: Spool) -> None:
    for name in "cab":
        spool.append(waiting(name))
    assert names(spool) == ["c", "a", "b"]
    assert names(spool, 1, 1) == ["a"]
    spool.remove([1, 3])
    spool.append(waiting("c"))
    assert [entry.number for entry in spool.read(0, 10)] == [2, 4]


def test_same_bytes_wait_once(spool: Spool) -> None:
    for _ in range(3):
        spool.append(waiting())
    assert spool.measure().waiting == 1


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


def test_removed_body_leaves_no_trace_in_the_files(spool: Spool, path: Path) -> None:
    spool.append(waiting(body=b"personal" * 9_999))
    assert b"personal" in _bytes(path)
    spool.remove([1])
    assert b"personal" not in _bytes(path)
    assert sum(each.stat().st_size for each in path.parent.iterdir()) < 70_000


def test_full_spool_refuses_and_keeps_what_it_has(path: Path) -> None:
    spool = Spool(path, max_bytes=1024 * 1024)
    refused = pytest.raises(Unavailable, match=r"spool\.db is full, or its disk is")
    with refused as caught:
        _fill(spool)
    assert "max_bytes" in caught.value.hint
    kept = spool.measure()
    assert 10 < kept.waiting < 21
    assert not kept.has_room
    assert path.stat().st_size <= 1024 * 1024
    spool.append(waiting("small"))
    spool.remove([entry.number for entry in spool.read(0, 50)])
    assert spool.measure().has_room
    spool.append(waiting("again", os.urandom(50_000)))


def test_large_body_keeps_none_of_its_companions_out(path: Path) -> None:
    spool = Spool(path, max_bytes=1024 * 1024)
    refused = []

    def append(delivery: SpooledDelivery) -> None:
        try:
            spool.append(delivery)
        except Unavailable:
            refused.append(delivery.fingerprint)

    large = waiting("large", bytes(2_000_000))
    with ThreadPoolExecutor(4) as threads:
        with spool._connector.lock:  # So that all of them are written at once.
            written = [threads.submit(append, each) for each in (large, waiting(), waiting("2"))]
            while len(spool._tickets) < 3:
                pass
        for each in written:
            each.result()
    assert refused == ["large"]
    assert sorted(names(spool)) == ["1", "2"]


def test_keys_encrypt_and_rotate(path: Path) -> None:
    Spool(path).append(waiting("plain"))
    Spool(path, keys=KEY).append(waiting("old", b"personal"))
    rotated = Spool(path, keys=[OTHER, KEY])
    rotated.append(waiting("new", b"personal"))
    assert [entry.delivery is not None for entry in rotated.read(0, 10)] == [True] * 3
    assert b"personal" not in _bytes(path)
    assert KEY not in repr(rotated)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ((), "it is encrypted, and the spool has no keys"),
        (OTHER, "none of the keys opens it, or it was changed"),
    ],
)
def test_entry_under_another_key_has_a_problem(
    path: Path, keys: Sequence[str], problem: str
) -> None:
    Spool(path, keys=KEY).append(waiting())
    (entry,) = Spool(path, keys=keys).read(0, 10)
    assert (entry.delivery, entry.problem) == (None, problem)


def test_damaged_entry_has_a_problem(spool: Spool) -> None:
    spool.append(waiting())
    damage = "UPDATE deliveries SET content = x'00'"
    spool._connector.run(lambda it: it.execute(damage))
    assert spool.read(0, 10)[0].problem == "its content is damaged"


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


def test_fork_takes_no_connection_along(spool: Spool) -> None:
    spool.append(waiting("parent"))
    if not (pid := os.fork()):
        is_closed = spool._connector._connection is None
        spool.append(waiting("child"))
        os._exit(not is_closed)
    assert os.waitpid(pid, 0)[1] == 0
    spool.append(waiting("later"))
    assert names(spool) == ["parent", "child", "later"]


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


def test_lease_belongs_to_one_holder_until_it_expires(spool: Spool) -> None:
    run = spool._connector.run

    def claim(holder: str, now: float) -> bool:
        return run(partial(file.claim, holder=holder, seconds=30, now=now))

    assert claim("a", 1000)
    assert not claim("b", 1029)
    assert claim("a", 1029)  # Extends it.
    assert not claim("b", 1058)
    assert claim("b", 1059)
    spool.release("a")
    assert not claim("a", 1060)
    spool.release("b")
    assert claim("a", 1060)
    assert claim("b", 100)  # The clock was set back: a lease is never longer than 30 s.


def test_facts_of_a_spool_create_no_file(spool: Spool, path: Path) -> None:
    facts = spool.measure()
    assert (facts.waiting, facts.oldest, facts.size, facts.error) == (0, None, 0, "")
    assert not spool.has_waiting()
    assert spool.read(0, 10) == []
    assert not path.exists()
    spool.append(waiting())
    assert (spool.measure().waiting, spool.measure().oldest) == (1, T0)
    assert spool.has_waiting()


def test_lost_folder_is_an_error_in_the_facts(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    spool = Spool(folder / "spool.db")
    folder.rmdir()
    facts = spool.measure()
    assert facts.error.endswith("is missing.")
    assert not facts.has_room
    with pytest.raises(Unavailable, match="No such file or directory"):
        spool.append(waiting())


def test_file_of_a_newer_version_is_left_alone(spool: Spool, path: Path) -> None:
    spool.append(waiting())
    spool._connector.run(lambda it: it.execute("PRAGMA user_version = 2"))
    with pytest.raises(ConfigurationError, match="written by a newer version"):
        Spool(path)


def test_unusable_paths_are_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"a file of yours")
    refused = {
        tmp_path: "is a folder",
        tmp_path / "none" / "spool.db": "is missing",
        tmp_path / "text": "file is not a database",
    }
    for path, reason in refused.items():
        with pytest.raises(ConfigurationError, match=reason):
            Spool(path)
    assert (tmp_path / "text").read_bytes() == b"a file of yours"


def test_weak_key_and_small_size_are_refused(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="32 bytes") as caught:
        Spool(path, keys="a-made-up-key")
    assert "a-made-up-key" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="max_bytes of the spool is 10"):
        Spool(path, max_bytes=10)


def _bytes(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in path.parent.iterdir())


def _fill(spool: Spool) -> None:
    for number in range(100):
        spool.append(waiting(str(number), os.urandom(50_000)))
