"""Show the main job on one screen: a real receiver, real requests, and a check of every answer."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.delivery_factory import DeliveryFactory
from florentin_webhooks.cli.demo import steps as script
from florentin_webhooks.cli.demo.context import DemoContext
from florentin_webhooks.cli.demo.processes import ProcessGroup
from florentin_webhooks.cli.demo.recorder import RunRecorder, most_runs
from florentin_webhooks.cli.demo.report import Counts, heading, line, summary
from florentin_webhooks.cli.demo.runner import Result, StepRunner
from florentin_webhooks.cli.devserver.redis import REDIS_VARIABLE, embedded_server
from florentin_webhooks.cli.devserver.web import ending_on_sigterm, listen, refuse_missing, url_of
from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.formatting.tables import indented
from florentin_webhooks.cli.inputs import SECRET_VARIABLE
from florentin_webhooks.cli.invocation import trigger_command
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.redis.store import RedisStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["command"]

_PARTS = (
    ("Ten genuine events: verified, typed, handled", "EVENTS"),
    ("What must not run twice, or not at all", "TROUBLE"),
    ("What the workers see to", "WORKERS"),
)


@click.command("demo")
@click.option("--once", is_flag=True, help="Exit instead of waiting for deliveries of yours.")
@with_output
def command(out: Output, *, once: bool) -> None:
    """Watch signed deliveries arrive, be verified and be handled once.

    Starts a web process, a worker and a Redis-compatible server, with handlers for all ten
    events; sends real requests, honest and hostile; kills the worker; and checks every answer and
    every handler run.
    Ends with 1 if anything was not as expected. Stays up for deliveries of yours until Ctrl-C.
    """
    refuse_missing()
    secret = token_hex(32)
    with ending_on_sigterm(), ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="florentin-demo-"))
        server = stack.enter_context(embedded_server(Path(directory)))
        listener = stack.enter_context(listen("127.0.0.1", 0))
        environ = {SECRET_VARIABLE: secret, REDIS_VARIABLE: server.url}
        crew = stack.enter_context(ProcessGroup(environ, "json" if out.json else "text").running())
        web, worker = crew.serve(listener), crew.work()
        out.info(f"A receiver at {url_of(listener)}")
        out.info(f"Processes: web {web.pid}, worker {worker.pid}, Redis-compatible {server.pid()}")
        record = stack.enter_context(closing(RunRecorder(server.url)))
        store = stack.enter_context(closing(RedisStore(server.url)))
        good = _play(
            out, DemoContext(DeliveryFactory(secret), record, crew, store, url_of(listener))
        )
        if not once:
            _stay(out, crew, url_of(listener), secret)
    if not once:
        out.info("\nStopped. All processes and their data are gone.")
    raise click.exceptions.Exit(ExitCode.OK if good else ExitCode.FAILED)


def _play(out: Output, scene: DemoContext) -> bool:
    """Do everything, print what came of it, and tell whether all was as expected."""
    started = time.perf_counter()
    results = list(_performed(out, StepRunner(scene)))
    seconds = time.perf_counter() - started
    finished = scene.record.finished()
    counts = Counts(len(scene.record.started()), len(finished), most_runs(finished))
    good = all(not result.problems for result in results) and counts.most == 1
    totals = _totals(results, counts)
    out.emit({"summary": {**totals, "ok": good}}, summary(results, counts, seconds, out.width))
    return good


def _performed(out: Output, stage: StepRunner) -> Iterator[Result]:
    for title, steps in _PARTS:
        out.show(heading(title, out.width))
        for step in getattr(script, steps):
            if step.waiting:
                out.info("\n".join(indented(step.waiting, min(out.width, 80), 4)))
            result = stage.perform(step)
            out.emit(result.facts(), line(result, out.width))
            yield result


def _totals(results: Sequence[Result], counts: Counts) -> dict[str, object]:
    return {
        "steps": len(results),
        "as_expected": sum(not result.problems for result in results),
        "handlers_called": counts.started,
        "handlers_finished": counts.finished,
        "most_runs_of_a_handler_for_one_delivery": counts.most,
    }


def _stay(out: Output, crew: ProcessGroup, url: str, secret: str) -> None:
    """Wait for deliveries of the reader's own; Ctrl-C is the good end of it."""
    crew.audible.set()
    invitation = "Your turn: paste this into another terminal. Ctrl-C ends the demonstration."
    out.info("\n" + "\n".join(indented(invitation, out.width, 0)) + "\n")
    out.info(trigger_command(url, SECRET_VARIABLE, secret) + "\n")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return
