"""What is sent to the program, and how each delivery ends there: by public names only."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

import left_behind_shop

from florentin_webhooks import Receiver
from florentin_webhooks.testing import Provider

Request = dict[str, Any]


class Sender:
    """A sender that notes what it sends to *hooks*, under the name of its scenario."""

    def __init__(self, hooks: Receiver, noon: Any) -> None:
        self.hooks = hooks
        self.noon = noon
        self.provider = Provider("a-secret-of-sixteen-and-more", clock=lambda: self.now)
        self.now = noon
        self.requests: dict[str, Request] = {}

    def make(self, name: str, event: str, **data: Any) -> Request:
        """A new delivery."""
        return self.note(name, self.provider.make(event, **data))

    def stamp_again(self, name: str, earlier: Request, delivery_id: str) -> Request:
        """The same event as *earlier*, with the present timestamp and under *delivery_id*."""
        envelope = json.loads(earlier["body"])
        body = earlier["body"].replace(envelope["timestamp"], f"{self.now:%Y-%m-%dT%H:%M:%S.000Z}")
        made = self.provider.sign(envelope["event"], body.encode(), delivery_id=delivery_id)
        return self.note(name, made)

    def note(self, name: str, made: Any) -> Request:
        """Record a delivery, whose body must be text."""
        request = {"headers": dict(made.headers), "body": made.body.decode()}
        self.requests[name] = request
        return request

    def send(self, request: Request, outcome: str, *failing: str) -> None:
        """Send a delivery; the steps *failing* fail."""
        left_behind_shop.FAILING.update(failing)
        try:
            reply = self.hooks.receive(request["headers"], request["body"].encode())
        finally:
            left_behind_shop.FAILING.clear()
        assert reply.outcome == outcome, (reply, reply.error)

    def send_and_die(self, request: Request, step: str) -> None:
        """Send a delivery to a process that dies in *step*."""
        if (child := os.fork()) == 0:
            left_behind_shop.FAILING.add(f"{step} dies")
            self.hooks.receive(request["headers"], request["body"].encode())
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def send_inline(sender: Sender) -> None:
    """Leave one delivery of each kind behind that an inline handler can leave."""
    sender.send(sender.make("done", "user.login"), "processed")
    sender.send(sender.make("failed", "user.login"), "handler-failed", "audit")
    sender.send(sender.make("never-run", "user.login"), "handler-failed", "greet", "mail")
    sender.send_and_die(sender.make("running", "user.login"), "mail")
    sender.send(sender.make("invalid", "user.renamed", user="Ada"), "invalid-event")
    _send_stamped_again(sender)
    _send_stale(sender)
    _send_latest(sender)


def _send_stamped_again(sender: Sender) -> None:
    first = sender.make("retried", "user.login")
    sender.send(first, "handler-failed", "audit")
    delivery_id = first["headers"]["X-Florentin-Delivery-Id"]
    sender.now += timedelta(seconds=30)
    again = sender.stamp_again("stamped-again", first, delivery_id)
    sender.send(again, "handler-failed", "audit")
    sender.stamp_again("stamped-again-elsewhere", first, "another-id")
    sender.now += timedelta(seconds=30)
    done = sender.requests["done"]
    delivery_id = done["headers"]["X-Florentin-Delivery-Id"]
    sender.stamp_again("done-stamped-again", done, delivery_id)
    sender.now = sender.noon


def _send_stale(sender: Sender) -> None:
    sender.now = sender.noon - timedelta(hours=2)
    sender.send(sender.make("stale", "user.login"), "stale")
    sender.now = sender.noon


def _send_latest(sender: Sender) -> None:
    older = sender.make("superseded", "subscription.upgraded", subscription={"id": "sub_1"})
    assert older
    sender.now += timedelta(seconds=10)
    newer = sender.make("latest", "subscription.upgraded", subscription={"id": "sub_1"})
    sender.send(newer, "processed")
    sender.now = sender.noon
