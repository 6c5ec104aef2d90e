"""Show the main job on one screen: a real receiver, real requests, and a check of every answer."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.attempts import Maker
from florentin_webhooks.cli.demo import script
from florentin_webhooks.cli.demo.report import heading, line, summary
from florentin_webhooks.cli.demo.script import Scene
from florentin_webhooks.cli.demo.shop import open_shop
from florentin_webhooks.cli.demo.stage import Result, perform
from florentin_webhooks.cli.failures import Code
from florentin_webhooks.cli.inputs import SECRET_VARIABLE
from florentin_webhooks.cli.invocation import trigger_command
from florentin_webhooks.cli.layout import indented
from florentin_webhooks.cli.local_server import embedded_server
from florentin_webhooks.cli.log_lines import LogLines
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.serving import (
    ending_on_sigterm,
    listen,
    program_around,
    refuse_missing,
    serve_beside,
    url_of,
)
from florentin_webhooks.journal import logger
from florentin_webhooks.stores.redis import RedisStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["command"]

_PARTS = (
    ("Ten genuine events: verified, typed, handled", "EVENTS"),
    ("What must not run twice, or not at all", "TROUBLE"),
)


@click.command("demo")
@click.option("--once", is_flag=True, help="Exit instead of waiting for deliveries of yours.")
@with_output
def command(out: Output, *, once: bool) -> None:
    """Watch signed deliveries arrive, be verified and be handled once.

    Starts a Redis-compatible server and a receiver with handlers for all ten events, sends it
    real requests, honest and hostile, and checks every answer and every handler run.
    Ends with 1 if anything was not as expected. Stays up for deliveries of yours until Ctrl-C.
    """
    refuse_missing()
    secret = token_hex(32)
    with ending_on_sigterm(), ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="florentin-demo-"))
        server = stack.enter_context(embedded_server(Path(directory)))
        hooks, record = open_shop(secret, RedisStore(server.url))
        listener = stack.enter_context(listen("127.0.0.1", 0))
        _quiet()
        stack.enter_context(serve_beside(program_around(hooks), listener))
        scene, url = Scene(Maker(secret), record), url_of(listener)
        good = _play(out, scene, url)
        if not once:
            _stay(out, url, secret)
    if not once:
        out.say("\nStopped. The web server, the embedded server and its data are gone.")
    raise click.exceptions.Exit(Code.OK if good else Code.FAILED)


def _play(out: Output, scene: Scene, url: str) -> bool:
    """Send everything, print what came of it, and tell whether all was as expected."""
    out.say(f"A receiver at {url}")
    started = time.perf_counter()
    results = list(_performed(out, scene, url))
    seconds = time.perf_counter() - started
    good = all(not result.problems for result in results) and scene.record.most_runs() == 1
    totals = _totals(results, scene)
    out.emit(
        {"summary": {**totals, "ok": good}}, summary(results, scene.record, seconds, out.width)
    )
    return good


def _performed(out: Output, scene: Scene, url: str) -> Iterator[Result]:
    for title, steps in _PARTS:
        out.show(heading(title, out.width))
        for step in getattr(script, steps):
            result = perform(step, scene, url)
            out.emit(result.facts(), line(result, out.width))
            yield result


def _totals(results: Sequence[Result], scene: Scene) -> dict[str, object]:
    return {
        "requests": len(results),
        "as_expected": sum(not result.problems for result in results),
        "handlers_called": len(scene.record.started),
        "handlers_finished": len(scene.record.finished),
        "most_runs_of_a_handler_for_one_delivery": scene.record.most_runs(),
    }


def _quiet() -> None:
    """Keep the log out of the report, which says more."""
    logger.propagate = False
    logger.addHandler(logging.NullHandler())


def _stay(out: Output, url: str, secret: str) -> None:
    """Wait for deliveries of the reader's own; Ctrl-C is the good end of it."""
    logger.addHandler(LogLines(out))
    logger.setLevel(logging.INFO)
    invitation = "Your turn: paste this into another terminal. Ctrl-C ends the demonstration."
    out.say("\n" + "\n".join(indented(invitation, out.width, 0)) + "\n")
    out.say(trigger_command(url, SECRET_VARIABLE, secret) + "\n")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return
