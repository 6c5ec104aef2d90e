"""A sender that retries like Florentin.

Four attempts, 30, 120 and 300 seconds apart, times *scale*. Whether a retry keeps its delivery id
and its bytes is what the contract leaves open: each delivery is sent in one of the four ways.
"""

from __future__ import annotations

import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import NamedTuple

from florentin_webhooks.senders.florentin.samples import SAMPLES
from florentin_webhooks.signatures import iso_timestamp
from florentin_webhooks.testing import Provider, SignedDelivery
from florentin_webhooks.testing.transport import Response, post
from tests.faults.program import EFFECTS, SECRET
from tests.support.waiting import eventually

WAITS = (0, 30, 120, 300)
TIMEOUT = 20.0
OWN_EVENTS = ("invoice.created", "subscription.purchased", "user.login")


class Ways(NamedTuple):
    """What a retry keeps."""

    same_id: bool
    same_body: bool


class Attempt(NamedTuple):
    """One request and its answer, which is None if the connection broke."""

    made: SignedDelivery
    began: float
    ended: float
    answer: Response | None

    @property
    def status(self) -> int:
        return self.answer.status if self.answer else 0

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300


@dataclass
class Sending:
    """One event, what it is about (*business*), and its attempts so far."""

    event: str
    ways: Ways
    business: str
    work: float
    gate: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    path: str = "/webhooks/florentin"
    _id: str = ""
    _body: bytes = b""

    @property
    def acknowledged(self) -> bool:
        return any(attempt.acknowledged for attempt in self.attempts)

    @property
    def expected(self) -> set[tuple[str, str]]:
        """What it must effect: each business with the handler."""
        return {(self.business, handler) for handler in EFFECTS[self.event]}

    def make(self, provider: Provider) -> SignedDelivery:
        """Return the next attempt; what changes depends on *ways*."""
        if not (self._id and self.ways.same_id):
            self._id = f"dlv-{token_hex(8)}"
        if not (self._body and self.ways.same_body):
            data = {**SAMPLES[self.event], "request": self.business, "work": self.work}
            data |= {"gate": self.gate} if self.gate else {}
            stamp = iso_timestamp(datetime.now(UTC))
            self._body = json.dumps(
                {"event": self.event, "timestamp": stamp, "data": data}
            ).encode()
        return provider.sign(self.event, self._body, delivery_id=self._id)


class Florentin:
    """The sender and its deliveries; *scale* shortens the waits of the real one."""

    def __init__(self, url: str, seed: int = 0, *, scale: float = 0.01) -> None:
        self.url = url
        self.scale = scale
        self.sent: list[Sending] = []
        self._random = random.Random(seed)  # noqa: S311 - a seed is there to repeat a run.
        self._provider = Provider(SECRET)

    def sending(self, event: str | None = None, *, gate: str | None = None) -> Sending:
        draw = self._random
        work = draw.choice((0.005, 0.02, 0.05, 0.2))
        ways = Ways(draw.random() < 0.5, draw.random() < 0.5)
        chosen = event or draw.choice(OWN_EVENTS)
        sending = Sending(chosen, ways, f"req-{token_hex(6)}", work, gate)
        self.sent.append(sending)
        return sending

    def deliver(self, event: str, *, gate: str | None = None) -> Sending:
        """Send an event until it is accepted: a busy machine may need more than one attempt."""
        sending = self.sending(event, gate=gate)
        self.push(sending)
        return sending

    def push(self, sending: Sending) -> Attempt:
        """Send the same again until it is acknowledged; return the last attempt."""
        sending.ways = Ways(same_id=True, same_body=True)
        eventually(lambda: self.attempt(sending).acknowledged)
        return sending.attempts[-1]

    def attempt(self, sending: Sending) -> Attempt:
        attempt = self.post(sending.make(self._provider), sending.path)
        sending.attempts.append(attempt)
        return attempt

    def post(self, made: SignedDelivery, path: str = "/webhooks/florentin") -> Attempt:
        began = time.time()
        answer = None
        with suppress(OSError):  # Killed, hanging, or not there.
            url = f"{self.url.removesuffix('/webhooks/florentin')}{path}"
            answer = post(url, made.headers, made.body, timeout=TIMEOUT)
        return Attempt(made, began, time.time(), answer)
