"""The processes that are killed: ``python -m tests.faults.processes web FD``, or ``worker KIND``.

They leave when their standard input ends, that is with the test. A worker is the package's own;
what RQ adds to its times without asking (a minute to each heartbeat, to the scheduler's lock and
to what is popped and forgotten) is seconds here.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from datetime import timedelta
from typing import Any, cast

import rq.intermediate_queue
import rq.scheduler
import rq.utils
import uvicorn

from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.core import job as part
from florentin_webhooks.core.drain import background, one_pass
from florentin_webhooks.redis.cluster.store import ClusterStore
from florentin_webhooks.rq import job, safe_queue, sweeper, worker
from florentin_webhooks.rq.batch import calls, size, steps
from florentin_webhooks.rq.lanes import fleet, schedulers
from tests.faults.program import QUEUE, die_at, hooks, mail, partner, simulated

MINUTE = 2
"""Seconds that stand for each minute which RQ adds."""


def _leave_with_test() -> None:
    os.read(0, 1)  # Not sys.stdin, whose lock a forked scheduler would inherit as taken.
    os._exit(0)


def web(descriptor: int) -> None:
    """Serve the receivers on a socket that the test has opened."""
    background.CHECK_SECONDS = 0.1
    one_pass.LEASE_SECONDS = MINUTE
    logging.basicConfig(level=logging.INFO)
    app = WebhookMiddleware(WebhookApp(hooks), receiver=partner, path="/webhooks/github")
    app = WebhookMiddleware(app, receiver=mail, path="/webhooks/sendgrid")
    app = WebhookMiddleware(app, receiver=simulated, path="/webhooks/simulated")
    config = uvicorn.Config(app, log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


def work(kind: str) -> None:
    part.LEASE_MARGIN = 1
    one_pass.LEASE_SECONDS = MINUTE
    safe_queue.CLEANUP_LOCK = MINUTE
    calls.CLAIM_LEASE = MINUTE
    size.BatchSize.first = size.DEFAULT_BATCH
    job._STORE_RETRY = 1
    made, members = _build(worker.WorkerKind(kind))
    for each in members:
        each.lost_after = sweeper.LOST_AFTER / 60 * MINUTE
        each.job_monitoring_interval = 1
        each.get_heartbeat_ttl = lambda *_, **__: MINUTE
        _make_mortal(each)
    _shorten(rq.scheduler.RQScheduler, rq.intermediate_queue.IntermediateQueue)
    made.work(with_scheduler=True)


def _build(kind: worker.WorkerKind) -> tuple[Any, list[Any]]:  # Any: RQ leaves its types open.
    """Return the worker, and RQ's workers in it: one, or one for each lane of a cluster."""
    others = [partner, mail, simulated]
    options: Any = {"queue": QUEUE, "kind": kind, "maintenance": 1, "others": others}
    if isinstance(hooks.store, ClusterStore):
        schedulers._ACQUIRE = 1
        made = fleet.build_fleet(hooks, **options)
        return made, list(made.workers)
    single: Any = worker.build_worker(hooks, cast("Any", hooks.store).client(), **options)
    return single, [single]


class _Second(int):
    """A second to which RQ adds sixty in vain."""

    def __add__(self, _: int) -> int:
        return MINUTE


def _shorten(scheduler: Any, intermediate: Any) -> None:  # Any: RQ leaves its types open.
    build = scheduler.__init__

    def builds(self: Any, *arguments: Any, **options: Any) -> None:
        build(self, *arguments, **options)
        self.interval = _Second(self.interval)

    def is_forgotten(self: Any, job_id: str) -> bool:
        seen = self.get_first_seen(job_id)
        return bool(seen and rq.utils.now() - seen > timedelta(seconds=MINUTE))

    scheduler.__init__ = builds
    intermediate.should_be_cleaned_up = is_forgotten


def _make_mortal(made: Any) -> None:
    execute, schedule = made.execute_job, safe_queue.SafeQueue.schedule_job
    send = steps.BatchSteps.send

    def executes(job: Any, queue: Any) -> None:
        die_at("popped")
        execute(job, queue)

    def schedules(self: Any, *arguments: Any, **options: Any) -> Any:
        die_at("before it is scheduled")
        return schedule(self, *arguments, **options)

    def sends(self: Any, *arguments: Any) -> None:
        die_at("before step")
        send(self, *arguments)
        die_at("after step")

    made.execute_job = executes
    steps.BatchSteps.send = sends  # type: ignore[method-assign, assignment]  # made mortal.
    safe_queue.SafeQueue.schedule_job = schedules  # type: ignore[method-assign]  # made mortal.


if __name__ == "__main__":
    threading.Thread(target=_leave_with_test, daemon=True).start()
    if sys.argv[1] == "web":
        web(int(sys.argv[2]))
    else:
        work(sys.argv[2])
