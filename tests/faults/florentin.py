"""A sender that retries like Florentin, somebody who forges beside it, and what both were told.

Four attempts, 30, 120 and 300 seconds apart, times *scale*. Whether a retry keeps its delivery id
and its bytes is what the contract leaves open: each delivery is sent in one of the four ways.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex
from typing import NamedTuple

from florentin_webhooks.senders.florentin.samples import SAMPLES
from florentin_webhooks.signatures import iso_timestamp
from florentin_webhooks.testing import Provider, SignedDelivery
from florentin_webhooks.testing.transport import Response, post
from tests.faults.program import EFFECTS, SECRET

WAITS = (0, 30, 120, 300)
TIMEOUT = 5.0


class Ways(NamedTuple):
    """What a retry keeps."""

    same_id: bool
    same_body: bool


class Attempt(NamedTuple):
    """One request and its answer; None where there was none."""

    made: SignedDelivery
    began: float
    ended: float
    answer: Response | None

    @property
    def status(self) -> int:
        """The status; 0 where the connection broke."""
        return self.answer.status if self.answer else 0

    @property
    def acknowledged(self) -> bool:
        """Whether the receiver has taken it."""
        return 200 <= self.status < 300


@dataclass
class Sending:
    """One event on its way: *business* is what it is about, and its attempts so far."""

    event: str
    ways: Ways
    business: str
    work: float
    gate: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    _id: str = ""
    _body: bytes = b""

    @property
    def acknowledged(self) -> bool:
        """Whether any attempt was answered with 2xx."""
        return any(attempt.acknowledged for attempt in self.attempts)

    def make(self, provider: Provider) -> SignedDelivery:
        """The next attempt, as these ways want it."""
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
    """The sender, and what it has sent; *scale* is how much faster than the real one it is."""

    def __init__(self, url: str, seed: int = 0, *, scale: float = 0.01) -> None:
        self.url = url
        self.scale = scale
        self.sent: list[Sending] = []
        self.forged: list[Attempt] = []
        self.over = False
        self._random = random.Random(seed)  # noqa: S311 - a seed is there to repeat a run.
        self._provider = Provider(SECRET)
        self._stranger = Provider("a-secret-that-nobody-has-told-us")

    def sending(self, event: str | None = None, *, gate: str | None = None) -> Sending:
        """A new event, on its way."""
        draw = self._random
        work = draw.choice((0.005, 0.02, 0.05, 0.2))
        ways = Ways(draw.random() < 0.5, draw.random() < 0.5)
        chosen = event or draw.choice(sorted(EFFECTS))
        sending = Sending(chosen, ways, f"req-{token_hex(6)}", work, gate)
        self.sent.append(sending)
        return sending

    def attempt(self, sending: Sending) -> Attempt:
        """Send one attempt and wait for the answer."""
        attempt = self.post(sending.make(self._provider))
        sending.attempts.append(attempt)
        return attempt

    def post(self, made: SignedDelivery) -> Attempt:
        """Send exactly this."""
        began = time.time()
        answer = None
        with suppress(OSError):  # Killed, hanging, or not there.
            answer = post(self.url, made.headers, made.body, timeout=TIMEOUT)
        return Attempt(made, began, time.time(), answer)

    def replay(self) -> list[Attempt]:
        """Send every body that was taken again, under a new id, as whoever has captured it can."""
        taken = [(s.event, a.made) for s in self.sent for a in s.attempts if a.acknowledged]
        bodies = {made.body: (event, made) for event, made in taken}
        again = []
        for event, made in bodies.values():
            fresh = self._provider.sign(event, made.body, delivery_id=f"replay-{token_hex(8)}")
            again.append(
                self.post(SignedDelivery({**fresh.headers, **_signature(made)}, made.body))
            )
        return again

    def run(self, count: int, *, rate: float, forge: float = 0.25, twice: float = 0.3) -> None:
        """Send *count* events, *rate* a second, and retry each until it is taken or given up.

        With it come *forge* times as many forged requests; of the attempts, *twice* times as many
        are sent twice at once.
        """
        with ThreadPoolExecutor(64) as threads:
            asyncio.run(self._run(threads, count, rate, forge, twice))
        self.over = True

    async def _run(
        self, threads: ThreadPoolExecutor, count: int, rate: float, forge: float, twice: float
    ) -> None:
        asyncio.get_running_loop().set_default_executor(threads)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                sending = self.sending()
                tasks.create_task(self._deliver(sending, twice))
                if self._random.random() < forge:
                    tasks.create_task(self._forge())
                await asyncio.sleep(1 / rate)

    async def _deliver(self, sending: Sending, twice: float) -> None:
        for wait in WAITS:
            await asyncio.sleep(wait * self.scale)
            made = sending.make(self._provider)
            copies = 2 if self._random.random() < twice else 1
            posts = [asyncio.to_thread(self.post, made) for _ in range(copies)]
            sending.attempts += await asyncio.gather(*posts)
            if sending.acknowledged:
                return

    async def _forge(self) -> None:
        """Send what is not signed, or not rightly, in one of six ways."""
        victim = Sending("invoice.created", Ways(True, True), f"forged-{token_hex(6)}", 0)
        genuine, foreign = victim.make(self._provider), victim.make(self._stranger)
        other = self.sent[-1].make(self._provider)
        wrong = self._random.choice(
            (
                foreign,
                SignedDelivery(genuine.headers, genuine.body + b" "),
                SignedDelivery(other.headers, genuine.body),
                SignedDelivery(_without_signature(genuine), genuine.body),
                SignedDelivery(_with_signature(genuine, "sha256="), genuine.body),
                SignedDelivery(_with_signature(genuine, "sha256=" + "0" * 64), genuine.body),
            )
        )
        self.forged.append(await asyncio.to_thread(partial(self.post, wrong)))


def _signature(made: SignedDelivery) -> dict[str, str]:
    return {name: value for name, value in made.headers.items() if "signature" in name.lower()}


def _without_signature(made: SignedDelivery) -> dict[str, str]:
    return {name: value for name, value in made.headers.items() if name not in _signature(made)}


def _with_signature(made: SignedDelivery, value: str) -> dict[str, str]:
    return {**made.headers, **dict.fromkeys(_signature(made), value)}
