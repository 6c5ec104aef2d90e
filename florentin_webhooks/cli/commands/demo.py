"""Show the main job on one screen: a real receiver, real requests, each result checked."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.demo import steps
from florentin_webhooks.cli.demo.provider import documented_request
from florentin_webhooks.cli.demo.recorder import RunRecorder, most_runs
from florentin_webhooks.cli.demo.runner import DemoContext, Result
from florentin_webhooks.cli.demo.settings import (
    API_VARIABLE,
    PROVIDER_PATH,
    TARGET_VARIABLE,
    TOKEN_VARIABLE,
)
from florentin_webhooks.cli.devserver.inspector import open_browser, page_url
from florentin_webhooks.cli.devserver.redis import REDIS_VARIABLE, embedded_server
from florentin_webhooks.cli.devserver.supervisor import Child, Supervisor
from florentin_webhooks.cli.devserver.web import (
    PATH,
    ending_on_sigterm,
    listen,
    public_url,
    require_extra,
)
from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.formatting.views import Paragraph, Styled, Table
from florentin_webhooks.cli.inputs import SECRET_VARIABLE
from florentin_webhooks.cli.invocation import self_command, trigger_command
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.redis.store import RedisStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.formatting.views import View

__all__ = ["command"]

_INDENT = 4
_WIDTHS = (3, 23, 21, 0)
_HEADINGS = ("", "event or step", "reply", "handlers")


@click.command("demo")
@click.option("--once", is_flag=True, help="Exit instead of waiting for your deliveries.")
@with_output
def command(out: Output, *, once: bool) -> None:
    """Watch signed deliveries arrive, be verified and be handled once.

    Starts a web process, a worker, a Redis-compatible server and a local Florentin, with handlers
    for all ten events. Sends real requests, valid and hostile, kills the worker, and checks every
    reply and every call of a handler. Exits with 1 if anything was not as expected. Stays up for
    your deliveries until Ctrl-C.
    """
    require_extra("uvicorn")
    secret = token_hex(32)
    with ending_on_sigterm(), ExitStack() as stack:
        path = stack.enter_context(tempfile.TemporaryDirectory(prefix="florentin-demo-"))
        server = stack.enter_context(embedded_server(Path(path)))
        listener = stack.enter_context(listen("127.0.0.1", 0))
        beside = stack.enter_context(listen("127.0.0.1", 0))
        url, audible = public_url(listener), Path(path) / "audible"
        florentin, token = public_url(beside).removesuffix(PATH), f"42|{token_hex(16)}"
        os.environ.update({SECRET_VARIABLE: secret, REDIS_VARIABLE: server.url})
        os.environ.update(_next_door(url, florentin, token))
        web, worker = (_start(out, role, listener.fileno(), audible) for role in ("web", "worker"))
        children = [web, worker]
        if not once or steps.NEXT_DOOR in steps.PARTS:
            children.append(_start(out, "provider", beside.fileno(), audible))
        stack.enter_context(Supervisor(children).beside())
        out.info(f"A receiver at {url}")
        out.info(f"A local Florentin at {florentin}")
        out.info(f"Processes: web {_pid(web)}, worker {_pid(worker)}, Redis {server.pid()}")
        recorder = stack.enter_context(closing(RunRecorder(server.url)))
        store = stack.enter_context(closing(RedisStore(server.url)))
        good = _run(out, DemoContext(secret, recorder, store, worker, url, florentin, token))
        if not once:
            audible.touch()
            out.info("", Paragraph(f"See Florentin's side at {florentin}/", 0))
            out.info("", documented_request(florentin, token))
            _wait_for_user(out, url, secret, page_url(listener))
    if not once:
        out.info("\nStopped. All processes and their data are gone.")
    raise click.exceptions.Exit(ExitCode.OK if good else ExitCode.FAILED)


def _next_door(url: str, florentin: str, token: str) -> dict[str, str]:
    """Return where the local Florentin sends to, and where its API is, for the processes."""
    return {
        API_VARIABLE: f"{florentin}/api/v1",
        TOKEN_VARIABLE: token,
        TARGET_VARIABLE: url.removesuffix(PATH) + PROVIDER_PATH,
    }


def _start(out: Output, role: str, descriptor: int, audible: Path) -> Child:
    words = [role, str(descriptor), str(audible), "json" if out.json else "text", out.color]
    child = Child(self_command(*words, module="florentin_webhooks.cli.demo.process"), [descriptor])
    child.start()
    return child


def _pid(child: Child) -> int:
    return child.process.pid if child.process else 0


def _run(out: Output, demo: DemoContext) -> bool:
    """Run all steps, print the results, and return whether all were as expected."""
    started = time.perf_counter()
    results = list(_results(out, demo))
    seconds = time.perf_counter() - started
    finished = demo.recorder.finished()
    summary = {
        "steps": len(results),
        "as_expected": sum(not result.problems for result in results),
        "handlers_called": len(demo.recorder.started()),
        "handlers_finished": len(finished),
        "most_runs_of_a_handler_for_one_delivery": (most := most_runs(finished)),
    }
    good = summary["as_expected"] == len(results) and most == 1
    text = (
        f"{summary['as_expected']} of {len(results)} steps went as expected, in {seconds:.1f} s. "
        f"Handlers were called {summary['handlers_called']} times and finished {len(finished)} "
        f"times: at most {_times(most)} for any one delivery."
    )
    style = "green" if good else "bold red"
    out.emit({"summary": {**summary, "ok": good}}, "", Paragraph(Styled(text, style), 0))
    return good


def _results(out: Output, demo: DemoContext) -> Iterator[Result]:
    for title, part in steps.PARTS.items():
        headings = Table([[Styled(each, "dim") for each in _HEADINGS]], _WIDTHS, gap=1)
        out.show("", Paragraph(Styled(title, "bold"), 0), headings)
        for step in part:
            if step.waiting:
                out.info(Paragraph(step.waiting, _INDENT))
            result = demo.perform(step)
            out.emit(_fields(result), *_views(result))
            yield result


def _fields(result: Result) -> dict[str, object]:
    return {
        "step": result.step.title,
        "why": result.step.why,
        "fingerprint": result.reply.fingerprint,
        "status": result.reply.status or None,
        "outcome": result.reply.outcome,
        "state": result.state,
        "milliseconds": result.milliseconds,
        "runs": list(result.runs),
        "finished": list(result.finished),
        "ok": not result.problems,
        "problems": result.problems,
    }


def _views(result: Result) -> Iterator[View]:
    reply = f"{result.reply.status or ''} {result.reply.outcome or '-'}".strip()
    row = _mark(ok=not result.problems), result.step.title, reply, _effect(result)
    yield Table([row], _WIDTHS, gap=1)
    if result.step.why:
        yield Paragraph(result.step.why, _INDENT)
    for problem in result.problems:
        yield Paragraph(f"NOT AS EXPECTED: {problem}", _INDENT)


def _mark(*, ok: bool) -> Styled:
    return Styled("ok", "green") if ok else Styled("NO", "bold red")


def _effect(result: Result) -> str:
    """Return in a few words which handlers ran, and with which result."""
    if len(result.runs) == 1 and result.notes:
        return f"{result.runs[0]} ran: {result.notes[0]}"
    failures = Counter(result.runs) - Counter(result.finished)
    effects: list[str] = []
    for name in dict.fromkeys(result.runs):
        times = f" {_times(failures[name])}" if failures[name] > 1 else ""
        failed = f"{result.step.unfinished}{times}" if failures[name] else ""
        ran = "ran" if name in result.finished else ""
        effects.append(f"{name} {', then '.join(filter(None, [failed, ran]))}")
    return ", ".join(effects) or "nothing ran"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _wait_for_user(out: Output, url: str, secret: str, page: str) -> None:
    """Show the deliveries on *page*, and wait for those of the user, until Ctrl-C."""
    out.info("", Paragraph(f"See each delivery, and send more, at {page}", 0))
    open_browser(out, page)
    invitation = "Your turn: paste this into another terminal. Ctrl-C ends the demonstration."
    out.info("", Paragraph(invitation, 0), "", trigger_command(url, SECRET_VARIABLE, secret), "")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
