"""The fast parser and the judge agree: same verdict, same value, same spelling of numbers."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from random import Random

import pytest

from florentin_webhooks.protocol.json_judge import judge
from florentin_webhooks.protocol.strict_json import loads
from tests.support.vectors import FOLDER
from tests.unit.protocol.test_strict_json import FRAGMENTS

NUMBERS = (
    b"0 -0 -0.0 1.50 19.99 1e5 1E-7 1e400 -1e999 0.1e1 12345678901234567.89 01 1. .5 -".split()
)
NUMBERS += [b"9" * 4300, b"9" * 4301, b"0." + b"3" * 400]


def bodies_of(value: object) -> Iterator[bytes]:
    """Yield every body in a file of vectors."""
    if isinstance(value, dict):
        yield from (b64decode(each) for key, each in value.items() if key.endswith("body_b64"))
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from bodies_of(each)


VECTORS = [
    body
    for path in sorted(FOLDER.glob("*.json"))
    for body in bodies_of(json.loads(path.read_text(encoding="utf-8")))
]
STARTS = [*VECTORS, *NUMBERS, *(b'{"a":[%b,{"b":%b}]}' % (each, each) for each in NUMBERS)]


def fuzzed(number: int, seed: int) -> Iterator[bytes]:
    """Yield bodies with up to three pieces replaced; the same ones for the same *seed*."""
    random = Random(seed)  # noqa: S311 - test data.
    starts = [start for start in STARTS if len(start) < 2_000]
    for _ in range(number):
        body = random.choice(starts)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(body) + 1)
            piece = random.choice((*FRAGMENTS, *NUMBERS, random.randbytes(2)))
            body = body[:at] + piece + body[at + random.choice((0, 0, 1, 3, len(piece))) :]
        yield body


def reading(parse: Callable[[bytes], object], body: bytes) -> str:
    """Return the value with the type and spelling of each number, or the reason of the refusal."""
    try:
        return spelled(parse(body))
    except ValueError as error:
        return f"refused: {error}"


def spelled(value: object) -> str:
    if isinstance(value, dict):
        pairs = ",".join(f"{key!r}:{spelled(each)}" for key, each in value.items())
        return f"{{{pairs}}}"
    if isinstance(value, list):
        return f"[{','.join(map(spelled, value))}]"
    if isinstance(value, float):
        return f"{type(value).__name__} {value!r} {value}"
    return repr(value)


def disagreements(bodies: Iterator[bytes]) -> list[bytes]:
    return [body for body in bodies if reading(loads, body) != reading(judge, body)]


def test_parsers_agree_on_every_vector() -> None:
    assert len(VECTORS) > 90
    assert disagreements(iter(STARTS)) == []


def test_parsers_agree_on_fuzzed_bodies() -> None:
    assert disagreements(fuzzed(5_000, seed=1)) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_parsers_agree_on_a_million_fuzzed_bodies(seed: int) -> None:
    assert disagreements(fuzzed(100_000, seed)) == []


def test_fuzzed_bodies_are_accepted_and_refused() -> None:
    refused = sum(reading(judge, body).startswith("refused") for body in fuzzed(1_000, seed=1))
    assert 100 < refused < 900


def test_numbers_keep_their_digits() -> None:
    value = loads(b'[1.50,{"a":1e5,"b":19.99},[0.29999999999999998]]')
    assert spelled(value) == (
        "[SpelledFloat 1.5 1.50,{'a':SpelledFloat 100000.0 1e5,'b':float 19.99 19.99},"
        "[SpelledFloat 0.3 0.29999999999999998]]"
    )
