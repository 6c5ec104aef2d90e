"""Secrets, stores and every accepted form of headers."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import TypeVar, assert_type

from pydantic import SecretStr
from starlette.datastructures import Headers as StarletteHeaders

from florentin_webhooks import Delivery, MemoryStore, Receiver, RedisStore, Reply, errors, events
from florentin_webhooks.testing.transport import Response
from florentin_webhooks.signatures import FlorentinSignature
from florentin_webhooks.core.stores.base import Operation, Store
from florentin_webhooks.testing import Provider

A = TypeVar("A")


class Forwarding:
    """A user's own store: nothing to inherit."""

    def __init__(self, inner: Store) -> None:
        self.retention = inner.retention
        self.lease = inner.lease
        self.supports_jobs = self.supports_transactions = False
        self.inner = inner

    def execute(self, operation: Operation[A]) -> A:
        return self.inner.execute(operation)

    async def aexecute(self, operation: Operation[A]) -> A:
        return await self.inner.aexecute(operation)

    def close(self) -> None: ...

    async def aclose(self) -> None: ...


stores: Sequence[Store] = [
    MemoryStore(capacity=10),
    RedisStore("redis://localhost"),
    Forwarding(MemoryStore()),
]
Receiver("a-secret-of-some-length", store=None)
Receiver(b"a-secret-of-some-length", store=MemoryStore())
Receiver(["a-secret-of-some-length", b"another-secret-of-length"], store=stores[1])
Receiver(("a-secret-of-some-length",), tolerance=timedelta(hours=1), leeway=timedelta())
Receiver({"2026": "a-secret-of-some-length", "2025": b"another-secret-of-length"})
Receiver(SecretStr("a-secret-of-some-length"), store="redis://localhost", queue="billing")
Receiver({"2026": SecretStr("a-secret-of-some-length")}, store="memory", tolerance=900)
Receiver("a-secret-of-some-length", tolerance="15m", leeway=0.5, timeout=timedelta(seconds=5))
RedisStore("redis://localhost", retention="2d", lease=90, unfinished_retention=timedelta(days=60))
hooks = Receiver(
    "a-secret-of-some-length",
    store=Forwarding(MemoryStore()),
    max_body=1024,
    timeout=timedelta(seconds=5),
    clock=lambda: datetime.now(UTC),
)
assert_type(hooks.store, Store)
assert_type(Receiver.from_env(), Receiver)
scheme = FlorentinSignature({"2026": "a-secret-of-some-length"})

as_str: dict[str, str] = {}
as_bytes: Mapping[bytes, bytes] = {}
as_pairs: list[tuple[str, str]] = []
as_raw: list[tuple[bytes, bytes]] = []
as_tuples: tuple[tuple[str, bytes], ...] = ()
as_message: Message = Message()
as_starlette = StarletteHeaders({})


def receive(body: bytes) -> None:
    assert_type(hooks.receive(as_str, body), Reply)
    hooks.receive(as_bytes, body)
    hooks.receive(as_pairs, body)
    hooks.receive(as_raw, body)
    hooks.receive(as_tuples, body)
    hooks.receive(as_message, body)
    hooks.receive(as_starlette, body)
    hooks.receive(as_starlette.raw, body)
    hooks.receive(as_str.items(), body)


async def areceive(body: bytes) -> None:
    assert_type(await hooks.areceive(as_str, body), Reply)
    await asyncio.gather(hooks.areceive(as_bytes, body), hooks.areceive(as_pairs, body))
    await hooks.areceive(as_raw, body)
    await hooks.areceive(as_tuples, body)
    await hooks.areceive(as_message, body)
    await hooks.areceive(as_starlette, body)


def verify(body: bytes) -> None:
    try:
        delivery, event = hooks.verify(as_str, body)
    except errors.StaleDelivery as error:
        assert_type(error.age, timedelta)
    except errors.InvalidEvent as error:
        assert_type(error.problems, tuple[str, ...])
    except errors.Rejected as error:
        assert_type(error.code, str)
    else:
        assert_type(delivery, Delivery)
        assert_type(event, events.Event)
    hooks.verify(as_bytes, body)
    hooks.verify(as_raw, body)
    hooks.verify(as_message, body)
    assert_type(scheme.verify(as_str, body), str)
    scheme.verify(as_bytes, body)
    scheme.verify(as_pairs, body)
    scheme.verify(as_raw, body)
    scheme.verify(as_message, body)
    scheme.verify(as_starlette, body)


def pretend() -> None:
    provider = Provider("a-secret-of-some-length", clock=lambda: datetime.now(UTC))
    headers, body = provider.make("invoice.created", invoice={"amount_due": 0})
    assert_type(headers, dict[str, str])
    assert_type(body, bytes)
    assert_type(hooks.receive(*provider.make("something.new")), Reply)
    assert_type(provider.deliver(hooks, "invoice.created"), Response)
    assert_type(provider.deliver("http://localhost/", "user.login", user={}), Response)
    made = provider.sign("invoice.created", b"{}", delivery_id="7c1f")
    assert_type(provider.send(hooks, made).outcome, str)
    assert_type(scheme.sign(b"", event="", delivery_id="", timestamp=datetime.now(UTC)), dict[str, str])


async def end() -> None:
    hooks.close()
    await hooks.aclose()
