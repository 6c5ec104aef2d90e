"""Check the health of receivers: the store, the queues and their workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.context import load_shared
from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.formatting.views import Cell, Styled, Table
from florentin_webhooks.cli.host import apps_argument
from florentin_webhooks.cli.loader import expand
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.core.health import Health, HealthCheck, HealthLimits, gather_facts, judge

__all__ = ["command"]


@click.command("health", cls=Command)
@apps_argument
@click.option("--ready", is_flag=True, help="Ask only whether deliveries can be accepted.")
@click.option(
    "--queue-age",
    type=click.IntRange(min=1),
    default=600,
    show_default=True,
    help="The most seconds that an event may wait for a worker.",
)
@click.option(
    "--dead", type=click.IntRange(min=0), default=0, show_default=True, help="The most dead ones."
)
@with_output
def command(out: Output, apps: tuple[str, ...], *, ready: bool, queue_age: int, dead: int) -> None:
    """Check the store, the spool, the age of each queue, workers, scheduler and dead letters.

    Exits with 0 if all is well, with 1 if events are not handled, and with 4 if neither the store
    nor a spool takes deliveries, so that they are refused. Waits a few seconds at most.
    """
    limits = HealthLimits(timedelta(seconds=queue_age), dead)
    found = {app: _health(app, limits, ready=ready) for app in expand(apps)}
    for app, each in found.items():
        checks = [check._asdict() for check in each.checks]
        record = {"app": app, "ok": each.ok, "ready": each.ready, "checks": checks}
        out.emit(record, Table([row for check in each.checks for row in _rows(app, check)]))
    if not all(each.ready for each in found.values()):
        raise click.exceptions.Exit(ExitCode.UNREACHABLE)
    if not ready and not all(each.ok for each in found.values()):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _health(app: str, limits: HealthLimits, *, ready: bool) -> Health:
    hooks = load_shared(app).hooks
    return judge(gather_facts(hooks, queues=not ready), limits, datetime.now(UTC))


def _rows(app: str, check: HealthCheck) -> Iterator[tuple[Cell, ...]]:
    yield (Styled("ok", "green") if check.ok else Styled("failing", "red"), app, check.message)
    if check.hint:
        yield ("", "", f"-> {check.hint}")
