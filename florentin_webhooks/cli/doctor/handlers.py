"""Check the handlers of a receiver against its catalogue, and whether workers can import them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, ok, warn
from florentin_webhooks.cli.doctor.worker_imports import check_worker_handlers, import_handlers
from florentin_webhooks.core.live_receivers import places_sharing
from florentin_webhooks.core.loader import find_loaded_receiver
from florentin_webhooks.core.routing.patterns import is_pattern, matches
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["check_handlers", "check_import_path", "check_names", "check_sharing"]

_SMALLEST_BODY = 65_536


def check_handlers(hooks: Receiver[object]) -> list[Check]:
    """Return whether events have handlers, and which ones have none."""
    count, unhandled = len(hooks.router.handlers), hooks.unhandled_events
    if not count:
        message = "No handler is registered, so every event is answered with 200 and ignored."
        hint = "Import the modules with handlers in the one of the receiver."
        return [fail("handlers", message, hint)]
    ignored = f"; ignored: {', '.join(unhandled)}" if unhandled else ""
    return [ok("handlers", f"{count} handler{'s' * (count != 1)}{ignored}.")]


def check_names(hooks: Receiver[object]) -> Iterator[Check]:
    """Yield the handlers that wait for an event which the catalogue does not have."""
    names = hooks.sender.catalogue
    for handler in hooks.router.handlers if names else ():
        wanted = handler.pattern
        if is_pattern(wanted) and not any(matches(wanted, name) for name in names):
            message = f"{handler.name} waits for {wanted!r}, which matches no documented event."
            yield warn("event-names", message, f"Use one of: {', '.join(names)}.")
        elif wanted and not is_pattern(wanted) and wanted not in names:
            match = closest_match(wanted, names)
            message = f"{handler.name} waits for {wanted!r}, which is not in the catalogue."
            yield warn("event-names", message, f"Did you mean {match!r}?" if match else _COMPARE)


_COMPARE = "Compare the name with the documentation of the sender."


def check_import_path(
    hooks: Receiver[object], read: Callable[[str], list[str] | None] = import_handlers
) -> Iterator[Check]:
    """Yield whether workers find the receiver under the path that its jobs have.

    *read* returns the handlers that a worker has.
    """
    if hooks.queue is None:
        return
    try:
        path = hooks.path
    except ConfigurationError as error:
        yield fail("import-path", error.message, error.hint)
        return
    if hooks.queue.receiver and not _leads_to(path, hooks):
        message = f"RQQueue(receiver={path!r}) does not lead to this receiver."
        hint = "Remove the argument, or write the module and the name of the receiver."
        yield fail("import-path", message, hint)
    else:
        here = [handler.name for handler in hooks.router.handlers]
        yield check_worker_handlers(path, here, read(path))


def check_sharing(hooks: Receiver[object]) -> Iterator[Check]:
    """Yield the receivers of this process that take the deliveries of *hooks* for duplicates."""
    for place in places_sharing(hooks):
        message = f"A receiver that was built at {place} has the same secret and the same store."
        hint = 'Give one of them a name: Receiver(..., name="crm").'
        yield fail("receivers-meet", f"{message} Each takes the other's for duplicates.", hint)


def check_size(hooks: Receiver[object]) -> Iterator[Check]:
    """Yield whether the largest body is small for what senders send."""
    if hooks.max_body < _SMALLEST_BODY:
        message = f"max_body is {hooks.max_body} bytes, so larger events are answered with 413."
        yield warn("body-limit", message, "Remove max_body: the default is 1 MiB.")


def _leads_to(path: str, hooks: Receiver[object]) -> bool:
    found = find_loaded_receiver(path)
    if found is not None:
        return found is hooks
    module = path.partition(":")[0]
    try:
        # A factory, or a module that only workers import, is known when it is called.
        return find_spec(module) is not None and ":" in path
    except (ImportError, ValueError):
        return False
