"""The handlers of the program: public names only, so that two versions can run them."""

from __future__ import annotations

import os
from typing import Literal

from florentin_webhooks import Delivery, Router, events

RAN: list[tuple[str, str]] = []
"""The steps that have run, each with the fingerprint of its delivery."""

FAILING = set(os.environ.get("FAILING", "").split())
"""The steps that fail."""

router = Router()


def run(step: str, delivery: Delivery) -> None:
    """Run *step*, unless it must fail."""
    if step in FAILING:
        raise RuntimeError(step)
    if f"{step} dies" in FAILING:
        os._exit(9)
    RAN.append((step, delivery.fingerprint))


@router.on("user.login", inline=True)
def greet(_: events.UserLogin, delivery: Delivery) -> None:
    run("greet", delivery)


@router.on("user.login", inline=True)
def audit(_: events.UserLogin, delivery: Delivery) -> None:
    with delivery.once("mail") as first:
        if first:
            run("mail", delivery)
    run("audit", delivery)


@router.on("subscription.upgraded", inline=True, latest=lambda event: event.data.subscription.id)
def resize(_: events.SubscriptionUpgraded, delivery: Delivery) -> None:
    run("resize", delivery)


class Renamed(events.UnknownEvent):
    event: Literal["user.renamed"]
    data: dict[str, int]


@router.on(Renamed, inline=True)
def rename(_: Renamed, delivery: Delivery) -> None:
    run("rename", delivery)


@router.on("invoice.created")
def bill(_: events.InvoiceCreated, delivery: Delivery) -> None:
    run("bill", delivery)
