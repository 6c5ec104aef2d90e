"""Changes of the domain at random, the same ones for the same seed, for soak tests."""

from __future__ import annotations

import time
from collections import deque
from random import Random
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.log import logger
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.simulator.plans import PLANS
from florentin_webhooks.simulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.simulator.changes import Change, Domain

__all__ = ["Load", "Traffic"]

_KNOWN = 50
_PLANS = list(PLANS)


class Traffic:
    """Makes changes that fire all ten events."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311 - a seed is there to repeat a run.
        self._customers: deque[str] = deque(maxlen=_KNOWN)
        self._subscriptions: dict[str, str] = {}
        self._number = 0

    def change(self, domain: Domain) -> Change:
        """Make one change and return it."""
        self._number += 1
        if not self._customers:
            return self._create_customer(domain)
        return self._random.choice(self._makers())(domain)

    def _makers(self) -> list[Callable[[Domain], Change]]:
        makers: list[Callable[[Domain], Change]] = [
            *(self._create_customer, self._purchase, self._invoice, self._add_member),
            *(self._accept_terms, self._log_in, self._consume),
        ]
        if self._subscriptions:
            makers += [self._move, self._cancel]
        return makers

    def _create_customer(self, domain: Domain) -> Change:
        email = f"customer-{self._number}@shop.example"
        change = domain.create_customer({"email": email, "name": f"Customer {self._number}"})
        self._customers.append(change.document["id"])
        return change

    def _purchase(self, domain: Domain) -> Change:
        plan = self._random.choice(_PLANS)
        change = domain.purchase(self._of_customer(plan=plan))
        self._subscriptions[change.document["id"]] = plan
        return change

    def _move(self, domain: Domain) -> Change:
        key = self._random.choice([*self._subscriptions])
        place = _PLANS.index(self._subscriptions[key])
        other = self._random.choice([plan for plan in _PLANS if plan != _PLANS[place]])
        self._subscriptions[key] = other
        move = domain.upgrade if _PLANS.index(other) > place else domain.downgrade
        return move({"id": key, "plan": other})

    def _cancel(self, domain: Domain) -> Change:
        key = self._random.choice([*self._subscriptions])
        del self._subscriptions[key]
        return domain.cancel({"id": key})

    def _invoice(self, domain: Domain) -> Change:
        amount = self._random.randrange(100, 100_000)
        return domain.create_invoice(self._of_customer(amount_due=amount, currency="eur"))

    def _add_member(self, domain: Domain) -> Change:
        return domain.add_member(self._of_customer(email=self._email(), role="editor"))

    def _accept_terms(self, domain: Domain) -> Change:
        return domain.accept_terms(self._of_customer(email=self._email(), version="2026-01"))

    def _log_in(self, domain: Domain) -> Change:
        return domain.log_in(self._of_customer(email=self._email()))

    def _consume(self, domain: Domain) -> Change:
        fields = self._of_customer(amount=self._random.randrange(1, 50), reason="traffic")
        return domain.consume(fields)

    def _of_customer(self, **fields: object) -> dict[str, Any]:  # Any: as operations read them.
        return {"customer_id": self._random.choice(self._customers), **fields}

    def _email(self) -> str:
        return f"user-{self._random.randrange(_KNOWN)}@shop.example"


class Load:
    """A thread that calls *make* *rate* times a second, at most *limit* times.

    It ends when a change is refused: the domain is full.
    """

    def __init__(self, make: Callable[[], object], rate: float, limit: int | None = None) -> None:
        self.made = 0
        self._make = make
        self._pause = 1 / rate
        self._limit = limit
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="florentin-traffic", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the last call was made."""
        self._thread.join()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while self._limit is None or self.made < self._limit:
            if self._stopping.wait(max(due - time.monotonic(), 0)):
                return
            due = max(due + self._pause, time.monotonic() - 1)  # Never more than a second behind.
            try:
                self._make()
            except Unavailable as error:
                logger.warning("A change was not made. %s", error)
            except Refusal as error:
                logger.warning("No more changes are made: %s.", error)
                return
            self.made += 1
