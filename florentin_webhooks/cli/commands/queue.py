"""Show how the queues of a receiver do, and end with 1 where something is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.context import open_queue
from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.formatting.durations import format_age, to_iso
from florentin_webhooks.cli.formatting.tables import indented, table
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import QueueContext
    from florentin_webhooks.rq.monitoring import QueueStatus, WorkerStatus

__all__ = ["command"]


@click.command("queue")
@app_argument
@with_output
def command(out: Output, app: str) -> None:
    """Show how the queues of the receiver APP (shop.hooks:hooks) do.

    Ends with 1 if something is wrong: events wait and no worker runs, retries wait and no
    scheduler does, or deliveries are dead.
    """
    shop = open_queue(app)
    problems: list[str] = []
    for sight in _sights(shop):
        found = sight.problems()
        out.emit(_facts(sight, found), _text(sight, out.width))
        problems += [_with_advice(problem, sight, app) for problem in found]
    for problem in problems:
        out.info(click.style("wrong: ", fg="red") + problem)
    if problems:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _sights(shop: QueueContext) -> list[QueueStatus]:
    # So that --help loads no Redis.
    from florentin_webhooks.redis.clients import RedisError  # noqa: PLC0415
    from florentin_webhooks.rq.monitoring import queue_status  # noqa: PLC0415 - the same.

    try:
        with shop.redis.client() as client:
            return [queue_status(client, name) for name in shop.hooks.queue_names]
    except RedisError as error:
        raise shop.unreachable(error) from None


def _facts(sight: QueueStatus, problems: list[str]) -> dict[str, object]:
    return {
        "queue": sight.name,
        "waiting": sight.waiting,
        "oldest_waiting_since": to_iso(sight.oldest),
        "scheduled": sight.scheduled,
        "running": sight.running,
        "dead": sight.dead,
        "scheduler": sight.scheduler,
        "workers": [_worker(seen) for seen in sight.workers],
        "problems": problems,
        "ok": not problems,
    }


def _worker(seen: WorkerStatus) -> dict[str, object]:
    return {
        "name": seen.name,
        "state": seen.state,
        "host": seen.host,
        "pid": seen.pid,
        "last_heartbeat": to_iso(seen.last_heartbeat),
    }


def _text(sight: QueueStatus, width: int) -> str:
    since = f", the oldest for {format_age(sight.oldest)}" if sight.oldest else ""
    rows = [
        ("waiting", f"{sight.waiting}{since}"),
        ("to be tried again", str(sight.scheduled)),
        ("running", str(sight.running)),
        ("dead", str(sight.dead)),
        ("scheduler", "alive" if sight.scheduler else "none"),
        ("workers", str(len(sight.workers) or "none")),
    ]
    workers = [
        f"{seen.name}: {seen.state}, heartbeat {format_age(seen.last_heartbeat)} ago"
        for seen in sight.workers
    ]
    told = [line for worker in workers for line in indented(worker, width)]
    return "\n".join([click.style(f"queue {sight.name}", bold=True), table(rows, width), *told])


def _with_advice(problem: str, sight: QueueStatus, app: str) -> str:
    if "dead" in problem:
        return f"{problem}; try: {suggest('dead list', app=app)}"
    return f"{problem}; try: {suggest('worker', '--queue', sight.name, app=app)}"
