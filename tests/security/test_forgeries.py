"""What strangers send never reaches Redis, and what is genuine does in few round trips."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import redis

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.events import Event
from tests.support.http import call, scope_of
from tests.support.vectors import CANONICAL, SECRET, T0, attacks, delivery


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as connected:
        yield connected


@pytest.fixture
def receiver(redis_url: str, redis_prefix: str) -> Iterator[Receiver]:
    made = Receiver(
        SECRET, store=RedisStore(redis_url, prefix=f"{redis_prefix}:"), clock=lambda: T0
    )

    @made.on(Event)
    async def handler(_: Event) -> None: ...

    yield made
    made.close()


def commands(client: redis.Redis) -> dict[str, int]:
    """How often the server has run each command, but for this question."""
    stats = client.info("commandstats")
    assert isinstance(stats, dict)
    calls = {name: int(each["calls"]) for name, each in stats.items()}
    return {name: n for name, n in calls.items() if name != "cmdstat_info"}


@pytest.mark.answers("SIG-28")
def test_thousand_forgeries_send_no_command_to_redis(
    receiver: Receiver, client: redis.Redis
) -> None:
    before = commands(client)
    forged = "sha256=" + "0" * 64
    for number in range(1_000):
        request = delivery(signature=forged, delivery_id=f"id-{number}")
        assert receiver.receive(request.headers, request.body).status == 401
    assert commands(client) == before


@pytest.mark.answers("SIG-28")
def test_thousand_forgeries_through_asgi_send_no_command_to_redis(
    receiver: Receiver, client: redis.Redis
) -> None:
    before = commands(client)
    app = WebhookApp(receiver)

    async def flood() -> None:
        for number in range(1_000):
            request = delivery(signature="sha256=" + "0" * 64, delivery_id=f"id-{number}")
            answer = await call(app, scope_of(request, "/"), [request.body])
            assert answer is not None
            assert answer.status == 401
        await receiver.aclose()

    asyncio.run(flood())
    assert commands(client) == before


def test_attack_refused_before_parsing_sends_no_command_to_redis(
    receiver: Receiver, client: redis.Redis
) -> None:
    before = commands(client)
    for attack in attacks():
        if attack.outcome in ("invalid-signature", "malformed", "method-not-allowed"):
            request = attack.request
            screened = receiver.screen(request.method, request.headers)
            assert screened or receiver.receive(request.headers, request.body).status < 500
    assert commands(client) == before


def test_genuine_delivery_sends_commands_to_redis(receiver: Receiver, client: redis.Redis) -> None:
    before = commands(client)
    receiver.receive(delivery().headers, CANONICAL)
    assert commands(client) != before
