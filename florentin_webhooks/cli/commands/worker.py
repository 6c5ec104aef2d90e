"""Run the handlers of queued events in one or several RQ workers."""

from __future__ import annotations

import gc
import logging
import os
import socket
from contextlib import ExitStack, closing
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.context import QueueContext, open_queue
from florentin_webhooks.cli.devserver.supervisor import Child, Supervisor, end_with_parent
from florentin_webhooks.cli.devserver.web import ending_on_sigterm
from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.formatting.log_handler import ConsoleHandler, hide_rq_chatter
from florentin_webhooks.cli.host import apps_argument
from florentin_webhooks.cli.invocation import export_pythonpath, self_command, suggest
from florentin_webhooks.cli.loader import expand, validate_path
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.core.loader import FACTORY_VARIABLE, remember_program
from florentin_webhooks.protocol.suggestions import closest_match
from florentin_webhooks.rq.batch.size import DEFAULT_BATCH, MAX_BATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["command"]

_MOST = 64


@click.command("worker", cls=Command, renamed={"--class": "--worker-class"})
@apps_argument
@click.option("--queue", help="The queue to work on, by default the receiver's own.")
@click.option("--burst", is_flag=True, help="Exit when the queue is empty.")
@click.option("--processes", type=click.IntRange(1, _MOST), default=1, show_default=True)
@click.option(
    "--worker-class",
    type=click.Choice(["fork", "simple", "spawn"]),
    default="fork",
    show_default=True,
    help="Run events in a forked process, in the worker itself, or each in a new process.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, MAX_BATCH),
    help=f"Claim at most that many events at once, {DEFAULT_BATCH} by default; 1: one by one.",
)
@click.option(
    "--full-tracebacks", is_flag=True, help="Log texts of exceptions, which may quote payloads."
)
@click.option("--inspected", is_flag=True, hidden=True, help="Share what handlers do with a page.")
@click.option("--lifeline", is_flag=True, help="Exit when standard input ends.")
@with_output
def command(
    out: Output,
    apps: tuple[str, ...],
    queue: str | None,
    *,
    burst: bool,
    processes: int,
    worker_class: str,
    batch: int | None,
    full_tracebacks: bool,
    inspected: bool,
    lifeline: bool,
) -> None:
    """Run queued handlers until Ctrl-C.

    Works on one queue, with the scheduler that retries need. SIGTERM or Ctrl-C finishes the event
    that is running, and returns those that were claimed with it. A second one, more than a second
    later, kills it; it will run again. Several receivers share a worker where they share a Redis;
    jobs of others are left alone.
    """
    for app in apps:
        validate_path(app if ":" in app else f"{app}:hooks")
    most = _batch(apps, worker_class, batch)
    # As later, when RQ handles the signal: nothing has begun, and nothing has failed.
    with ending_on_sigterm(code=0):
        logging.basicConfig(
            level=logging.INFO, handlers=[hide_rq_chatter(ConsoleHandler(out.emit))]
        )
        contexts = [open_queue(app, waits=True) for app in expand(apps)]
        name = _queue(contexts, queue)
        for context in contexts:
            if full_tracebacks:
                context.hooks.reporter.log.error_text = True
            if inspected:
                _share_trail(context)
        if processes == 1:
            end_with_parent(wanted=lifeline)
            if not lifeline:
                _announce(out, contexts, name, f"class {worker_class}")
            _work(contexts, name, worker_class, burst=burst, batch=most)
            return
        _announce(out, contexts, name, f"{processes} processes of class {worker_class}")
        words = ["--queue", name, "--worker-class", worker_class, "--batch", str(most)]
        words += [*["--burst"] * burst, *["--full-tracebacks"] * full_tracebacks]
        code = _supervise(out, contexts, words, processes, burst=burst)
    raise click.exceptions.Exit(code)


