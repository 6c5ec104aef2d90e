"""Draining in the background: by a thread or a task, started once, and stopped."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.core.drain import background
from florentin_webhooks.core.processing.runtime import run_sync
from tests.support.spooled import SpooledShop
from tests.support.waiting import eventually


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "CHECK_SECONDS", 0.01)


def spool_threads() -> int:
    return sum(each.name == "spool" for each in threading.enumerate())


def tasks() -> int:
    return sum("BackgroundDrain" in repr(each) for each in asyncio.all_tasks())


def test_thread_drains_when_the_store_answers_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop = SpooledShop(path, background=True)
    for _ in range(3):
        assert shop.send_away().status == 202
    eventually(lambda: len(shop.ran) == 3)
    eventually(lambda: "Drained" in caplog.text)
    assert spool_threads() == 1
    shop.receiver.close()
    assert spool_threads() == 0
    assert not path.with_name("spool.db-wal").exists()


def test_first_delivery_drains_what_a_killed_process_left(path: Path) -> None:
    SpooledShop(path).send_away()
    shop = SpooledShop(path, background=True)
    shop.send()
    eventually(lambda: len(shop.ran) == 2)
    shop.receiver.close()


def test_task_drains_in_the_event_loop_and_ends_with_it(path: Path) -> None:
    shop = SpooledShop(path, background=True)

    async def program() -> None:
        shop.store.away = True
        made = [shop.make() for _ in range(3)]
        assert [(await shop.receiver.areceive(*each)).status for each in made] == [202] * 3
        assert tasks() == 1
        shop.store.away = False
        await asyncio.to_thread(eventually, lambda: len(shop.ran) == 3)
        await shop.receiver.aclose()
        assert tasks() == 0

    asyncio.run(program())
    assert spool_threads() == 0


@pytest.mark.parametrize("wrapped", [False, True])
def test_asgi_program_drains_from_its_start(path: Path, wrapped: bool) -> None:
    SpooledShop(path).send_away()
    shop = SpooledShop(path, background=True)
    app: Any = WebhookApp(shop.receiver)  # Any: Starlette's types have no middleware of ours.
    if wrapped:
        app = WebhookMiddleware(Starlette(), receiver=shop.receiver)
    with TestClient(app):
        eventually(lambda: len(shop.ran) == 1)


def test_thread_ends_with_its_receiver(path: Path) -> None:
    shop = SpooledShop(path, background=True)
    shop.send()
    receiver = ref(shop.receiver)
    assert spool_threads() == 1
    del shop
    gc.collect()
    eventually(lambda: (gc.collect(), spool_threads() == 0)[1])
    assert receiver() is None


def test_unreadable_spool_does_not_end_the_thread(path: Path) -> None:
    shop = SpooledShop(path, background=True)
    path.write_bytes(b"not a database, but a text of some length")
    reply = shop.send_away()
    assert reply.status == 503
    assert "file is not a database" in str(reply.error)
    assert shop.send().status == 200
    path.unlink()
    shop.send_away()
    eventually(lambda: len(shop.ran) == 2)
    shop.receiver.close()


def test_pass_without_deliveries_logs_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shop = SpooledShop(path)
    terms = shop.receiver.drain_terms()
    assert terms is not None
    run_sync(background.drain_waiting(terms, 10))
    assert caplog.text == ""
