"""Run the handlers of queued events: one RQ worker, or several processes of it."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import closing
from secrets import token_hex

import click

from florentin_webhooks.cli.context import QueueContext, open_queue
from florentin_webhooks.cli.devserver.supervisor import Supervisor, end_with_parent
from florentin_webhooks.cli.devserver.web import ending_on_sigterm
from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.formatting.log_handler import ConsoleHandler, hide_rq_chatter
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.invocation import export_pythonpath, self_command, suggest
from florentin_webhooks.cli.loader import split
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.core.loader import FACTORY_VARIABLE, remember_program
from florentin_webhooks.protocol.suggestions import closest_match

__all__ = ["command"]

_MOST = 64


@click.command("worker")
@app_argument
@click.option("--queue", help="Which queue to work on; the receiver's own if not given.")
@click.option("--burst", is_flag=True, help="Exit when the queue is empty.")
@click.option("--processes", type=click.IntRange(1, _MOST), default=1, show_default=True)
@click.option(
    "--class",
    "kind",
    type=click.Choice(["fork", "simple", "spawn"]),
    default="fork",
    show_default=True,
    help="Run each event in a forked process, in the worker itself, or in a new process.",
)
@click.option("--lifeline", is_flag=True, help="End when standard input does.")
@with_output
def command(
    out: Output,
    app: str,
    queue: str | None,
    *,
    burst: bool,
    processes: int,
    kind: str,
    lifeline: bool,
) -> None:
    """Run the queued handlers of the receiver APP (shop.hooks:hooks) until Ctrl-C.

    Works on one queue, with the scheduler for retries. SIGTERM or Ctrl-C finishes the event that
    is running; a second one, later than a second after the first, kills it, and it is run again.
    """
    split(app)
    with ending_on_sigterm():
        logging.basicConfig(level=logging.INFO, handlers=[hide_rq_chatter(ConsoleHandler(out))])
        shop = open_queue(app)
        name = _queue(shop, queue)
        if processes == 1:
            end_with_parent(wanted=lifeline)
            if not lifeline:
                _announce(out, shop, name, f"class {kind}")
            _work(shop, name, kind, burst=burst)
            return
        _announce(out, shop, name, f"{processes} processes of class {kind}")
        words = ["worker", app, "--queue", name, "--class", kind, "--color", out.color]
        words += ["--lifeline", *["--burst"] * burst, *["--json"] * out.json]
        export_pythonpath()
        code = Supervisor([self_command(*words)] * processes, burst=burst).run()
    raise click.exceptions.Exit(code)


def _queue(shop: QueueContext, asked: str | None) -> str:
    names = shop.hooks.queue_names
    if asked is None or asked in names:
        return asked or names[0]
    there = closest_match(asked, names) or names[0]
    message = f"no handler of {shop.app} runs in the queue {asked!r}, only in: {', '.join(names)}"
    raise UsageError(message, suggest("worker", "--queue", there, app=shop.app))


def _announce(out: Output, shop: QueueContext, queue: str, how: str) -> None:
    others = [name for name in shop.hooks.queue_names if name != queue]
    out.info(
        f"Working on queue {queue} of {shop.app}: {how}, scheduler on, Redis {shop.redis.address}, "
        f"pid {os.getpid()}."
    )
    if others:
        out.info(f"Handlers wait in other queues, too, which need workers: {', '.join(others)}.")


def _work(shop: QueueContext, queue: str, kind: str, *, burst: bool) -> None:
    # So that --help loads no Redis.
    from florentin_webhooks.redis.clients import RedisError  # noqa: PLC0415
    from florentin_webhooks.rq.worker import WorkerKind, build_worker  # noqa: PLC0415 - the same.

    host = socket.gethostname().partition(".")[0]
    name = f"{host}.{os.getpid()}.{token_hex(2)}"
    try:
        with closing(shop.hooks), shop.redis.client() as client:
            worker = build_worker(shop.hooks, client, queue=queue, kind=WorkerKind(kind), name=name)
            # What its jobs name, which need not be what was typed.
            remember_program(shop.hooks.path, shop.hooks)
            os.environ[FACTORY_VARIABLE] = shop.hooks.path  # For the processes of its jobs.
            worker.work(burst=burst, with_scheduler=True)
    except RedisError as error:
        raise shop.unreachable(error) from None
