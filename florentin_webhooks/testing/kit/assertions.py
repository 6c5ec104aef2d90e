"""Assertions about deliveries, whose messages show the reply and how each handler ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.replay import plan_record
from florentin_webhooks.core.routing.handler import function_name
from florentin_webhooks.core.routing.items import function_of
from florentin_webhooks.core.stores.accept import HandlerOutcome
from florentin_webhooks.core.stores.base import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from florentin_webhooks.testing.kit.rehearsal import Kit
    from florentin_webhooks.testing.kit.results import DeliveryResult
    from florentin_webhooks.testing.store import Entry

__all__ = ["assert_dead", "assert_discarded", "assert_duplicate", "assert_handled", "describe"]

_REFUSED = (State.INVALID, State.STALE)


def assert_handled(kit: Kit, result: DeliveryResult, by: Callable[..., object] | None) -> None:
    """Check that all handlers of *result* have succeeded, and *by* among them."""
    __tracebackhide__ = True
    _check_endings(kit, result, by, HandlerOutcome.DONE, "handled")


def assert_discarded(kit: Kit, result: DeliveryResult, by: Callable[..., object] | None) -> None:
    """Check that all handlers of *result* have raised Discard, and *by* among them."""
    __tracebackhide__ = True
    _check_endings(kit, result, by, HandlerOutcome.DISCARDED, "discarded")


def _check_endings(
    kit: Kit, result: DeliveryResult, by: Callable[..., object] | None, ending: str, what: str
) -> None:
    __tracebackhide__ = True
    entry, wanted = kit.entry_of(result.delivery), function_name(by) if by else ""
    names = [name for name in _handlers(kit, result) if wanted in ("", function_of(name))]
    endings = entry.endings if entry else {}
    is_open = entry is None or (by is None and entry.state is not State.DONE)
    if is_open or not names or any(endings.get(name) != ending for name in names):
        _fail(kit, result, f"was not {what}{f' by {wanted}' if by else ''}")


def assert_duplicate(kit: Kit, result: DeliveryResult) -> None:
    """Check that *result* was recognised as a duplicate."""
    __tracebackhide__ = True
    if result.outcome != "duplicate":
        _fail(kit, result, "was not taken for a duplicate")


def assert_dead(kit: Kit, result: DeliveryResult) -> None:
    """Check that the handlers of *result* have failed for good."""
    __tracebackhide__ = True
    entry = kit.entry_of(result.delivery)
    if entry is None or entry.state is not State.DEAD:
        _fail(kit, result, "is not dead")


def _fail(kit: Kit, result: DeliveryResult, what: str) -> None:
    __tracebackhide__ = True
    raise AssertionError(f"{result.delivery.event} {what}.\n{describe(kit, result)}")


def describe(kit: Kit, result: DeliveryResult) -> str:
    """Return the last reply to a delivery, its state, and how each handler ended."""
    entry = kit.entry_of(result.delivery)
    state = entry.state.value if entry else "not recorded"
    reason = entry.reasons.get("") if entry and entry.state in _REFUSED else None
    lines = [f"reply: {result}", f"state: {state}{f', {reason}' if reason else ''}"]
    lines += _lines(kit, result, entry)
    return "\n".join(f"  {line}" for line in lines)


def _lines(kit: Kit, result: DeliveryResult, entry: Entry | None) -> Iterator[str]:
    names = sorted(_handlers(kit, result) | set(entry.endings if entry else ()))
    if not names:
        yield f"no handler wants {result.delivery.event}"
    for name in names:
        yield f"{name}: {_ending(kit, entry, name)}"


def _handlers(kit: Kit, result: DeliveryResult) -> set[str]:
    """Return the names of the handlers that want the event of *result*, or an item of its list."""
    entry = kit.entry_of(result.delivery)
    if entry is None:
        handlers = kit.receiver.dispatcher.plan(result.delivery.event).handlers
    else:
        handlers = plan_record(kit.receiver, entry.to_record()).handlers
    return {each.name for each in handlers}


def _ending(kit: Kit, entry: Entry | None, name: str) -> str:
    if entry is None:
        return "did not run"
    if ending := entry.endings.get(name):
        note = entry.notes.get(name)
        return f"{ending}, {note}" if note else ending
    queues = [queue for queue, part in entry.parts.items() if name in part.handlers]
    failure = kit.failures.of(entry.key.hex(), name)
    if failure:
        error = f"{type(failure.error).__name__}: {failure.error}"
        return f"failed in attempt {failure.attempt}, {error}{_next(kit, entry, queues)}"
    if queues:
        return f"waits in queue {queues[0]}; run it: webhooks.run_worker()"
    return f"not done{_next(kit, entry, [])}"


def _next(kit: Kit, entry: Entry, queues: list[str]) -> str:
    due = entry.next_attempts.get(queues[0] if queues else "")
    if due is None:
        return ""
    return f"; next attempt in {(due - kit.clock.now).total_seconds():.0f} s"
