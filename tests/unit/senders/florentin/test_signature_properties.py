"""The signature scheme against an oracle of two lines, on generated inputs."""

from __future__ import annotations

import hmac
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.signatures import FlorentinSignature
from tests.support.vectors import SECRET, sign

pytestmark = pytest.mark.answers("sig-non-ascii")

SCHEME = FlorentinSignature(SECRET)
NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)
bodies = st.binary(max_size=2_000)
secrets = st.one_of(st.text(min_size=1), st.binary(min_size=1)).filter(lambda s: bool(s.strip()))


def right(claimed: str, body: bytes) -> bool:
    """The oracle: the form as a regular expression, the digest from the standard library."""
    if not re.fullmatch("sha256=[0-9a-fA-F]{64}", claimed.strip(" \t")):
        return False
    digest = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    return claimed.strip(" \t")[7:].lower() == digest


def accepted(claimed: str | bytes, body: bytes) -> bool:
    """What the scheme says; any exception but the documented one fails the test."""
    try:
        SCHEME.verify([("X-Florentin-Signature", claimed)], body)
    except InvalidSignature:
        return False
    return True


@given(secret=secrets, body=bodies)
def test_what_was_signed_is_accepted(secret: str | bytes, body: bytes) -> None:
    scheme = FlorentinSignature(secret)
    headers = scheme.sign(body, event="a.b", delivery_id="1", timestamp=NOW)
    assert scheme.verify(headers, body) == "secret-1"


@given(body=bodies, names=st.lists(st.text(min_size=1), min_size=1, unique=True), data=st.data())
def test_each_of_several_secrets_is_accepted_and_named(
    body: bytes, names: list[str], data: st.DataObject
) -> None:
    several = {name: f"the secret number {number}" for number, name in enumerate(names)}
    name = data.draw(st.sampled_from(names))
    headers = {"X-Florentin-Signature": sign(body, several[name])}
    assert FlorentinSignature(several).verify(headers, body) == name


@given(body=st.binary(min_size=1, max_size=2_000), data=st.data())
def test_a_body_with_one_other_byte_is_refused(body: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.integers(1, 255))
    changed = bytearray(body)
    changed[position] ^= other
    assert not accepted(sign(body), bytes(changed))


@given(body=bodies, position=st.integers(0, 70), other=st.integers(1, 255))
def test_signature_with_one_changed_byte_is_refused(body: bytes, position: int, other: int) -> None:
    signature = sign(body).encode()
    changed = bytearray(signature)
    changed[position] ^= other
    only_case = position >= 7 and bytes(changed).lower() == signature
    assert accepted(bytes(changed), body) == only_case


@given(body=bodies, cut=st.integers(0, 70))
def test_a_truncated_signature_is_refused(body: bytes, cut: int) -> None:
    assert not accepted(sign(body)[:cut], body)


@given(body=bodies, more=st.text(min_size=1).filter(lambda t: bool(t.strip(" \t"))))
def test_a_signature_with_something_behind_it_is_refused(body: bytes, more: str) -> None:
    assert not accepted(sign(body) + more, body)


@given(body=bodies, around=st.text(" \t", max_size=5), behind=st.text(" \t", max_size=5))
def test_spaces_and_tabs_around_the_value_are_ignored(
    body: bytes, around: str, behind: str
) -> None:
    assert accepted(around + sign(body) + behind, body)


@given(claimed=st.one_of(st.text(), st.binary()), body=bodies)
@example(claimed="sha256=" + "\N{ARABIC-INDIC DIGIT ONE}" * 64, body=b"")
@example(claimed="sha256=" + "\ud800" * 64, body=b"")
@example(claimed=b"sha256=" + b"\xe9" * 64, body=b"")
@example(claimed="\x00" * 71, body=b"")
def test_any_other_claim_is_refused(claimed: str | bytes, body: bytes) -> None:
    assert not accepted(claimed, body)


Mutation = Callable[[random.Random, str], str]


def _any_character(chance: random.Random) -> str:
    wild = "0123456789abcdefABCDEF= ,;:\t\n\r\0\x85\xa0\xb2\xe9\u0661\u2028\uff11\ud800g"
    return chance.choice(wild)


def _one_replaced(chance: random.Random, value: str) -> str:
    at = chance.randrange(len(value))
    return value[:at] + _any_character(chance) + value[at + 1 :]


def _one_inserted(chance: random.Random, value: str) -> str:
    at = chance.randrange(len(value) + 1)
    return value[:at] + _any_character(chance) + value[at:]


def _case_mixed(chance: random.Random, value: str) -> str:
    digits = [chance.choice((c.lower(), c.upper())) for c in value[7:]]
    return value[:7] + "".join(digits)


MUTATIONS: tuple[Mutation, ...] = (
    lambda _, value: value,
    lambda _, value: value.upper(),
    lambda _, value: value + "\n",
    lambda _, value: value[7:],
    lambda _, value: f"{value},{value}",
    lambda chance, value: value[: chance.randrange(len(value))],
    lambda chance, value: value[chance.randrange(len(value)) :],
    lambda chance, value: chance.choice(("sha1=", "SHA256=", "sha256:", "", "=")) + value[7:],
    lambda chance, _: f"sha256={chance.getrandbits(256):064x}",
    lambda chance, _: "".join(_any_character(chance) for _ in range(71)),
    lambda chance, value: value[:7] + "".join(_any_character(chance) for _ in range(64)),
    lambda chance, value: value[:-1] + chance.choice("0123456789abcdef"),
    _one_replaced,
    _one_inserted,
    _case_mixed,
)


def disagreements(pairs: int, seed: int) -> list[tuple[str, bytes]]:
    """The pairs of *pairs* generated ones on which the scheme and the oracle differ."""
    chance = random.Random(seed)  # noqa: S311 - test data, repeatable by its seed.
    found = []
    for _ in range(pairs):
        body = chance.randbytes(chance.randrange(60))
        claimed = chance.choice(MUTATIONS)(chance, sign(body))
        signed = body if chance.random() < 0.8 else chance.randbytes(chance.randrange(60))
        if accepted(claimed, signed) != right(claimed, signed):
            found.append((claimed, signed))
    return found


@pytest.mark.answers("SIG-34")
def test_thirty_thousand_generated_pairs_are_judged_as_by_the_oracle() -> None:
    assert disagreements(30_000, seed=20260606) == []


@pytest.mark.answers("SIG-34")
@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_million_generated_pairs_are_judged_as_by_the_oracle(seed: int) -> None:
    assert disagreements(100_000, seed) == []
