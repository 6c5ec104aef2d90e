"""The fast parser and the judge agree: same verdict, same value, same spelling of numbers."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
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


def disagreements(bodies: Iterable[bytes]) -> list[bytes]:
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


@pytest.mark.parametrize(
    "number",
    [
        *(
            "0.0",
            "-0.0",
            "0.1",
            "10.0",
            "10.50",
            "0.00",
            "0.001",
            "0.0001",
            "0.00009",
            "1e2",
            "1E2",
        ),
        *("99999999999999.9", "9999999999999.95", "999999999999999.9", "0.123456789012345"),
        *("0.12345678901234", "-99999999999.123", "100.0", "1.10", "1e-7", "123456789.123456789"),
    ],
)
def test_parsers_agree_at_the_ends_of_plain_floats(number: str) -> None:
    bodies = (number, f"[{number},1.5]", f'[{{"a":1.5,"b":{number}}},{{"a":2.5,"b":1}}]')
    assert disagreements(each.encode() for each in bodies) == []


@pytest.mark.parametrize(
    "body",
    [
        '[{"a":1.5,"b":2.5},{"a":3.5,"b":4.5},{"b":5.5,"a":6.5},{"a":7.5},{"c":8.5,"a":[9.5,{}]}]',
        '{"a":[1.5,2,3.5,null],"b":{"a":4.5,"x":5,"c":6.5},"c":7.5,"d":[[8.5],[9.5,"x"]],"e":true}',
        '[1.5,{"0":2.5,"1":3.5},[4.5,{"1":5.5,"0":6.5}],{"1":7,"0":8.5}]',
    ],
)
def test_each_float_of_uneven_objects_is_in_its_place(body: str) -> None:
    assert disagreements([body.encode()]) == []


def test_numbers_keep_their_digits() -> None:
    value = loads(b'[1.50,{"a":1e5,"b":19.99},[0.29999999999999998]]')
    assert spelled(value) == (
        "[SpelledFloat 1.5 1.50,{'a':SpelledFloat 100000.0 1e5,'b':float 19.99 19.99},"
        "[SpelledFloat 0.3 0.29999999999999998]]"
    )
