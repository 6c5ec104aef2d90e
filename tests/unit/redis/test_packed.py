"""Calls that are filled into what was encoded once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from florentin_webhooks.core.stores.accept import Accept, Finish, HandlerOutcome
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.fingerprint import NO_IDENTITY, Identity
from florentin_webhooks.redis.codec import accept as codec
from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.redis.executors import packed as module
from florentin_webhooks.redis.executors.calls import PackedCall
from florentin_webhooks.redis.executors.packed import PackedCalls
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.redis.schema import KeySchema, ScriptCall
from tests.support.parts import job
from tests.support.stores import accept, content

SCHEMA = KeySchema(b"100%d:", 1000, 2000, 3000, 10, tag="{%b}")
IDENTITIES = [NO_IDENTITY, NO_IDENTITY, Identity({"other": "cd"})]


@pytest.fixture(autouse=True)
def same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (codec, module):
        monkeypatch.setattr(each, "time", lambda: 1_790_000_000.25)


def of(number: int, **changes: object) -> Accept:
    """Return what differs from other operations in all that a delivery may differ in."""
    made = accept(content(number), under=f"id-{10**number}", token=b"t" * (number + 1))
    event = "invoice." + "x" * number
    made.delivery = replace(made.delivery, event=event, secret="50% %b", key_id="ab")
    made.content = content(number)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("aliases", [0, 1, 2])
@pytest.mark.parametrize("queues", [(), ("q",), ("q", "100%")])
@pytest.mark.parametrize("inline", [True, False])
def test_packed_accept_equals_the_encoded_call(
    aliases: int, queues: tuple[str, ...], *, inline: bool
) -> None:
    calls = PackedCalls(SCHEMA)
    for number in (1, 2, 9):
        jobs = tuple(job(content(number), queue) for queue in queues)
        asked = of(number, inline=inline, jobs=jobs, identity=IDENTITIES[aliases])
        if aliases:
            asked.delivery = replace(asked.delivery, digest=b"%b%d" * 4)
        assert len(asked.aliases) == aliases
        assert_equal(calls.encode(asked), encode(SCHEMA, asked))


@pytest.mark.parametrize("handler", [None, "m:bill", "50%:b"])
def test_packed_finish_equals_the_encoded_call(handler: str | None) -> None:
    calls = PackedCalls(SCHEMA)
    for number in (1, 2):
        for outcome in HandlerOutcome:
            asked = Finish(bytes([number]) * 16, b"token", State.DONE, handler, outcome)
            assert_equal(calls.encode(asked), encode(SCHEMA, asked))


def assert_equal(packed: ScriptCall | PackedCall, whole: ScriptCall) -> None:
    assert isinstance(packed, PackedCall)
    assert packed.packed == encode_command(whole.evalsha())
    assert packed.eval() == whole.eval()
    assert packed.script == whole.script
    assert (packed.read, packed.may_fail) == (whole.read, whole.may_fail)


@pytest.mark.parametrize(
    "asked",
    [
        of(1, fresh=False),
        of(1, valid=False, reason="refused"),
        of(1, trace=None),
        of(1, content=None, delivery=replace(of(1).delivery, digest=b"d" * 16)),
        Finish(b"k" * 16, b"token", State.DONE, reason="failed"),
        Finish(b"k" * 16, b"token", State.DONE, "m:bill", note="a text"),
        Finish(b"k" * 16, b"token", State.FAILED),
        Finish(b"k" * 16, b"token", State.DONE, part=job(content(), handlers=())),
    ],
)
def test_rare_calls_are_encoded_each_time(asked: Accept | Finish) -> None:
    assert PackedCalls(SCHEMA).encode(asked) == encode(SCHEMA, asked)


@pytest.mark.parametrize("year", [1971, 2300])
def test_times_without_13_digits_are_encoded_each_time(
    year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, finish = PackedCalls(SCHEMA), Finish(b"k" * 16, b"token", State.DONE, "m:bill")
    early = of(1)
    early.delivery = replace(early.delivery, received_at=datetime(year, 1, 1, tzinfo=UTC))
    assert calls.encode(early) == encode(SCHEMA, early)
    seconds = early.delivery.received_at.timestamp()
    for each in (codec, module):
        monkeypatch.setattr(each, "time", lambda: seconds)
    assert calls.encode(of(1)) == encode(SCHEMA, of(1))
    assert calls.encode(finish) == encode(SCHEMA, finish)


def test_calls_that_wait_for_replicas_are_encoded_each_time() -> None:
    schema = replace(SCHEMA, replicas=1)
    assert isinstance(PackedCalls(schema).encode(of(1)), ScriptCall)


def test_templates_are_bounded() -> None:
    calls = PackedCalls(SCHEMA)
    for number in range(600):
        calls.encode(Finish(b"k" * 16, b"token", State.DONE, f"m:{number}"))
    assert len(calls._templates) <= 256
