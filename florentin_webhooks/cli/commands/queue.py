"""Show waiting events, workers and problems of each queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.context import load_shared, open_queue
from florentin_webhooks.cli.doctor.remedies import queue_remedy
from florentin_webhooks.cli.doctor.spool import find_problem
from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.formatting.spools import spool_fields, spool_views
from florentin_webhooks.cli.formatting.views import Line, Paragraph, Styled, Table
from florentin_webhooks.cli.host import apps_argument
from florentin_webhooks.cli.loader import expand, load_all
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.core.times import format_age, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from florentin_webhooks.cli.context import QueueContext
    from florentin_webhooks.cli.formatting.views import View
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.rq.monitoring import QueueProblem, QueueStatus, WorkerStatus

__all__ = ["command"]


@click.command("queue", cls=Command)
@apps_argument
@with_output
def command(out: Output, apps: tuple[str, ...]) -> None:
    """Show the status of each queue.

    Exits with 1 if there is a problem: Redis is full, events wait without a worker, retries wait
    without a scheduler, there are dead letters, events were lost in the last 24 hours, a worker
    failed jobs before a handler began, or there are jobs of another program. Receivers of the same
    module, and all that are named, are one program.
    """
    problems = [*_spool_problems(out, apps)]
    for status, sharing in _statuses([open_queue(app) for app in expand(apps)]):
        found = status.problems()
        out.emit(_fields(status, found), *_views(status))
        problems += [
            f"{each.message} {queue_remedy(each.kind, status.name, sharing)}" for each in found
        ]
    for problem in problems:
        out.info(Line([Styled("problem:", "red"), problem]))
    if problems:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _spool_problems(out: Output, apps: Sequence[str]) -> Iterator[str]:
    """Show each spool once, also while Redis does not answer, and yield what is wrong with it."""
    loaded = {app: load_shared(app).hooks.spool for app in expand(apps)}
    spools = {spool.path: (app, spool) for app, spool in loaded.items() if spool is not None}
    for app, spool in spools.values():
        facts = spool.measure()
        problem = find_problem(facts, app)
        out.emit(spool_fields(facts, problem), *spool_views(facts))
        if problem:
            yield " ".join(problem)


def _statuses(contexts: Sequence[QueueContext]) -> Iterator[tuple[QueueStatus, str]]:
    """Yield the status of each queue once, with the receivers in *contexts* that share it."""
    paths = [context.app for context in contexts]
    modules = dict.fromkeys(path.partition(":")[0] for path in paths)
    known = [each.hooks for each in contexts]
    known += [hooks for module in modules for hooks in load_all(module) if hooks not in known]
    seen: set[object] = set()
    for context in contexts:
        for name in context.hooks.queue_names:
            place = context.redis.location, name
            if place not in seen:
                seen.add(place)
                # By their one name: two of the arguments may be names of the same receiver.
                sharing = dict.fromkeys(
                    each.hooks.path for each in contexts if _is_shared(each.hooks, *place)
                )
                others = [each for each in known if _is_shared(each, *place)]
                others.remove(context.hooks)
                yield _status(context, name, others), " ".join(sharing)


def _is_shared(hooks: Receiver[object], location: tuple[str, bytes], queue: str) -> bool:
    # Imported here, so that --help loads no Redis.
    from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415

    store = hooks.store
    is_shared = isinstance(store, RedisStore) and store.location == location
    return is_shared and queue in hooks.queue_names


def _status(context: QueueContext, name: str, others: Sequence[Receiver[object]]) -> QueueStatus:
    # Imported here, so that --help loads no Redis.
    from florentin_webhooks.redis.clients import RedisError  # noqa: PLC0415
    from florentin_webhooks.rq.lanes.status import read_status  # noqa: PLC0415

    try:
        return read_status(context.hooks, name, others)
    except RedisError as error:
        raise context.unavailable(error) from None


def _fields(status: QueueStatus, problems: list[QueueProblem]) -> dict[str, object]:
    return {
        "queue": status.name,
        "waiting": status.waiting,
        "oldest_waiting_since": to_iso(status.oldest),
        "scheduled": status.scheduled,
        "running": status.running,
        "dead": status.dead,
        "lost": status.lost,
        "scheduler": status.scheduler,
        "foreign": dict(status.foreign),
        "full": status.full,
        "workers": [_worker_fields(worker) for worker in status.workers],
        "problems": [each.message for each in problems],
        "ok": not problems,
    }


def _worker_fields(worker: WorkerStatus) -> dict[str, object]:
    return {
        "name": worker.name,
        "state": worker.state,
        "host": worker.host,
        "pid": worker.pid,
        "last_heartbeat": to_iso(worker.last_heartbeat),
    }


def _views(status: QueueStatus) -> Iterator[View]:
    oldest = f", the oldest for {format_age(status.oldest)}" if status.oldest else ""
    yield Line([Styled(f"queue {status.name}", "bold")])
    yield Table(
        [
            ("waiting", f"{status.waiting}{oldest}"),
            ("scheduled", str(status.scheduled)),
            ("running", str(status.running)),
            ("dead", str(status.dead)),
            ("lost", str(status.lost)),
            ("scheduler", "alive" if status.scheduler else "none"),
            *((f"of {path}", str(count)) for path, count in status.foreign.items()),
            ("workers", str(len(status.workers) or "none")),
        ]
    )
    for worker in status.workers:
        heartbeat = f"heartbeat {format_age(worker.last_heartbeat)} ago"
        yield Paragraph(f"{worker.name}: {worker.state}, {heartbeat}")
