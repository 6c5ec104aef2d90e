"""Signed requests of one endpoint, genuine ones and those with a fault."""

from __future__ import annotations

from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.simulator.webhooks.faults import Fault
from florentin_webhooks.simulator.webhooks.schedule import retries_of
from florentin_webhooks.testing.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.simulator.webhooks.outbox import Task
    from florentin_webhooks.testing.delivery import SignedDelivery

__all__ = ["Signer"]

_OLD = timedelta(days=1)


class Signer:
    """What *sender* sends to *url*, signed with *secret*.

    Raises :class:`ConfigurationError` for a secret that the sender cannot have, and for a sender
    that cannot sign here.
    """

    def __init__(
        self, sender: Sender, url: str, secret: str, clock: Callable[[], datetime]
    ) -> None:
        def provider(secret: str, age: timedelta = timedelta(0)) -> Provider:
            made = Provider(
                secret, sender=sender, url=url, clock=lambda: clock() - age, check_names=False
            )
            made.sign("probe", b"{}", delivery_id="probe")  # A public key cannot.
            return made

        self._restamped = retries_of(sender).restamped
        self._genuine, self._old = provider(secret), provider(secret, _OLD)
        try:
            self._stranger: Provider | None = provider(token_hex(32))
        except ConfigurationError:  # The sender has keys of another form.
            self._stranger = None

    def sign(self, task: Task, fault: Fault | None = None) -> SignedDelivery:
        """Return the request of an attempt, with its *fault*.

        Where the sender has secrets of a special form, a wrong secret becomes a changed body.
        """
        if fault is Fault.OLD_STAMP:
            return self._old.restamp(self._attempt(self._old, task))
        if fault is Fault.WRONG_SECRET and self._stranger:
            return self._attempt(self._stranger, task)
        genuine = self._attempt(self._genuine, task)
        if fault in (Fault.TAMPER, Fault.WRONG_SECRET):
            return self._genuine.tamper(genuine)
        return genuine

    def restamp(self, task: Task) -> SignedDelivery:
        """Return the request of an attempt with a new time and a new signature."""
        return self._genuine.restamp(self._attempt(self._genuine, task))

    def _attempt(self, provider: Provider, task: Task) -> SignedDelivery:
        signed = provider.sign(task.header, task.body, delivery_id=task.id)
        is_new = task.number > 1 and self._restamped
        return provider.restamp(signed) if is_new else signed
