"""The quick check of usual requests decides as the plain one, which reads headers of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from florentin_webhooks.errors import InvalidSignature, Rejected
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.senders import HTTPSignature
from florentin_webhooks.senders.florentin.signature import FlorentinSignature
from florentin_webhooks.senders.schemes.scheme import TemplateScheme
from florentin_webhooks.senders.schemes.template import SignedValues, Template
from tests.support.senders import CASES, NOW, Request, SenderCase

SIGNED_HEADERS = [case for case in CASES if case.header]
QUICK = [case for case in SIGNED_HEADERS if not isinstance(case.sender, HTTPSignature)]
Pairs = list[tuple[str, str]]


def _signature(change: Callable[[str], str]) -> Callable[[Pairs, str], Pairs]:
    return lambda pairs, name: [(k, change(v) if k == name else v) for k, v in pairs]


CHANGES: dict[str, Callable[[Pairs, str], Pairs]] = {
    "nothing": lambda pairs, _: pairs,
    "spaces": lambda pairs, _: [(k, f" {v}\t") for k, v in pairs],
    "a header less": lambda pairs, _: pairs[1:],
    "the last less": lambda pairs, _: pairs[:-1],
    "twice": lambda pairs, _: [*pairs, *pairs],
    "again": lambda pairs, name: [*pairs, (name, dict(pairs)[name])],
    "others": lambda pairs, _: [("host", "shop.example"), *pairs, ("accept", "*/*")],
    "empty": lambda pairs, _: [(k, "") for k, _ in pairs],
    "long": lambda pairs, _: [(k, v * 200) for k, v in pairs],
    "joined": lambda pairs, _: [(k, f"{v},{v}") for k, v in pairs],
    "not ASCII": lambda pairs, _: [(k, f"{v}é") for k, v in pairs],
    "a superscript": lambda pairs, _: [(k, v.replace("1", "¹")) for k, v in pairs],
    "a space inside": lambda pairs, _: [(k, f"{v[:5]} {v[5:]}") for k, v in pairs],
    "upper case": _signature(str.upper),
    "no end": _signature(lambda value: value[:-1]),
    "two signatures": _signature(lambda value: f"{value} {value}"),
    "two with commas": _signature(lambda value: f"{value},{value}"),
    "another digest": _signature(lambda value: f"{value[:-4]}0000"),
    "the time alone": _signature(lambda value: value.split(",")[0]),
    "another mark": _signature(lambda value: f"x{value[1:]}"),
    "no mark": _signature(lambda value: value.partition("=")[2]),
    "not canonical": _signature(lambda value: value.replace("=", "", 1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_bytes_and_text_get_one_verdict(change: str) -> None:
    for case in SIGNED_HEADERS:
        request = case.make()
        changed = CHANGES[change](list(request.headers.items()), case.header)
        assert _verdict(case, _as_sent(changed), request) == _verdict(case, changed, request), case


def test_repetition_in_another_case_is_refused() -> None:
    for case in SIGNED_HEADERS:
        request = case.make()
        sent = _as_sent(list(request.headers.items()))
        repeated = (case.header.upper().encode(), b"sha256=0")
        assert "invalid" in str(_verdict(case, [*sent, repeated], request)), case


def test_repetition_is_refused_after_a_genuine_request() -> None:
    for case in QUICK:
        request, scheme = case.make(), case.sender.scheme(case.secrets)
        sent = _as_sent(list(request.headers.items()))
        expected = scheme.authenticate(sent, request.body, NOW, request.url)
        name = case.header.lower().encode()
        for again in (name, name.upper(), name.title()):
            with pytest.raises(InvalidSignature):
                scheme.authenticate([*sent, (again, b"0")], request.body, NOW, request.url)
            with pytest.raises(InvalidSignature):
                scheme.authenticate([(again, b"0"), *sent], request.body, NOW, request.url)
            assert scheme.authenticate(sent, request.body, NOW, request.url) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{id}.{timestamp}.{body}",
        "v0:{timestamp}:{body}",
        "{url}{body}",
        "5%{timestamp}%b{url}.{id}|{body}",
        "100%{body}",
    ],
)
def test_start_is_joined_as_the_plain_check_renders_it(text: str) -> None:
    template = Template.parse(text, adjacent=True)
    expected, _, _ = template.render(b"", SignedValues("a%b", "17", "https://shop.example/%b"))
    assert template.before
    assert template.before.join(b"a%b", b"17", "https://shop.example/%b") == expected


def test_another_body_gets_one_verdict() -> None:
    for case in SIGNED_HEADERS:
        request = case.make()._replace(body=b"{}")
        changed = list(request.headers.items())
        verdict = _verdict(case, _as_sent(changed), request)
        assert isinstance(verdict, str)
        assert verdict == _verdict(case, changed, request), case


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_quick_check_alone_decides_on_usual_requests(
    case: SenderCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = case.make()
    headers = _as_sent(list(request.headers.items()))
    plain = case.sender.scheme(case.secrets)
    expected = plain.authenticate(tuple(headers), request.body, NOW, request.url)
    monkeypatch.setattr(TemplateScheme, "check", _fail)
    monkeypatch.setattr(FlorentinSignature, "_check", _fail)
    quick = case.sender.scheme(case.secrets)
    for given in (headers, HeaderMap(headers)):
        assert quick.authenticate(given, request.body, NOW, request.url) == expected
    with pytest.raises(InvalidSignature, match="mismatch"):  # So a body is hashed once.
        quick.authenticate(headers, request.body + b"1", NOW, request.url)


def _fail(*_: object) -> None:
    pytest.fail("The plain check was asked.")


def _as_sent(headers: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


def _verdict(
    case: SenderCase, headers: Sequence[tuple[str | bytes, str | bytes]], request: Request
) -> object:
    scheme = case.sender.scheme(case.secrets)
    try:
        return scheme.authenticate(headers, request.body, NOW, request.url)
    except Rejected as error:
        return str(error)
