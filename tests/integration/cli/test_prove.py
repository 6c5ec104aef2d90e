"""The command ``prove``: handlers that repeat or lose an effect are shown, others are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from florentin_webhooks import Delivery, Receiver, RedisStore, RQQueue, events
from florentin_webhooks.testing import effect
from tests.support.command_line import error, type_in

HOOKS = f"{__name__}:hooks"
QUEUED = f"{__name__}:queued"
hooks = Receiver("a-secret-of-the-tests-of-prove")
queued = Receiver(
    "another-secret-of-the-tests-of-prove",
    store=RedisStore("redis://localhost:1"),
    queue=RQQueue("q", receiver=QUEUED),
)
idle = Receiver("a-third-secret-of-the-tests-of-prove")
folder = Path()
seen: set[str] = set()


def charge(_: int, **__: object) -> None:
    raise NotImplementedError


@hooks.on("invoice.created")
def bill_naively(event: events.InvoiceCreated) -> None:
    charge(event.data.invoice.amount_due or 0)
    effect("mail")


@hooks.on("user.login")
def bill_with_keys(_: events.UserLogin, delivery: Delivery) -> None:
    charge(1, key=delivery.idempotency_key("charge"))
    with delivery.once("mail") as first:
        if first:
            effect("mail")


@hooks.on("account.created")
def mark_before_the_effect(_: events.AccountCreated, delivery: Delivery) -> None:
    mark = folder / delivery.fingerprint
    if not mark.exists():
        mark.touch()
        effect("welcome")


@queued.on("invoice.created")
async def remember_in_memory(_: events.InvoiceCreated, delivery: Delivery) -> None:
    if delivery.fingerprint not in seen:
        seen.add(delivery.fingerprint)
        effect("mail")


@queued.on("invoice.created")
async def post_with_once(_: events.InvoiceCreated, delivery: Delivery) -> None:
    async with delivery.once("post") as first:
        if first:
            effect("post")


@idle.on("user.login")
def fail(_: events.UserLogin) -> None:
    raise LookupError("no such user")


def proved(*words: str, code: int) -> dict[str, dict[str, Any]]:
    """Return what ``prove`` reports of each event."""
    done = type_in("prove", *words, "--json")
    assert done.exit_code == code, done.output
    lines = map(json.loads, done.stdout.splitlines())
    return {line["event"]: line for line in lines}


def found(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (each["handler"].partition(":")[2], each["effect"], each["kind"])
        for each in report["findings"]
    }


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.folder", tmp_path)


def test_naive_handler_is_caught_and_a_careful_one_is_not() -> None:
    reports = proved(HOOKS, "--effect", f"{__name__}:charge", code=1)
    naive = reports["invoice.created"]
    assert found(naive) == {
        ("bill_naively", "charge", "doubled"),
        ("bill_naively", "mail", "doubled"),
    }
    name = f"{__name__}:bill_naively"
    assert naive["findings"][0]["steps"] == [
        "At first, the sender sends invoice.created: no answer.",
        f"{name} does charge.",
        "The process is killed before mail.",
        "After 30 s, the sender sends invoice.created: 409 in-progress.",
        "After 150 s, the sender sends invoice.created: 200 processed.",
        f"{name} does charge.",
        f"{name} does mail.",
    ]
    assert found(reports["account.created"]) == {("mark_before_the_effect", "welcome", "lost")}
    assert reports["user.login"]["effects"].keys() == {
        f"{__name__}:bill_with_keys charge",
        f"{__name__}:bill_with_keys mail",
    }
    assert reports["user.login"]["findings"] == []


def test_strict_kill_ends_the_memory_of_a_process() -> None:
    report = proved(QUEUED, "--strict", code=1)["invoice.created"]
    assert found(report) == {
        ("remember_in_memory", "mail", "doubled"),
        ("post_with_once", "post", "doubled"),
    }
    once = next(each for each in report["findings"] if each["effect"] == "post")
    assert any("once('post'), before that is recorded" in step for step in once["steps"])
    assert once["steps"][-2] == "After 70 s, a worker takes invoice.created."


def test_handler_that_fails_without_a_fault_is_not_proved() -> None:
    result = type_in("prove", f"{__name__}:idle")
    assert result.exit_code == 1
    assert "user.login: not proved, since it failed without any fault" in result.stdout
    assert f"{__name__}:fail: LookupError: no such user" in result.stdout


def test_names_that_do_not_exist_are_refused_with_a_command() -> None:
    assert "--event user.login" in error(type_in("prove", HOOKS, "--event", "user.logins"))
    assert "no function" in error(type_in("prove", HOOKS, "--effect", f"{__name__}:charges"))
