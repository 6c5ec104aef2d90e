"""Check the spool of a receiver: whether it can be written, and what waits in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, ok, warn
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.core.times import format_age

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.spool import SpoolFacts

__all__ = ["check_spool", "find_problem"]

_MIB = 1024 * 1024


def check_spool(hooks: Receiver[object], app: str) -> Iterator[Check]:
    """Yield the check of the spool of *hooks*; nothing without one."""
    if hooks.spool is None:
        return
    facts = hooks.spool.measure()
    if problem := find_problem(facts, app):
        make = warn if facts.has_room else fail
        yield make("spool", *problem)
        return
    yield ok("spool", f"Nothing waits in {facts.path}, of at most {facts.capacity // _MIB} MiB.")


def find_problem(facts: SpoolFacts, app: str) -> tuple[str, str] | None:
    """Return what is wrong with a spool of the receiver *app*, and what to do, or None."""
    if facts.error:
        return facts.error, "Deliveries get a 503 while the store does not answer."
    if not facts.has_room:
        message = f"The spool {facts.path} is full."
        return message, "Start the store, or raise max_bytes of the spool."
    if facts.waiting:
        deliveries = (
            "1 delivery waits" if facts.waiting == 1 else f"{facts.waiting} deliveries wait"
        )
        message = f"{deliveries} in the spool, the oldest for {format_age(facts.oldest)}."
        command = suggest("spool drain", app=app)
        return message, f"Start the store, and a web process or a worker; or run: {command}"
    return None
