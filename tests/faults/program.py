"""The program under test: a receiver whose handlers report to the oracle.

Web processes, workers and work-horses import it as ``tests.faults.program:hooks``. Each dies at a
point that a test has named, once: "before ClaimJob", "after Once done", "popped" and so on.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from florentin_webhooks import Delivery, Receiver, RedisStore, RQQueue, Spool
from florentin_webhooks.core.spool import SpooledDelivery
from florentin_webhooks.core.stores.base import Operation, PendingAnswer
from florentin_webhooks.events import Event, SubscriptionEvent
from florentin_webhooks.senders import GitHub, SendGrid
from tests.faults.oracle import Oracle
from tests.support.signing_keys import P256

A = TypeVar("A")

SECRET = "5a0f7a7e-3b6c-4b5f-9f0a-made-up"
PARTNER_SECRET = "a-made-up-secret-at-github"
QUEUE = "florentin"
FOLDER = Path(os.environ.get("FAULTS_FOLDER", "/nonexistent"))
REDIS = os.environ.get("FAULTS_REDIS", "redis://localhost:1")
REPLICAS = int(os.environ.get("FAULTS_REPLICAS", "0"))
SPOOL = os.environ.get("FAULTS_SPOOL")
"""The file of the spool, if the test wants one: all receivers share it."""

EFFECTS: Mapping[str, frozenset[str]] = {
    "invoice.created": frozenset({"bill", "notify"}),
    "user.login": frozenset({"greet"}),
    "subscription.purchased": frozenset({"resize", "tell"}),
    "push": frozenset({"build"}),
    "batch": frozenset({"track"}),
}
"""The handlers of each event, each of which has one effect."""

UNGUARDED = frozenset({"notify"})
"""The handlers that do without ``once``."""

oracle = Oracle(FOLDER / "oracle.jsonl")


def die_at(point: str) -> None:
    """Kill this process if a test has armed *point*, and disarm it."""
    with suppress(FileNotFoundError):
        (FOLDER / f"die {point}").unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def named(operation: Operation[Any]) -> str:  # Any: any answer.
    """Return the name of *operation*, with its step if it has one."""
    step = getattr(operation, "step", None)
    return type(operation).__name__ + (f" {step.value}" if step else "")


class MortalStore(RedisStore):
    """A store with a point to die at before and after each operation."""

    def execute(self, operation: Operation[A]) -> A:
        die_at(f"before {named(operation)}")
        answer = super().execute(operation)
        die_at(f"after {named(operation)}")
        return answer

    async def aexecute(self, operation: Operation[A]) -> A:
        die_at(f"before {named(operation)}")
        answer = await super().aexecute(operation)
        die_at(f"after {named(operation)}")
        return answer

    async def asend(self, operation: Operation[A]) -> PendingAnswer[A]:
        die_at(f"before {named(operation)}")
        answer = await super().asend(operation)
        die_at(f"after {named(operation)}")
        return answer


class MortalSpool(Spool):
    """A spool with a point to die at before and after a write, and before a removal."""

    def append(self, delivery: SpooledDelivery) -> None:
        die_at("before append")
        super().append(delivery)
        die_at("after append")

    def remove(self, numbers: Sequence[int]) -> None:
        die_at("before removal")
        super().remove(numbers)


def spool() -> Spool | None:
    return MortalSpool(SPOOL) if SPOOL else None


def store() -> RedisStore:
    """Return the store; that of a cluster outlives each node."""
    kind = RedisStore if REDIS.startswith("redis+cluster") else MortalStore
    return kind(REDIS, lease=timedelta(seconds=2), replicas=REPLICAS)


hooks = Receiver(
    SECRET,
    store=store(),
    queue=RQQueue(QUEUE, retries=(1,) * 60, timeout=2, receiver="tests.faults.program:hooks"),
    timeout=timedelta(seconds=1.5),
    spool=spool(),
)

partner = Receiver(
    PARTNER_SECRET,
    sender=GitHub(),
    store=hooks.store,
    queue=RQQueue(QUEUE, retries=(1,) * 60, timeout=2, receiver="tests.faults.program:partner"),
    timeout=timedelta(seconds=1.5),
    spool=spool(),
)

simulated = Receiver(
    SECRET,
    name="simulated",
    store=hooks.store,
    queue=RQQueue(QUEUE, retries=(1,) * 60, timeout=2, receiver="tests.faults.program:simulated"),
    timeout=timedelta(seconds=1.5),
)
"""What a local Florentin sends to: each handler has an effect under a key of its own."""

mail = Receiver(
    P256.public,
    sender=SendGrid(),
    store=hooks.store,
    queue=RQQueue(QUEUE, retries=(1,) * 60, timeout=2, receiver="tests.faults.program:mail"),
    timeout=timedelta(seconds=1.5),
    spool=spool(),
)


def _data(delivery: Delivery) -> dict[str, Any]:  # Any: JSON.
    data: dict[str, Any] = json.loads(delivery.body)["data"]
    return data


def _wait_at(gate: str | None) -> None:
    """Wait until a test opens the *gate* for the first or second; ignore alarms."""
    if gate is None:
        return
    for number in (1, 2):
        try:
            (FOLDER / f"{gate} {number} reached").touch(exist_ok=False)
        except FileExistsError:
            continue
        while not (FOLDER / f"{gate} {number} open").exists():
            with suppress(Exception):
                time.sleep(0.005)
        return


def _have_effect(name: str, delivery: Delivery) -> None:
    data = _data(delivery)
    with oracle.run(name, data["request"], delivery.fingerprint) as run:
        time.sleep(data.get("work", 0))
        _wait_at(data.get("gate"))
        with delivery.once(name) as first:
            if first:
                run.note("effect")
                die_at("after the effect")


@hooks.on("invoice.created")
def bill(_: Event, delivery: Delivery) -> None:
    _have_effect("bill", delivery)


@hooks.on("invoice.created")
async def notify(_: Event, delivery: Delivery) -> None:
    """Run without a guard."""
    data = _data(delivery)
    with oracle.run("notify", data["request"], delivery.fingerprint) as run:
        await asyncio.sleep(data.get("work", 0))
        run.note("effect")


@hooks.on("user.login", inline=True)
async def greet(_: Event, delivery: Delivery) -> None:
    data = _data(delivery)
    with oracle.run("greet", data["request"], delivery.fingerprint) as run:
        await asyncio.sleep(data.get("work", 0))
        async with delivery.once("greet") as first:
            if first:
                run.note("effect")


@hooks.on("subscription.purchased", inline=True)
def resize(_: Event, delivery: Delivery) -> None:
    _have_effect("resize", delivery)


@hooks.on("subscription.purchased")
def tell(_: Event, delivery: Delivery) -> None:
    _have_effect("tell", delivery)


def _have_effect_under_key(name: str, delivery: Delivery) -> None:
    key = delivery.idempotency_key(name)
    with oracle.run(name, delivery.delivery_id or "", key) as run:
        run.note("effect")


@simulated.on(Event)
def file(_: Event, delivery: Delivery) -> None:
    _have_effect_under_key("file", delivery)


@simulated.on(SubscriptionEvent, inline=True)
def watch(_: SubscriptionEvent, delivery: Delivery) -> None:
    _have_effect_under_key("watch", delivery)


@partner.on("push")
def build(event: Event, delivery: Delivery) -> None:
    with oracle.run("build", event.data["request"], delivery.fingerprint) as run:
        time.sleep(event.data.get("work", 0))
        with delivery.once("build") as first:
            if first:
                run.note("effect")


@mail.on("open")
def track(event: Event, delivery: Delivery) -> None:
    item = f"{delivery.fingerprint}[{delivery.item}]"
    with oracle.run("track", event.data["request"], item) as run:
        time.sleep(event.data["work"])
        with delivery.once("track") as first:
            if first:
                run.note("effect")
