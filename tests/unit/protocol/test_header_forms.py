"""Headers in every form of every framework, and in forms of attackers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from email.message import Message
from types import MappingProxyType
from typing import NamedTuple

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers as StarletteHeaders

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.protocol.headers import Headers, get_all
from florentin_webhooks.signatures import FlorentinSignature
from tests.support.receivers import Target
from tests.support.vectors import CANONICAL, SECRET, delivery, sign

SCHEME = FlorentinSignature(SECRET)
Strings = list[tuple[str, str]]
HONEST: Strings = [(n.decode(), v.decode()) for n, v in delivery().headers]
NAME = "X-Florentin-Signature"


class LikeWerkzeug:
    """Iterates over pairs, returns each header from items(), and is not a Mapping."""

    def __init__(self, pairs: Strings) -> None:
        self._pairs = pairs

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def items(self) -> Iterable[tuple[str, str]]:
        """Each header, repeated ones more than once."""
        return iter(self._pairs)


class Pair(NamedTuple):
    name: str
    value: str


def message(pairs: Strings) -> Message:
    """Headers as ``http.server`` has them."""
    made = Message()
    for name, value in pairs:
        made[name] = value
    return made


def latin(pairs: Strings) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


REPEATING: dict[str, Callable[[Strings], Headers]] = {
    "pairs of str": list,
    "pairs of bytes": latin,
    "tuple of named tuples": lambda pairs: tuple(Pair(*pair) for pair in pairs),
    "a generator": lambda pairs: (pair for pair in pairs),
    "Starlette": lambda pairs: StarletteHeaders(raw=latin(pairs)),
    "Werkzeug": LikeWerkzeug,
    "email.message": message,
    "httpx": httpx2.Headers,
}
FORMS: dict[str, Callable[[Strings], Headers]] = {
    **REPEATING,
    "dict of str": dict,
    "dict of bytes": lambda pairs: dict(latin(pairs)),
    "dict of lists": lambda pairs: {name: [value] for name, value in pairs},
    "read-only mapping": lambda pairs: MappingProxyType(dict(pairs)),
}
CASES: dict[str, Callable[[str], str]] = {
    "as documented": str,
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "swapped": str.swapcase,
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
repeating_form = pytest.mark.parametrize("form", REPEATING.values(), ids=REPEATING)


@pytest.mark.answers("header-case")
@every_form
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_delivery_is_received_from_every_form_of_headers(
    form: Callable[[Strings], Headers], case: Callable[[str], str]
) -> None:
    headers = form([(case(name), value) for name, value in HONEST])
    assert Target().receiver.receive(headers, CANONICAL).outcome == "processed"


@every_form
def test_delivery_id_is_found_in_every_form_of_headers(
    form: Callable[[Strings], Headers],
) -> None:
    target = Target()
    target.receiver.receive(form(HONEST), CANONICAL)
    ((_, received),) = target.ran
    assert received.delivery_id == "3f1c9a52-0d3c-4a55-9b6e-6f3d1c0a7e11"


@every_form
def test_headers_without_a_signature_are_refused(form: Callable[[Strings], Headers]) -> None:
    headers = form([(name, value) for name, value in HONEST if name != NAME])
    with pytest.raises(InvalidSignature) as refused:
        SCHEME.verify(headers, CANONICAL)
    assert refused.value.reason == "missing"


@every_form
def test_empty_headers_are_refused(form: Callable[[Strings], Headers]) -> None:
    with pytest.raises(InvalidSignature):
        SCHEME.verify(form([]), CANONICAL)


def test_second_signature_in_a_list_is_refused() -> None:
    headers = {name: [value] * 2 for name, value in HONEST}
    with pytest.raises(InvalidSignature):
        SCHEME.verify(headers, CANONICAL)


@repeating_form
@pytest.mark.parametrize("second", [sign(CANONICAL), "sha256=" + "0" * 64, ""])
@pytest.mark.parametrize("name", [NAME, NAME.upper()])
def test_second_signature_is_refused_beside_a_valid_one(
    form: Callable[[Strings], Headers], second: str, name: str
) -> None:
    with pytest.raises(InvalidSignature):
        SCHEME.verify(form([*HONEST, (name, second)]), CANONICAL)


def test_same_name_as_str_and_bytes_is_a_repetition() -> None:
    both: list[tuple[str | bytes, str | bytes]] = [
        (NAME, sign(CANONICAL)),
        (NAME.encode(), sign(CANONICAL).encode()),
    ]
    with pytest.raises(InvalidSignature):
        SCHEME.verify(both, CANONICAL)


def test_two_spellings_of_a_name_are_a_repetition() -> None:
    with pytest.raises(InvalidSignature):
        SCHEME.verify({NAME: sign(CANONICAL), NAME.lower(): sign(CANONICAL)}, CANONICAL)


@pytest.mark.parametrize(
    "name",
    [
        "X_Florentin_Signature",
        "HTTP_X_FLORENTIN_SIGNATURE",
        "X-Florentin-Signature-256",
        "X-Florentin-Signature ",
        "X-Florentin-Signature:",
        "X-Florentin-S\u0131gnature",
        "X\u2010Florentin\u2010Signature",
        "\uff38-Florentin-Signature",
    ],
)
def test_similar_name_is_not_the_header(name: str) -> None:
    with pytest.raises(InvalidSignature):
        SCHEME.verify({name: sign(CANONICAL)}, CANONICAL)


noise = st.lists(
    st.one_of(
        st.tuples(st.text(), st.text()),
        st.tuples(st.binary(), st.binary()),
        st.tuples(st.sampled_from(["x-florentin-timestamp", "content-length"]), st.text()),
    ),
    max_size=20,
)


@given(before=noise, after=noise)
def test_other_headers_change_nothing(
    before: list[tuple[str | bytes, str | bytes]], after: list[tuple[str | bytes, str | bytes]]
) -> None:
    headers = [*before, (NAME, sign(CANONICAL)), *after]
    assert Target().receiver.receive(headers, CANONICAL).outcome == "processed"


@given(
    headers=st.one_of(
        st.lists(st.tuples(st.text(), st.text())),
        st.lists(st.tuples(st.binary(), st.binary())),
        st.dictionaries(st.text(), st.text()),
        st.dictionaries(st.just(NAME), st.text(), min_size=1),
        st.lists(st.tuples(st.just(NAME.encode()), st.binary()), min_size=1),
    ),
    body=st.binary(max_size=100),
)
def test_arbitrary_headers_are_an_invalid_signature(headers: Headers, body: bytes) -> None:
    assert Target().receiver.receive(headers, body).outcome == "invalid-signature"


@given(value=st.one_of(st.text(), st.binary()))
def test_event_header_is_only_compared_with_the_body(value: str | bytes) -> None:
    headers = [(NAME, sign(CANONICAL)), ("x-florentin-event", value)]
    agrees = value in ("invoice.created", b"invoice.created")
    reply = Target().receiver.receive(headers, CANONICAL)
    assert (reply.outcome == "processed") == agrees


@given(value=st.one_of(st.text(), st.binary()))
def test_delivery_id_is_never_a_reason_to_refuse(value: str | bytes) -> None:
    target = Target()
    headers = [(NAME, sign(CANONICAL)), ("x-florentin-delivery-id", value)]
    assert target.receiver.receive(headers, CANONICAL).outcome == "processed"
    ((_, received),) = target.ran
    assert received.delivery_id is None or received.delivery_id.isprintable()


@given(value=st.text(st.characters(max_codepoint=255)))
def test_values_are_stripped_of_spaces_and_tabs(value: str) -> None:
    assert get_all([(b"A-Name", value.encode("latin-1"))], "a-name") == [value.strip(" \t")]
