"""The fast parser and the judge agree: same verdict, same value, same spelling of numbers."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from random import Random

import pytest

from florentin_webhooks.protocol import strict_json
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


def numbered(number: int, seed: int) -> Iterator[bytes]:
    """Yield bodies whose numbers have all spellings, many of them usual; some are in strings."""
    random = Random(seed)  # noqa: S311 - test data.

    def digits(most: int) -> str:
        drawn = "".join(random.choices("0123456789", k=random.randint(1, most)))
        return drawn if random.random() < 0.3 else drawn.strip("0") or "0"

    def spell() -> str:
        text = random.choice(("", "", "", "-")) + digits(random.choice((3, 9, 17)))
        if random.random() < 0.9:
            text += f".{digits(random.choice((2, 6, 8)))}"
        if random.random() < 0.05:
            text += random.choice("eE") + random.choice(("", "-", "+")) + digits(2)
        text += random.choice(("", "", " ", "\n"))
        return f'"{text},"' if random.random() < 0.1 else text

    for _ in range(number):
        numbers = ",".join(spell() for _ in range(random.randint(1, 6)))
        yield f'{{"note":"e","a":[{numbers}],"b":{{"c":{spell()}}}}}'.encode()


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


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a": 1', "not JSON at character 7"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'{"a":1,"a":1}', "a key comes twice in one object"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b"[-1e400]", "a number overflows to infinity"),
        (b'["\\ud800"]', "a lone surrogate is not a character"),
        (b"[" * 33, "nested more than 32 levels deep"),
        (b"[%b]" % (b"9" * 4301), "a number has more digits than Python reads"),
    ],
)
def test_refusal_has_its_reason_and_no_cause(body: bytes, reason: str) -> None:
    for parse in (loads, judge):
        with pytest.raises(ValueError, match=f"^{reason}$") as refused:
            parse(body)
        assert refused.value.__cause__ is None


def test_parsers_agree_on_every_vector() -> None:
    assert len(VECTORS) > 90
    assert disagreements(iter(STARTS)) == []


def test_parsers_agree_on_fuzzed_bodies() -> None:
    assert disagreements(fuzzed(5_000, seed=1)) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_parsers_agree_on_a_million_fuzzed_bodies(seed: int) -> None:
    assert disagreements(fuzzed(100_000, seed)) == []


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read bodies of any size as large ones are read."""
    monkeypatch.setattr(strict_json, "_LARGE", 0)


@pytest.mark.usefixtures("all_are_large")
def test_parsers_agree_on_numbers_of_large_bodies() -> None:
    bodies = list(numbered(2_000, seed=1))
    assert disagreements(bodies) == []
    assert 300 < sum(strict_json._are_usual(each) for each in bodies) < 1_700


@pytest.mark.long
@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("seed", range(2, 12))
def test_parsers_agree_on_many_large_bodies(seed: int) -> None:
    assert disagreements(numbered(50_000, seed)) == []
    assert disagreements(fuzzed(50_000, seed)) == []


def test_fuzzed_bodies_are_accepted_and_refused() -> None:
    refused = sum(reading(judge, body).startswith("refused") for body in fuzzed(1_000, seed=1))
    assert 100 < refused < 900


@pytest.mark.parametrize("large", [0, 1024])
@pytest.mark.parametrize(
    "number",
    [
        *("999999999.999999", "1000000000.5", "-999999999.5", "-1000000000.5", "0.999999"),
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
def test_parsers_agree_at_the_ends_of_plain_floats(
    number: str, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_json, "_LARGE", large)
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
