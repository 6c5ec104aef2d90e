"""Why a signature fails: what goes wrong in practice is named, and nothing else is."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from florentin_webhooks.senders.diagnosis import diagnose

KEY = b"correct-horse-battery-staple"
BODY = b'{"event": "invoice.created", "data": {"name": "Zo\\u00eb", "amount": 4900}}'
NAME = "THE_SECRET"


def signature(body: bytes, key: bytes = KEY) -> str:
    return "sha256=" + hmac.digest(key, body, "sha256").hex()


def codes(
    header: str, body: bytes = BODY, key: bytes = KEY, other: bytes | None = None
) -> list[str]:
    headers = [("X-Florentin-Signature", header)]
    others = {} if other is None else {"OTHER": other}
    return [cause.code for cause in diagnose(headers, body, {NAME: key}, others)]


@pytest.mark.parametrize(
    ("ours", "theirs", "code"),
    [
        (KEY + b"\n", KEY, "secret-white-space"),
        (b"  " + KEY, KEY, "secret-white-space"),
        (b'"' + KEY + b'"', KEY, "secret-quotes"),
        (b"'" + KEY + b"' ", KEY, "secret-quotes"),
        (base64.b64encode(KEY), KEY, "secret-base64"),
        (KEY.hex().encode(), KEY, "secret-hex"),
        (KEY, base64.b64encode(KEY), "secret-decoded"),
        (KEY, KEY.hex().encode(), "secret-decoded"),
        (b"whsec_" + KEY, KEY, "secret-prefix"),
        (b"whsec_" + base64.b64encode(KEY), KEY, "secret-base64"),
        (b"FLORENTIN_WEBHOOK_SECRET=" + KEY, KEY, "secret-prefix"),
        (b'FLORENTIN_WEBHOOK_SECRET="' + KEY + b'"', KEY, "secret-prefix"),
        (KEY, KEY + b"\n", "secret-newline"),
        (KEY, KEY + b"\n\n", "secret-newline"),
        (KEY, KEY + b"\r\n", "secret-newline"),
        (KEY + b"\n\n", KEY, "secret-white-space"),
        ("\ufeff".encode() + KEY, KEY, "secret-invisible"),
        (KEY + "\u200b".encode(), KEY, "secret-invisible"),
        (KEY + "\u00a0\n".encode(), KEY, "secret-invisible"),
        (b"\x1b" + KEY + b"\x00", KEY, "secret-invisible"),
        (KEY + b";", KEY, "secret-line-end"),
        (b'"' + KEY + b'";\n', KEY, "secret-line-end"),
        (b"'" + KEY + b"',", KEY, "secret-line-end"),
        (KEY.decode().encode("utf-16"), KEY, "secret-invisible"),
    ],
)
def test_a_damaged_secret_is_recognised(ours: bytes, theirs: bytes, code: str) -> None:
    assert codes(signature(BODY, theirs), key=ours) == [code]


def test_several_newlines_around_a_secret_are_counted() -> None:
    headers = [("X-Florentin-Signature", signature(BODY))]
    [cause] = diagnose(headers, BODY, {NAME: KEY + b"\n\n"})
    assert cause.message == f"{NAME} ends with 2 newlines."


def test_nul_bytes_in_a_secret_are_named() -> None:
    headers = [("X-Florentin-Signature", signature(BODY))]
    # At the end they would change nothing: an HMAC fills its key up with them.
    [cause] = diagnose(headers, BODY, {NAME: KEY.decode().encode("utf-16-le")})
    assert cause.message == f"{NAME} has NUL bytes, as UTF-16 has."


@pytest.mark.parametrize(
    ("ours", "signed", "code"),
    [
        (BODY + b"\n", BODY, "body-newline"),
        (BODY, BODY + b"\n", "body-newline"),
        (BODY, BODY + b"\r\n", "body-newline"),
        (b"  " + BODY, BODY, "body-white-space"),
        (b"{\r\n}", b"{\n}", "body-line-ends"),
        (b"{\n}", b"{\r\n}", "body-line-ends"),
        (b"\xef\xbb\xbf" + BODY, BODY, "body-bom"),
        (BODY, b"\xef\xbb\xbf" + BODY, "body-bom"),
        (gzip.compress(BODY, mtime=0), BODY, "body-gzip"),
        (base64.b64encode(BODY), BODY, "body-base64"),
        (json.dumps(BODY.decode()).encode(), BODY, "body-text"),
        ('{"a": "Zoë"}'.encode().decode("latin-1").encode(), '{"a": "Zoë"}'.encode(), "body-text"),
        (json.dumps(json.loads(BODY), separators=(",", ":")).encode(), BODY, "body-json"),
        (json.dumps(json.loads(BODY), indent=4).encode(), BODY, "body-json"),
        (json.dumps(json.loads(BODY), ensure_ascii=False).encode(), BODY, "body-json"),
        (b'{"b": 1, "a": 2}', b'{"a":2,"b":1}', "body-json"),
        (b'{"b":1}', b'{\n  "b": 1\n}\n', "body-json"),
        ('{"a":"Zoë"}'.encode(), '"{\\"a\\":\\"Zoë\\"}"'.encode(), "body-json"),
        (BODY, json.dumps(BODY.decode()).encode(), "body-json"),
    ],
)
def test_a_changed_body_is_recognised(ours: bytes, signed: bytes, code: str) -> None:
    assert codes(signature(signed), ours) == [code]


def test_a_damaged_secret_and_a_changed_body_are_recognised_together() -> None:
    header = signature(BODY)
    assert codes(header, BODY + b"\n", KEY + b"\n") == ["secret-white-space", "body-newline"]


def test_a_secret_that_is_configured_elsewhere_is_recognised() -> None:
    assert codes(signature(BODY, b"the other one"), other=b"the other one") == ["another-secret"]


@pytest.mark.parametrize(
    ("form", "flaw"),
    [
        ("{hex}", "lacks sha256="),
        ("SHA256={HEX}", "upper case"),
        ("'sha256={hex}'", "quotes"),
        ("{b64}", "base64"),
        ("sha256={hex},sha256={hex}", "several values"),
    ],
)
def test_a_right_digest_in_a_wrong_form_is_recognised(form: str, flaw: str) -> None:
    raw = hmac.digest(KEY, BODY, "sha256")
    header = form.format(hex=raw.hex(), HEX=raw.hex().upper(), b64=base64.b64encode(raw).decode())
    causes = diagnose([("X-Florentin-Signature", header)], BODY, {NAME: KEY})
    assert [cause.code for cause in causes] == ["header-form"]
    assert flaw in causes[0].message


@pytest.mark.parametrize(
    ("header", "flaw"),
    [
        ("", "is empty"),
        ("sha256=abc", "has 3 characters"),
        ("sha256=" + "g" * 64, "not 64 hex digits"),
        ("sha1=" + hmac.digest(KEY, BODY, "sha1").hex(), "HMAC-SHA1"),
    ],
)
def test_invalid_signature_header_is_described(header: str, flaw: str) -> None:
    (cause,) = diagnose([("X-Florentin-Signature", header)], BODY, {NAME: KEY})
    assert cause.code == "header-form"
    assert flaw in cause.message


def test_a_missing_and_a_repeated_header_are_named() -> None:
    header = ("x-florentin-signature", signature(BODY))
    assert [cause.code for cause in diagnose([], BODY, {NAME: KEY})] == ["header-missing"]
    repeated = diagnose([header, header], BODY, {NAME: KEY})
    assert [cause.code for cause in repeated] == ["header-repeated"]


def test_empty_body_is_reported_with_its_declared_length() -> None:
    headers = [("X-Florentin-Signature", signature(BODY)), ("Content-Length", "812")]
    (cause,) = diagnose(headers, b"", {NAME: KEY})
    assert cause.code == "body-empty"
    assert "812" in cause.message


def test_real_tampering_is_not_explained_away() -> None:
    assert codes(signature(BODY), BODY.replace(b"4900", b"1")) == ["unexplained"]
    assert codes(signature(BODY, b"unrelated")) == ["unexplained"]


def test_a_signature_that_matches_has_no_cause() -> None:
    assert codes(signature(BODY)) == []


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 100_000, b"\x1f\x8b broken", b"9" * 9000]
)
def test_no_body_makes_it_fail(body: bytes) -> None:
    assert codes(signature(BODY), body)


def test_no_cause_shows_the_secret() -> None:
    for ours in (KEY + b"\n", b'"' + KEY + b'"', b"prefix_" + KEY, KEY[:8] + b"=" + KEY):
        for cause in diagnose([("X-Florentin-Signature", signature(BODY))], BODY, {NAME: ours}):
            assert KEY.decode() not in " ".join(cause)


def test_it_is_used_by_the_command_line_only() -> None:
    package = Path(__file__).parents[3] / "florentin_webhooks"
    users = [path for path in package.rglob("*.py") if "diagnosis import" in path.read_text()]
    assert users
    assert all(path.is_relative_to(package / "cli") for path in users)


def test_what_is_unpacked_is_bounded() -> None:
    bomb = gzip.compress(bytes(20_000_000))
    assert codes("sha256=" + hashlib.sha256(b"").hexdigest(), bomb) == ["unexplained"]
