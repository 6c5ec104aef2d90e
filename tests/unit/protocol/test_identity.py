"""The identity of a receiver: its quick methods make the keys of the plain functions."""

from __future__ import annotations

import pytest

from florentin_webhooks.protocol.fingerprint import (
    NO_IDENTITY,
    Identity,
    RecordKey,
    RetryKey,
    SignedIdentity,
    compute_key_id,
    content_key,
    fingerprint,
    under_key,
)

SECRETS = {"new": b"the-new-secret-of-these-tests", "old": b"the-old-secret-of-these-tests"}
IDENTITY = Identity.of(SECRETS, "crm")
NEW, OLD = IDENTITY.key_ids.values()
DIGEST = fingerprint(b"{}")
CONTENT = fingerprint(b"content")


def trace(key_id: str) -> RetryKey:
    """Return the retry key of CONTENT under *key_id*."""
    found = IDENTITY.retry_key(key_id, "id-1", b"content")
    assert found is not None
    return found


def test_key_ids_are_those_of_secrets_and_name() -> None:
    assert IDENTITY.name == "crm"
    assert tuple(compute_key_id(each, "crm") for each in SECRETS.values()) == (NEW, OLD)


@pytest.mark.parametrize(("secret", "key_id"), [("new", NEW), ("old", OLD), ("its own", NEW)])
@pytest.mark.parametrize("signed_id", [None, "", "id-1"])
def test_identified_delivery_has_the_keys_of_plain_functions(
    secret: str, key_id: str, signed_id: str | None
) -> None:
    digest = fingerprint(b"{}", signed_id)
    expected = SignedIdentity(key_id, digest, under_key(key_id, digest))
    assert IDENTITY.key_id(secret) == key_id
    assert IDENTITY.identify(secret, b"{}", signed_id) == expected


def test_identity_without_secrets_has_keys_of_earlier_versions() -> None:
    assert NO_IDENTITY.identify("any", b"{}", None) == SignedIdentity("", DIGEST, DIGEST)
    assert NO_IDENTITY.retry_key("", "id-1", b"content") == content_key("id-1", b"content")


@pytest.mark.parametrize(
    ("key_id", "others"),
    [(NEW, (OLD, "")), (OLD, (NEW, "")), ("", (NEW, OLD)), ("removed", (NEW, OLD, ""))],
)
def test_other_keys_are_those_beside_the_known_one(key_id: str, others: tuple[str, ...]) -> None:
    assert IDENTITY.other_key_ids(key_id) == others
    keys = [under_key(each, DIGEST) for each in others]
    assert IDENTITY.aliases(key_id, DIGEST, None, CONTENT) == tuple(map(RecordKey, keys))
    assert IDENTITY.aliases(key_id, DIGEST, "id-1", None) == tuple(map(RecordKey, keys))
    traced = map(RecordKey, keys, map(trace, others))
    assert IDENTITY.aliases(key_id, DIGEST, "id-1", CONTENT) == tuple(traced)


def test_restored_delivery_without_a_digest_has_no_aliases() -> None:
    assert IDENTITY.aliases(NEW, b"", "id-1", CONTENT) == ()


def test_retry_keys_differ_by_key_id_and_share_their_content() -> None:
    removed = compute_key_id(b"a-secret-that-was-removed")
    made = [trace(each) for each in (NEW, OLD, removed, "")]
    assert {each.content for each in made} == {CONTENT}
    assert len({each.delivery_id for each in made}) == len(made)
    assert {len(each.delivery_id) for each in made} == {16}


@pytest.mark.parametrize(("delivery_id", "content"), [(None, b"content"), ("id-1", None)])
def test_retry_key_needs_delivery_id_and_content(
    delivery_id: str | None, content: bytes | None
) -> None:
    assert IDENTITY.retry_key(NEW, delivery_id, content) is None


def test_delivery_id_has_a_key_under_each_and_no_secret() -> None:
    expected = tuple(trace(each).delivery_id for each in (NEW, OLD, ""))
    assert IDENTITY.delivery_id_keys("id-1") == expected


@pytest.mark.parametrize(
    ("owner", "owned"),
    [
        ("", True),
        ("/hooks", True),
        ("/other", False),
        (f"/other {OLD}", True),
        ("/hooks removed", False),
    ],
)
def test_jobs_belong_to_who_shares_a_key_id(owner: str, owned: bool) -> None:
    assert IDENTITY.owns(owner, "/hooks") is owned
