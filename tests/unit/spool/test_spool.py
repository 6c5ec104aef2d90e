"""A spool: bounded, with one write for all that arrive meanwhile, and checked at start."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from florentin_webhooks import Spool
from florentin_webhooks.core.spool import SpooledDelivery
from florentin_webhooks.errors import ConfigurationError, Unavailable
from tests.support.spooled import T0, names, waiting


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


def test_facts_of_a_spool_create_no_file(spool: Spool, path: Path) -> None:
    facts = spool.measure()
    assert (facts.waiting, facts.oldest, facts.size, facts.error) == (0, None, 0, "")
    assert not spool.has_waiting()
    assert spool.read(0, 10) == []
    assert not path.exists()
    spool.append(waiting())
    assert (spool.measure().waiting, spool.measure().oldest) == (1, T0)
    assert spool.has_waiting()
    spool.remove([1])
    assert not spool.has_waiting()


def test_lost_folder_is_an_error_in_the_facts(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    spool = Spool(folder / "spool.db")
    folder.rmdir()
    facts = spool.measure()
    assert facts.error.endswith("is missing.")
    assert not facts.has_room
    with pytest.raises(Unavailable, match="cannot be used: No such file") as caught:
        spool.append(waiting())
    assert caught.value.hint.startswith("Check the disk")


def test_unusable_paths_are_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"a file of yours")
    refused = {
        tmp_path: "is a folder",
        tmp_path / "none" / "spool.db": "is missing",
        tmp_path / "text": "file is not a database",
        tmp_path / ("long" * 100): "cannot be used: File name too long",
        tmp_path / "null\0": "cannot be used: .*null",
    }
    for path, reason in refused.items():
        with pytest.raises(ConfigurationError, match=reason):
            Spool(path)
    assert (tmp_path / "text").read_bytes() == b"a file of yours"


@pytest.mark.parametrize("place", ["", "spool.db"])
def test_path_without_the_right_to_write_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    path.touch()
    protected = path.parent / place
    # The tests may run as root, who may write everywhere.
    monkeypatch.setattr(os, "access", lambda found, _: found != protected)
    with pytest.raises(ConfigurationError, match=f"{protected} is not writable"):
        Spool(path)


def test_damaged_file_is_an_error_in_the_facts(spool: Spool, path: Path) -> None:
    path.write_bytes(b"not a database, but a text of some length")
    assert "file is not a database" in spool.measure().error


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


@pytest.mark.parametrize("options", [{"path": None}, {"max_bytes": "1m"}, {"keys": 7}])
def test_value_of_another_type_is_refused(options: dict[str, Any], path: Path) -> None:
    given: dict[str, Any] = {"path": path, **options}
    with pytest.raises(ConfigurationError, match="of the spool is"):
        Spool(**given)