def _supervise(
    out: Output, contexts: Sequence[QueueContext], words: list[str], processes: int, *, burst: bool
) -> int:
    """Run *processes* workers with the options *words*, and return the exit code."""
    paths = [context.app for context in contexts]
    shown = ["--color", out.color, *["--json"] * out.json]
    export_pythonpath()
    command = self_command("worker", *paths, *words, *shown, "--lifeline")
    return Supervisor([Child(command) for _ in range(processes)], burst=burst).run()


def _share_trail(context: QueueContext) -> None:
    from florentin_webhooks.inspector.shared_trail import share_trail  # noqa: PLC0415 - of dev.

    share_trail(context.hooks, error_text=True)


def _batch(apps: Sequence[str], worker_class: str, asked: int | None) -> int:
    """Return the most events that a worker claims at once. Raises :class:`UsageError`."""
    if worker_class != "spawn":
        return asked or DEFAULT_BATCH
    if asked is None or asked == 1:
        return 1
    message = f"--batch is {asked}, but a worker of class spawn runs events one by one."
    hint = suggest("worker", "--worker-class", "fork", app=" ".join(apps))
    raise UsageError(message, f"Run: {hint}")


def _queue(contexts: Sequence[QueueContext], asked: str | None) -> str:
    """Return the queue to work on. Raises UsageError where the receivers do not share it."""
    first = contexts[0]
    name = asked or first.hooks.queue_names[0]
    for context in contexts:
        names = context.hooks.queue_names
        if name not in names:
            match = closest_match(name, names) or names[0]
            message = f"{context.app} has no handler in queue {name!r}."
            hint = suggest("worker", "--queue", match, app=context.app)
            raise UsageError(f"{message} Its queues: {', '.join(names)}.", f"Run: {hint}")
        if context.redis.location != first.redis.location:
            message = f"{context.app} and {first.app} have different Redis databases or prefixes."
            raise UsageError(message, "Start a worker for each of them.")
    return name


def _announce(out: Output, contexts: Sequence[QueueContext], queue: str, how: str) -> None:
    apps = ", ".join(context.app for context in contexts)
    out.info(
        f"Working on queue {queue} of {apps}: {how}, scheduler on, "
        f"Redis {contexts[0].redis.address}, pid {os.getpid()}."
    )
    names = [name for context in contexts for name in context.hooks.queue_names]
    others = [name for name in dict.fromkeys(names) if name != queue]
    if others:
        what = "this receiver" if len(contexts) == 1 else "these receivers"
        out.info(f"Other queues of {what} need workers too: {', '.join(others)}.")


def _work(
    contexts: Sequence[QueueContext], queue: str, worker_class: str, *, burst: bool, batch: int
) -> None:
    # Imported here, so that --help loads no Redis.
    from florentin_webhooks.redis.clients import RedisError  # noqa: PLC0415
    from florentin_webhooks.rq.lanes.fleet import build_fleet  # noqa: PLC0415
    from florentin_webhooks.rq.worker import WorkerKind, build_worker  # noqa: PLC0415

    first, kind = contexts[0], WorkerKind(worker_class)
    hooks, *others = served = [context.hooks for context in contexts]
    host = socket.gethostname().partition(".")[0]
    name = f"{host}.{os.getpid()}.{token_hex(2)}"
    try:
        with ExitStack() as stack:
            for each in served:
                stack.enter_context(closing(each))
                # The path that jobs name may differ from the one that was typed.
                remember_program(each.path, each)
            # Any: each its own.
            options: Any = {"queue": queue, "kind": kind, "name": name, "batch": batch}
            if first.redis.is_cluster:
                worker: Any = build_fleet(hooks, others=others, **options)
            else:
                client = stack.enter_context(first.redis.client())
                worker = build_worker(hooks, client, others=others, **options)
            os.environ[FACTORY_VARIABLE] = " ".join(each.path for each in served)  # For jobs.
            gc.freeze()  # The processes that it forks must not finalize its sockets.
            worker.work(burst=burst, with_scheduler=True)
    except RedisError as error:
        raise first.unavailable(error) from None
