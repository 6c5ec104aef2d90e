"""Draining in the background: by a thread or a task, started once, and stopped."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal
from weakref import ref

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.core.drain import background
from florentin_webhooks.core.drain.background import BackgroundDrain
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.events import UserLogin
from tests.support.spooled import SECRET, SpooledShop
from tests.support.waiting import eventually


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "CHECK_SECONDS", 0.01)


def spool_threads() -> int:
    return sum(each.name == "spool" for each in threading.enumerate())


def spool_tasks() -> list[asyncio.Task[Any]]:  # Any: as asyncio's.
    return [each for each in asyncio.all_tasks() if "BackgroundDrain" in repr(each)]


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
        assert len(spool_tasks()) == 1
        shop.store.away = False
        await asyncio.to_thread(eventually, lambda: len(shop.ran) == 3)
        await shop.receiver.aclose()
        assert spool_tasks() == []

    asyncio.run(program())
    assert spool_threads() == 0


def test_task_drains_what_comes_after_its_first_pass(path: Path) -> None:
    shop, other = SpooledShop(path, background=True), SpooledShop(path)

    async def program() -> None:
        await shop.receiver.areceive(*shop.make())
        for _ in range(2):
            await asyncio.to_thread(other.send_away)
            await asyncio.to_thread(eventually, lambda: not other.spool.has_waiting())
        await shop.receiver.aclose()

    asyncio.run(program())


def test_task_that_was_cancelled_is_started_again(path: Path) -> None:
    shop = SpooledShop(path, background=True)

    async def program() -> None:
        await shop.receiver.areceive(*shop.make())
        (started,) = spool_tasks()
        started.cancel()
        await asyncio.wait({started})
        shop.store.away = True
        await shop.receiver.areceive(*shop.make())
        assert len(spool_tasks()) == 1
        await shop.receiver.aclose()

    asyncio.run(program())


def test_task_runs_without_the_context_of_a_request(path: Path) -> None:
    request = ContextVar("request", default="none")
    shop = SpooledShop(path, background=True)
    seen: list[object] = []

    async def handle(_: UserLogin) -> None:
        seen.extend((request.get(), asyncio.get_running_loop()))

    shop.receiver.on(UserLogin)(handle)

    async def program() -> None:
        request.set("first")
        shop.store.away = True
        await shop.receiver.areceive(*shop.provider.make("user.login"))
        shop.store.away = False
        await asyncio.to_thread(eventually, lambda: seen)
        assert seen == ["none", asyncio.get_running_loop()]
        await shop.receiver.aclose()

    asyncio.run(program())


def test_closing_waits_for_the_delivery_in_the_task(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SpooledShop(path).send_away()
    shop = SpooledShop(path, background=True)
    ended: list[bool] = []

    async def program() -> None:
        has_begun, may_end = asyncio.Event(), asyncio.Event()

        async def drain_once(*_: object, **__: object) -> bool:
            has_begun.set()
            await may_end.wait()
            ended.append(True)
            return True

        monkeypatch.setattr(shop.receiver._drain, "drain_once", drain_once)
        await shop.receiver.areceive(*shop.make())
        await has_begun.wait()
        asyncio.get_running_loop().call_soon(may_end.set)
        await shop.receiver.aclose()

    asyncio.run(program())
    assert ended == [True]


def test_task_that_does_not_end_is_cancelled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "STOP_SECONDS", 0.01)
    shop = SpooledShop(path, background=True)

    async def drain_once(*_: object, **__: object) -> bool:
        return await asyncio.Event().wait()

    async def program() -> None:
        monkeypatch.setattr(shop.receiver._drain, "drain_once", drain_once)
        await shop.receiver.areceive(*shop.make())
        (started,) = spool_tasks()
        await asyncio.wait_for(shop.receiver.aclose(), 20)
        await asyncio.wait({started}, timeout=20)
        assert started.cancelled()

    asyncio.run(program())


def test_receiver_that_drained_nothing_is_closed(path: Path) -> None:
    asyncio.run(SpooledShop(path).receiver.aclose())
    asyncio.run(Receiver(SECRET).aclose())  # It has no spool.


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


class _Thread(threading.Thread):
    """A thread that records how long was waited for it."""

    def __init__(self, **options: Any) -> None:  # Any: of threading.
        super().__init__(**options)
        self.waits: list[float | None] = []

    def join(self, timeout: float | None = None) -> None:
        self.waits.append(timeout)
        super().join(timeout)


@pytest.mark.parametrize(("child", "waits"), [(0, [background.STOP_SECONDS]), (1, [])])
def test_thread_is_waited_for_in_its_own_process(
    path: Path, monkeypatch: pytest.MonkeyPatch, child: int, waits: list[float]
) -> None:
    monkeypatch.setattr(background, "Thread", _Thread)
    shop = SpooledShop(path, background=True)
    shop.send()
    drain = shop.receiver._drain
    assert drain is not None
    started = drain._thread
    assert isinstance(started, _Thread)
    assert started.daemon
    drain._process -= child  # As uWSGI forks: Python is not told.
    shop.receiver.close()
    assert started.waits == waits
    eventually(lambda: not started.is_alive())


def _fork(drain: BackgroundDrain) -> None:
    drain._process -= 1


def _fail(drain: BackgroundDrain) -> None:
    assert drain._thread is not None
    drain._is_stopped.set()
    drain._thread.join()


@pytest.mark.parametrize("lose", [_fork, _fail, BackgroundDrain.stop])
def test_thread_that_is_lost_is_replaced_when_deliveries_wait(
    path: Path, lose: Callable[[BackgroundDrain], None]
) -> None:
    shop = SpooledShop(path, background=True)
    shop.send()
    drain = shop.receiver._drain
    assert drain is not None
    before, is_stopped = drain._thread, drain._is_stopped
    assert before is not None
    shop.send_away()
    assert drain._thread is before
    lose(drain)
    shop.send_away()
    assert drain._thread not in (before, None)
    is_stopped.set()
    before.join()
    shop.receiver.close()


def test_thread_and_task_pause_between_two_looks() -> None:
    class Stopped(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout == background.CHECK_SECONDS
            self.set()
            return True

    class StoppedTask(asyncio.Event):
        async def wait(self) -> Literal[True]:
            self.set()
            return True

    class Drain(BackgroundDrain):
        looks = 0

        async def drain_once(self, *_: object, **__: object) -> bool:
            self.looks += 1
            return self.looks < 3

    thread, task = Drain(lambda: None), Drain(lambda: None)
    background._run_thread(ref(thread), Stopped())
    asyncio.run(task._repeat(StoppedTask()))
    assert (thread.looks, task.looks) == (1, 1)


@pytest.mark.parametrize("found", [None, lambda **_: None], ids=["receiver", "spool"])
def test_nothing_is_drained_for_what_is_gone(found: Callable[..., None] | None) -> None:
    drain = BackgroundDrain(lambda: found)
    assert run_sync(drain.drain_once(bool, is_blocking=True)) is False


def test_pass_that_is_stopped_at_its_start_drains_nothing(path: Path) -> None:
    shop = SpooledShop(path)
    shop.send_away()
    assert shop.receiver._drain is not None
    run_sync(shop.receiver._drain.drain_once(lambda: True, is_blocking=True))
    assert shop.ran == []


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
