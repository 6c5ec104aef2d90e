"""The same empty handler in other task queues: ``python -m benchmarks.task_queues NAME``.

Each worker is one process with one thread or coroutine for handlers. All but huey acknowledge a
task after it has run, so that a killed worker loses none.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.queued import URL
from benchmarks.serve import CORE, pin

__all__ = ["TASK_QUEUES", "TaskQueue"]


class TaskQueue(NamedTuple):
    """A task queue: *build* returns how to push a body, and how to run a worker.

    *left* returns the number of tasks that have not ended. *module* is the one that it needs.
    """

    module: str

    build: Callable[[str], tuple[Callable[[bytes], object], Callable[[], object]]]
    left: Callable[[Any], int]  # Any: redis-py leaves the types of a client open.


def _taskiq(url: str) -> tuple[Callable[[bytes], object], Callable[[], object]]:
    from taskiq.api import run_receiver_task  # noqa: PLC0415 - each worker imports its own.
    from taskiq_redis import RedisStreamBroker  # noqa: PLC0415

    broker = RedisStreamBroker(url)

    @broker.task(task_name="empty")
    async def empty(body: str) -> None:
        """Do nothing."""

    async def work() -> None:
        broker.is_worker_process = True
        await broker.startup()
        await run_receiver_task(broker)

    loop = asyncio.new_event_loop()

    def push(body: bytes) -> None:
        loop.run_until_complete(empty.kiq(body.decode()))

    return push, lambda: asyncio.run(work())


def _taskiq_left(client: Any) -> int:
    groups = client.xinfo_groups("taskiq") if client.exists("taskiq") else []
    if not groups:  # Its worker, which creates the group, is still starting.
        return 1
    return sum(group["pending"] + (group["lag"] or 0) for group in groups)


def _huey(url: str) -> tuple[Callable[[bytes], object], Callable[[], object]]:
    from huey import RedisHuey  # noqa: PLC0415

    huey = RedisHuey("peer", url=url, results=False)
    empty = huey.task(name="empty")(_nothing)
    consumer = {"workers": 1, "periodic": False, "initial_delay": 0.001, "max_delay": 0.001}
    return empty, lambda: huey.create_consumer(**consumer).run()


def _celery(url: str) -> tuple[Callable[[bytes], object], Callable[[], object]]:
    from celery import Celery  # noqa: PLC0415

    app = Celery("peer", broker=url)
    app.conf.update(task_acks_late=True, task_ignore_result=True, worker_send_task_events=False)
    empty = app.task(name="empty")(_nothing)
    words = ["worker", "--pool=solo", "--without-gossip", "--without-mingle", "--loglevel=ERROR"]
    return lambda body: empty.delay(body.decode()), lambda: app.worker_main(words)


def _dramatiq(url: str) -> tuple[Callable[[bytes], object], Callable[[], object]]:
    import dramatiq  # noqa: PLC0415
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    broker = RedisBroker(url=url)
    dramatiq.set_broker(broker)
    empty = dramatiq.actor(actor_name="empty")(_nothing)

    def work() -> None:
        worker = dramatiq.Worker(broker, worker_threads=1)
        worker.start()
        worker.join()
        while True:
            asyncio.run(asyncio.sleep(60))

    return lambda body: empty.send(body.decode()), work


def _nothing(body: object) -> None:
    """Do nothing."""


TASK_QUEUES = {
    "taskiq, Redis streams": TaskQueue("taskiq_redis", _taskiq, _taskiq_left),
    "huey": TaskQueue("huey", _huey, lambda client: int(client.llen("huey.redis.peer"))),
    "celery solo, acks_late": TaskQueue(
        "celery", _celery, lambda client: int(client.llen("celery")) + int(client.hlen("unacked"))
    ),
    "dramatiq": TaskQueue(
        "dramatiq", _dramatiq, lambda client: int(client.hlen("dramatiq:default.msgs"))
    ),
}


def main() -> None:
    """Run a worker of the task queue that is named on the command line."""
    pin(CORE)
    TASK_QUEUES[sys.argv[1]].build(os.environ[URL])[1]()


if __name__ == "__main__":
    # Imported under its own name, as where tasks are pushed: huey and celery send it along.
    importlib.import_module("benchmarks.task_queues").main()
