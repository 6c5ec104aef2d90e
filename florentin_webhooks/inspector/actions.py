"""What operators do with a delivery: replay it, whole or one handler, or discard it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.replay import NotReplayable, drop, try_replay
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.replay import ReplayResult, Run
    from florentin_webhooks.inspector.request import PageRequest

__all__ = ["Notice", "discard_delivery", "read_notice", "replay_delivery"]

_COOKIE = "florentin_notice"
_LONGEST = 600


class Notice(NamedTuple):
    """What came of an action, shown on the next page."""

    text: str
    ok: bool = True

    def cookie(self, request: PageRequest) -> tuple[str, str]:
        """Return the header that takes it from *request* to the next page."""
        return request.cookie(_COOKIE, quote(f"{int(self.ok)}{self.text[:_LONGEST]}", safe=""), 30)


def read_notice(request: PageRequest) -> tuple[Notice | None, tuple[tuple[str, str], ...]]:
    """Return the notice in the cookie of *request*, and the headers that end it."""
    if (value := request.cookies.get(_COOKIE)) is None:
        return None, ()
    content = unquote(value)
    return Notice(content[1:], content[:1] == "1"), (request.cookie(_COOKIE, "", 0),)


def replay_delivery(
    hooks: Receiver[object], fingerprint: str, form: Mapping[str, str], run: Run | None
) -> Notice:
    """Replay what *form* asks for: the unfinished handlers, all of them, or one.

    Raises :class:`Unavailable`.
    """
    handler = form.get("handler", "")
    logger.info("The inspector replays %s.", fingerprint)
    with hooks.handler_context():  # The context in which a framework runs handlers.
        result = try_replay(
            hooks,
            fingerprint,
            all_handlers=form.get("what") == "all",
            handler=handler,
            though_late=form.get("late") == "yes",
            run=run,
        )
    return _describe(result)


def discard_delivery(hooks: Receiver[object], fingerprint: str) -> Notice:
    """Discard a delivery. Raises :class:`Unavailable`."""
    logger.info("The inspector discards %s.", fingerprint)
    try:
        drop(hooks, fingerprint)
    except NotReplayable as error:
        return Notice(str(error), ok=False)
    return Notice("Discarded. It counts as done, and its body is deleted.")


def _describe(result: ReplayResult) -> Notice:
    if result.ok:
        is_queued = result.outcome == Outcome.ACCEPTED
        text = "Queued again: a worker will run it." if is_queued else "Replayed: it is done."
        return Notice(text)
    reason = result.reason[:1].upper() + result.reason[1:]
    return Notice(f"Not done: {reason}. {result.hint}".strip(), ok=False)
