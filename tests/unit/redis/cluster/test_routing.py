from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from florentin_webhooks import Delivery
from florentin_webhooks.core.stores.accept import Accept
from florentin_webhooks.core.stores.guards import GuardStep, Latest
from florentin_webhooks.core.stores.queries import DeadLetter, ListDeadLetters
from florentin_webhooks.core.stores.trail import AppendTrail, ReadTrail
from florentin_webhooks.protocol.fingerprint import Identity, fingerprint
from florentin_webhooks.redis.cluster.routing import MERGES, find_digest, fixed_digest

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
KEYS = ("00" * 8, "11" * 8)
IDENTITY = Identity(dict(zip(("old", "new"), KEYS, strict=True)))


def accept(content: bytes | None, delivery_id: str | None = "id", key_id: str = KEYS[0]) -> Accept:
    body = b"body"
    delivery = Delivery("ab" * 16, "a.b", NOON, delivery_id, "old", NOON, body)
    delivery = replace(delivery, digest=fingerprint(body), key_id=key_id)
    trace = IDENTITY.retry_key(key_id, delivery_id, content)
    return Accept(b"k" * 16, trace, b"t", delivery, True, True, content=content)


def test_delivery_id_that_is_unsigned_changes_no_lane() -> None:
    known = find_digest(accept(b"content"))
    assert (
        known == find_digest(accept(b"content", "other")) == find_digest(accept(b"content", None))
    )
    assert known != find_digest(accept(b"other content"))


def test_other_secret_changes_no_lane() -> None:
    for content in (b"content", b"", None):
        assert find_digest(accept(content)) == find_digest(accept(content, key_id=KEYS[1]))


def test_signed_id_alone_chooses_the_lane() -> None:
    assert find_digest(accept(b"")) != find_digest(accept(b"", "other"))


def test_signed_bytes_choose_where_retries_have_the_same() -> None:
    assert find_digest(accept(None)) == find_digest(accept(None, "other")) == fingerprint(b"body")


def test_restored_delivery_has_no_digest() -> None:
    operation = accept(None)
    operation.delivery = replace(operation.delivery, digest=b"")
    assert find_digest(operation) is None


def test_guards_of_one_entity_share_a_lane_under_any_key() -> None:
    old, new = (
        Latest(entity, 0, b"t", GuardStep.BEGIN, 1, group=b"entity") for entity in (b"a", b"b")
    )
    assert fixed_digest(old) == fixed_digest(new) == b"entity"


def test_trail_is_in_one_lane() -> None:
    assert fixed_digest(AppendTrail((b"x",))) == fixed_digest(ReadTrail()) == bytes(16)


def test_page_of_dead_letters_skips_none_of_any_lane() -> None:
    letters = [
        DeadLetter(f"{number:032x}", "q", datetime.fromtimestamp(number, UTC), f"{number:032x}:q")
        for number in range(4)
    ]
    merge, short = MERGES[ListDeadLetters], ListDeadLetters(limit=2)
    assert merge(short, [letters[:2], letters[3:]]) == tuple(letters[:2])
    assert merge(short, [[letters[0], letters[2]], [letters[1]]]) == tuple(letters[:2])
    assert merge(short, [letters[3:], letters[:1]]) == (letters[0], letters[3])
    assert merge(short, [[], []]) == ()
