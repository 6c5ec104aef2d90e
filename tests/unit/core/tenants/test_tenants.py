"""A receiver whose secrets are looked up: tenants, rotation, time limits and failures."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import BoundedSemaphore, Thread, current_thread
from threading import Event as Signal
from typing import Any

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver, Request, Tenant
from florentin_webhooks.core.tenants import cache, sources, verifier
from florentin_webhooks.errors import ConfigurationError, InvalidSignature, Unavailable
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Reply
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.senders import CASES, NOW

pytestmark = pytest.mark.one_process

TWILIO = next(case for case in CASES if case.name == "twilio")
SECRETS = {"acme": "the-secret-of-acme-inc", "globex": "the-secret-of-globex"}


def by_path(request: Request) -> str:
    """Return the secret of the tenant in the path; raises KeyError for an unknown one."""
    return SECRETS[request.path_params["tenant"]]


async def by_path_async(request: Request) -> str:
    return by_path(request)


def receive(
    receiver: Receiver[Any], made: SignedDelivery, tenant: str | None = None, **headers: str
) -> Reply:
    params = {} if tenant is None else {"tenant": tenant}
    return receiver.receive({**made.headers, **headers}, made.body, None, params)


def seen_by(receiver: Receiver[Any]) -> list[Delivery]:
    seen: list[Delivery] = []

    def keep(_: Event, delivery: Delivery) -> None:
        seen.append(delivery)

    receiver.on(Event)(keep)
    return seen


@pytest.mark.parametrize("source", [by_path, by_path_async])
def test_delivery_is_verified_with_the_secret_of_its_tenant(source: Callable[..., Any]) -> None:
    receiver = Receiver(source)
    seen, made = seen_by(receiver), Provider(SECRETS["acme"]).make("user.login")
    assert receive(receiver, made, "globex").status == 401
    assert receive(receiver, made, "acme").outcome == "processed"
    assert receive(receiver, made, "acme").outcome == "duplicate"
    assert [(each.tenant, each.secret) for each in seen] == [("acme", "tenant:acme/secret-1")]
    assert receiver.verify(*made, None, {"tenant": "acme"})[0].tenant == "acme"


@pytest.mark.parametrize("source", [by_path, by_path_async])
def test_tenant_is_looked_up_in_asyncio(source: Callable[..., Any]) -> None:
    receiver = Receiver(source)
    seen, made = seen_by(receiver), Provider(SECRETS["acme"]).make("user.login")
    reply = asyncio.run(receiver.areceive(*made, None, {"tenant": "acme"}))
    assert (reply.outcome, seen[0].tenant) == ("processed", "acme")
    assert asyncio.run(receiver.areceive(*made, None, {"tenant": "none"})).status == 401


def test_look_up_leaves_the_event_loop_free() -> None:
    turns, loops = list[Signal](), list[object]()

    def waiting(_: Request) -> str:
        assert turns[0].wait(20)
        return SECRETS["acme"]

    async def watched(_: Request) -> str:
        loops.append(asyncio.get_running_loop())
        return SECRETS["acme"]

    async def program() -> None:
        turns.append(Signal())
        asyncio.get_running_loop().call_later(0.01, turns[0].set)
        assert (await Receiver(waiting).areceive(*made)).status == 200
        assert (await Receiver(watched).areceive(*made)).status == 200
        assert loops == [asyncio.get_running_loop()]

    made = Provider(SECRETS["acme"]).make("user.login")
    asyncio.run(program())


def test_blocking_look_up_runs_in_the_context_of_handlers() -> None:
    entered: list[bool] = []

    @contextmanager
    def context() -> Iterator[None]:
        entered.append(True)
        yield
        entered.append(False)

    def source(_: Request) -> str:
        assert entered == [True]
        assert current_thread().daemon  # It may hang, and must not outlive the program.
        return SECRETS["acme"]

    receiver = Receiver(source)
    receiver.handler_context = context
    assert receive(receiver, Provider(SECRETS["acme"]).make("user.login")).status == 200
    assert entered == [True, False]


def test_object_with_an_async_call_is_awaited() -> None:
    class Source:
        async def __call__(self, _: Request) -> str:
            return SECRETS["acme"]

    made = Provider(SECRETS["acme"]).make("user.login")
    assert receive(Receiver(Source()), made).status == 200


def test_unknown_tenant_is_an_invalid_signature() -> None:
    made = Provider(SECRETS["acme"]).make("user.login")
    for source in (by_path, lambda _: None):
        reply = receive(Receiver(source), made, "initech")
        assert (reply.status, reply.outcome) == (401, "invalid-signature")
        assert b"tenant" not in reply.body
    with pytest.raises(InvalidSignature, match="unknown tenant"):
        Receiver(by_path).verify(*made)


def test_tenant_is_part_of_the_identity() -> None:
    receiver = Receiver(lambda request: Tenant(request.host, SECRETS["acme"]))
    seen, made = seen_by(receiver), Provider(SECRETS["acme"]).make("user.login")
    for host in ("a.example", "b.example"):
        assert receive(receiver, made, Host=host).outcome == "processed"
    assert [each.tenant for each in seen] == ["a.example", "b.example"]
    assert len({each.fingerprint for each in seen}) == 2


def test_function_is_called_once_for_a_tenant() -> None:
    calls: list[str] = []

    def source(request: Request) -> str:
        calls.append(request.path_params["tenant"])
        return by_path(request)

    receiver, provider = Receiver(source), Provider(SECRETS["acme"])
    for _ in range(3):
        assert receive(receiver, provider.make("user.login"), "acme").status == 200
    assert calls == ["acme"]
    assert receive(receiver, provider.make("user.login"), "globex").status == 401
    assert calls == ["acme", "globex"]


def test_new_secret_is_read_after_a_wrong_signature(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets, calls = ["the-old-secret-of-acme"], list[int]()

    def source(_: Request) -> list[str]:
        calls.append(1)
        return list(secrets)

    receiver = Receiver(source)
    assert receive(Receiver(source), Provider("a-secret-of-a-stranger").make("x.y")).status == 401
    assert len(calls) == 1
    calls.clear()
    assert receive(receiver, Provider(secrets[0]).make("user.login")).status == 200
    secrets.insert(0, "the-new-secret-of-acme")
    made = Provider(secrets[0]).make("user.login")
    assert receive(receiver, made).status == 401  # The last look-up was less than a second ago.
    monkeypatch.setattr(cache, "PAUSE", 0.0)
    assert receive(receiver, made).status == 200
    assert len(calls) == 2
    monkeypatch.setattr(cache, "PAUSE", 1.0)
    forged = Provider("a-secret-of-a-stranger").make("user.login")
    assert [receive(receiver, forged).status for _ in range(5)] == [401] * 5
    assert len(calls) == 2
    assert receive(receiver, Provider(secrets[1]).make("user.login")).status == 200


def rotating(
    monkeypatch: pytest.MonkeyPatch, *, is_async: bool
) -> tuple[Receiver[Any], list[SignedDelivery], list[int]]:
    """A receiver that has read its old secret, deliveries with the new one, and its look-ups."""
    secrets, calls = ["the-old-secret-of-acme"], list[int]()

    def source(_: Request) -> list[str]:
        calls.append(1)
        # From the second call on, no other one counts as long enough ago.
        monkeypatch.setattr(cache, "PAUSE", 60.0 if len(calls) > 1 else 0.0)
        return list(secrets)

    async def source_async(request: Request) -> list[str]:
        found = source(request)
        for _ in range(3):
            await asyncio.sleep(0)
        return found

    receiver = Receiver(source_async if is_async else source)
    assert receive(receiver, Provider(secrets[0]).make("user.login")).status == 200
    secrets.insert(0, "the-new-secret-of-acme")
    return receiver, [Provider(secrets[0]).make("user.login") for _ in range(5)], calls


@pytest.mark.parametrize("is_async", [False, True])
def test_deliveries_that_arrive_together_share_the_rotated_secret(
    *, is_async: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, made, calls = rotating(monkeypatch, is_async=is_async)

    async def receive_all() -> list[Reply]:
        return await asyncio.gather(*(receiver.areceive(*each) for each in made))

    assert [reply.status for reply in asyncio.run(receive_all())] == [200] * 5
    assert len(calls) == 2


def test_threads_share_the_rotated_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, made, calls = rotating(monkeypatch, is_async=True)
    with ThreadPoolExecutor(5) as threads:
        replies = threads.map(receiver.receive, *zip(*made, strict=True))
        assert [reply.status for reply in replies] == [200] * 5
    assert len(calls) == 2


@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (1, 5)])
def test_first_deliveries_share_a_look_up_that_succeeds(failures: int, calls: int) -> None:
    made = [Provider(SECRETS["acme"]).make("user.login") for _ in range(5)]
    called = list[int]()

    async def source(_: Request) -> str:
        called.append(1)
        is_failing = len(called) <= failures
        await asyncio.sleep(0)
        if is_failing:
            raise ConnectionError
        return SECRETS["acme"]

    async def receive_all(receiver: Receiver[Any]) -> list[Reply]:
        return await asyncio.gather(*(receiver.areceive(*each) for each in made))

    replies = asyncio.run(receive_all(Receiver(source)))
    assert Counter(reply.status for reply in replies) == Counter({503: failures, 200: 5 - failures})
    assert len(called) == calls


def test_failure_of_a_shared_look_up_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver, made, calls = rotating(monkeypatch, is_async=True)
    tenants = receiver._tenants
    assert tenants

    async def fail(_: Request) -> str:
        calls.append(1)
        await asyncio.sleep(0)
        raise ConnectionError

    async def receive_all() -> list[Reply]:
        return await asyncio.gather(*(receiver.areceive(*each) for each in made))

    monkeypatch.setattr(tenants, "_source", fail)
    assert {reply.status for reply in asyncio.run(receive_all())} == {503}
    assert len(calls) == 2


def test_same_delivery_is_a_duplicate_after_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = "the-old-secret-of-acme", "the-new-secret-of-acme"
    answers: list[list[str]] = [[old], [new, old]]
    receiver = Receiver(lambda _: answers[0])
    seen = seen_by(receiver)
    made = Provider(old).make("user.login")
    assert receive(receiver, made).outcome == "processed"
    del answers[0]
    monkeypatch.setattr(cache, "PAUSE", 0.0)
    again = Provider(new).sign("user.login", made.body, delivery_id="d-2")
    assert receive(receiver, again).outcome == "duplicate"
    assert len(seen) == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_slow_look_up_is_unavailable(*, is_async: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "SECONDS", 0.05)
    release = Signal()

    def hang(_: Request) -> str:
        release.wait(20)
        return SECRETS["acme"]

    async def sleep(_: Request) -> str:
        await asyncio.sleep(20)
        return SECRETS["acme"]

    receiver = Receiver(sleep if is_async else hang)
    made = Provider(SECRETS["acme"]).make("user.login")
    try:
        reply = receive(receiver, made)
        assert reply.status == 503
        assert "not found within 0.05 s" in str(reply.error)
        assert asyncio.run(receiver.areceive(*made)).status == 503
    finally:
        release.set()


def test_look_ups_that_hang_take_a_bounded_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verifier, "SECONDS", 0.01)
    monkeypatch.setattr(sources, "_threads", BoundedSemaphore(2))
    release, started = Signal(), list[str]()

    def hang(request: Request) -> str:
        started.append(request.path_params["tenant"])
        release.wait(20)
        return SECRETS["acme"]

    receiver, made = Receiver(hang), Provider(SECRETS["acme"]).make("user.login")
    try:
        assert [receive(receiver, made, tenant).status for tenant in "abc"] == [503] * 3
    finally:
        release.set()
    assert started == ["a", "b"]


@pytest.mark.parametrize("is_object", [False, True])
def test_async_look_up_takes_no_thread(monkeypatch: pytest.MonkeyPatch, *, is_object: bool) -> None:
    class Source:
        async def __call__(self, request: Request) -> str:
            return by_path(request)

    monkeypatch.setattr(sources, "_threads", BoundedSemaphore(0))
    receiver = Receiver(Source() if is_object else by_path_async)
    made = Provider(SECRETS["acme"]).make("user.login")
    assert receive(receiver, made, "acme").status == 200


def test_look_up_without_a_thread_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Exhausted(Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    made = Provider(SECRETS["acme"]).make("user.login")
    monkeypatch.setattr(sources, "_threads", BoundedSemaphore(1))
    with monkeypatch.context() as exhausted:
        exhausted.setattr(sources, "Thread", Exhausted)
        assert receive(Receiver(by_path), made, "acme").status == 503
    assert "cannot be read: RuntimeError" in caplog.text
    assert receive(Receiver(by_path), made, "acme").status == 200


def test_look_up_may_end_after_its_event_loop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(verifier, "SECONDS", 0.01)
    release, ended = Signal(), Signal()

    class Ending(BoundedSemaphore):
        def release(self, n: int = 1) -> None:
            super().release(n)
            ended.set()

    def hang(_: Request) -> str:
        release.wait(20)
        return SECRETS["acme"]

    monkeypatch.setattr(sources, "_threads", Ending(1))
    made = Provider(SECRETS["acme"]).make("user.login")
    assert asyncio.run(Receiver(hang).areceive(*made)).status == 503
    caplog.clear()
    release.set()
    assert ended.wait(20)
    assert caplog.records == []


RAISED: list[BaseException] = [
    StopIteration(),
    SystemExit(3),
    KeyboardInterrupt(),
    asyncio.CancelledError(),
    TimeoutError(),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("is_async", [False, True])
def test_whatever_a_look_up_raises_ends_nothing(
    error: BaseException, caplog: pytest.LogCaptureFixture, *, is_async: bool
) -> None:
    def fail(_: Request) -> str:
        raise error

    async def fail_async(_: Request) -> str:
        raise error

    receiver = Receiver(fail_async if is_async else fail)
    made = Provider(SECRETS["acme"]).make("user.login")
    assert receive(receiver, made).status == 503
    assert asyncio.run(receiver.areceive(*made)).status == 503
    if not (is_async and isinstance(error, StopIteration)):  # Which a coroutine cannot raise.
        kind = type(error).__name__
        assert caplog.text.count(f"cannot be read: {kind} at test_tenants.py") == 2


def test_function_may_return_an_awaitable() -> None:
    receiver = Receiver(lambda request: by_path_async(request))  # noqa: PLW0108 - it has no async.
    seen_by(receiver)
    made = Provider(SECRETS["acme"]).make("user.login")
    assert receive(receiver, made, "acme").outcome == "processed"
    made = Provider(SECRETS["globex"]).make("user.login")
    assert asyncio.run(receiver.areceive(*made, None, {"tenant": "globex"})).outcome == "processed"


def test_failing_look_up_is_unavailable_and_not_quoted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Request) -> str:
        raise ValueError("s3cret")

    made = Provider(SECRETS["acme"]).make("user.login")
    with caplog.at_level(logging.ERROR):
        reply = receive(Receiver(fail), made)
    assert (reply.status, dict(reply.headers)["Retry-After"]) == (503, "5")
    assert "ValueError" in caplog.text
    assert "s3cret" not in caplog.text + repr(reply)
    with pytest.raises(Unavailable):
        Receiver(fail).verify(*made)


NUMBERED: Any = 7
UNUSABLE: dict[str, Any] = {
    "secret-1 has 5 bytes": "short",
    "secret-1 of tenant acme has 5 bytes": Tenant("acme", "short"),
    "secret-1 of a tenant has 5 bytes": Tenant(SECRETS["acme"], "short"),
    "not a printable text": Tenant("a\nb", SECRETS["acme"]),
    "The name of a tenant is int, not str": Tenant(NUMBERED, SECRETS["acme"]),
    "secret-1 is int": 7,
}


@pytest.mark.parametrize("shown", UNUSABLE)
def test_unusable_secret_is_unavailable(shown: str, caplog: pytest.LogCaptureFixture) -> None:
    made = Provider(SECRETS["acme"]).make("user.login")
    assert receive(Receiver(lambda _: UNUSABLE[shown]), made).status == 503
    assert shown in caplog.text
    assert SECRETS["acme"] not in caplog.text


def test_path_without_a_usable_tenant_is_unknown() -> None:
    made = Provider(SECRETS["acme"]).make("user.login")
    for tenant in ("a\nb", "a" * 201, "\udcff"):
        assert receive(Receiver(lambda _: SECRETS["acme"]), made, tenant).status == 401


def test_tenant_hides_its_secrets() -> None:
    for tenant in (Tenant("acme", SECRETS["acme"]), [Tenant("acme", {"new": SECRETS["acme"]})]):
        assert SECRETS["acme"] not in f"{tenant} {tenant!r}"


def test_longest_name_of_a_tenant_is_taken() -> None:
    receiver = Receiver(lambda _: Tenant("a" * 200, SECRETS["acme"]))
    assert receive(receiver, Provider(SECRETS["acme"]).make("user.login")).status == 200


def test_url_is_verified_with_the_secret_of_its_tenant() -> None:
    receiver = Receiver(lambda _: TWILIO.secrets, sender=TWILIO.sender, clock=lambda: NOW)
    request = TWILIO.make()
    assert receiver.receive(*request).outcome == "ignored"
    assert receiver.receive(*request._replace(url="https://other.example/")).status == 401


def test_body_that_is_too_large_is_not_looked_up() -> None:
    receiver = Receiver(lambda _: pytest.fail("looked up"), max_body=10)
    assert receive(receiver, Provider(SECRETS["acme"]).make("user.login")).status == 413


def test_two_receivers_with_look_ups_on_one_store_need_names() -> None:
    store = MemoryStore()
    first = Receiver(by_path, store=store)
    with pytest.raises(ConfigurationError, match="name"):
        Receiver(by_path, store=store)
    other = Receiver(by_path, store=store, name="other")
    assert set(first.identity.all_key_ids).isdisjoint(other.identity.all_key_ids)


def test_receiver_shows_no_secret_that_it_does_not_have() -> None:
    assert dict(Receiver(by_path).secrets) == {}


def test_delivery_has_one_identity_with_and_without_a_look_up() -> None:
    made = Provider(SECRETS["acme"]).make("user.login")
    plain, looked_up = (
        Receiver(source).verify(*made)[0] for source in (SECRETS["acme"], lambda _: SECRETS["acme"])
    )
    assert looked_up.fingerprint == plain.fingerprint


def test_slash_in_a_secret_name_keeps_the_tenant() -> None:
    receiver = Receiver(lambda _: Tenant("a/b", {"x/y": SECRETS["acme"]}))
    delivery, _ = receiver.verify(*Provider(SECRETS["acme"]).make("user.login"))
    assert (delivery.tenant, delivery.secret) == ("a/b", "tenant:a/b/x|y")
