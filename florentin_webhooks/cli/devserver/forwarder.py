"""What ``dev --forward`` serves instead of a receiver: deliveries go on to another program."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.errors import ConfigurationError, WebhookError
from florentin_webhooks.protocol.delivery import Outcome, Reply
from florentin_webhooks.testing.forward import forward
from florentin_webhooks.testing.transport import connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.protocol.headers import HeaderMap

__all__ = ["Forwarder", "check_target", "forwarding"]

SECONDS = 30.0
"""How long the other program may take to reply."""


class Forwarder:
    """A receiver that runs nothing: it passes each delivery to *url*, and the reply back.

    *hooks* checks the signature for the log only: forgeries are passed on, too, since refusing them
    is the work of the other program.
    """

    reads_request = overrides_areceive = False
    store = None

    def __init__(self, hooks: Receiver[object], url: str, seconds: float = SECONDS) -> None:
        self._hooks, self._url, self._seconds = hooks, url, seconds
        self.max_body = hooks.max_body
        self.reject, self.reporter, self.asyncio = hooks.reject, hooks.reporter, hooks.asyncio

    async def receive_in(
        self,
        headers: HeaderMap,
        body: bytes,
        runtime: object = None,
        url: str | None = None,
        path_params: Mapping[str, object] | None = None,
    ) -> Reply:
        """Pass a request on, and return the reply; 503 without one in time."""
        del runtime, url, path_params
        verdict = self._verdict(headers, body)
        work = partial(forward, self._url, headers.items(), body, timeout=self._seconds)
        try:
            reply = await asyncio.wait_for(asyncio.to_thread(work), self._seconds)
        except (OSError, ValueError) as error:  # A time-out, too; a header with line breaks.
            why = f"{self._url} gave no reply ({type(error).__name__}); start it, or correct it"
            return self.reject(Outcome.UNAVAILABLE, why)
        logger.info("forwarded %s: %d", verdict, reply.status)
        return Reply(Outcome.ANSWERED, reply.status, reply.headers, reply.body)

    def drain_in_background(self, runtime: object) -> None:
        """Do nothing: what a receiver has kept for its store is not forwarded."""
        del runtime

    async def aclose(self) -> None:
        """Close the receiver."""
        await self._hooks.aclose()

    def _verdict(self, headers: HeaderMap, body: bytes) -> str:
        """Return what the delivery is, as the receiver would see it."""
        try:
            delivery, _ = self._hooks.verify(headers, body)
        except WebhookError as error:
            return error.code
        return f"{delivery.event} {delivery.fingerprint}"


def forwarding(hooks: Receiver[object], url: str) -> Receiver[object]:
    """Return a forwarder, for mounts, which use no more of a receiver than it has."""
    return cast("Receiver[object]", Forwarder(hooks, url))


def check_target(url: str, *, reload: bool) -> None:
    """Raise UsageError for a URL that nothing can be passed to."""
    if reload:
        raise UsageError("--reload restarts handlers, and --forward runs none.", "Remove --reload.")
    try:
        connect(url, SECONDS)
    except ConfigurationError as error:
        raise UsageError(error.message, "Write --forward http://localhost:9000/hooks.") from None
