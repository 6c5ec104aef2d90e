"""Mutations of secrets and bodies that happen in practice, each with its diagnosis.

Pure. A mutation holds what the signer may have used, given what the receiver has.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.senders.invisible import (
    describe_edges,
    describe_invisible,
    remove_invisible,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Diagnosis", "Mutation", "body_mutations", "secret_mutations"]

_BOM = b"\xef\xbb\xbf"
_UNPACKED_LIMIT = 8 * 1024 * 1024
_LONGEST_PREFIX = 8
_KEEP = "Keep the bytes as they arrived, and verify them before anything else reads them."
_NEWLINES = {"a newline": b"\n", "a CRLF": b"\r\n", "two newlines": b"\n\n"}


class Diagnosis(NamedTuple):
    """The cause of an invalid signature: a stable *code*, a message and a hint."""

    code: str
    message: str
    hint: str


class Mutation(NamedTuple):
    """Bytes that the signer may have used, and why they differ from ours."""

    value: bytes
    cause: Diagnosis


def secret_mutations(name: str, secret: bytes) -> Iterator[Mutation]:
    """Return the secrets that the signer may have used, where ours is called *name*."""
    for code, message, hint, value in _secrets(name, secret):
        if value and value != secret:
            yield Mutation(value, Diagnosis(f"secret-{code}", f"{message}.", hint))


def body_mutations(body: bytes) -> Iterator[Mutation]:
    """Return the bodies that may have been signed."""
    seen = {body}
    for code, message, value in [*_bodies(body), *_json_again(body)]:
        if value not in seen:
            seen.add(value)
            yield Mutation(value, Diagnosis(f"body-{code}", f"{message}.", _KEEP))
    yield from _encoded_twice(body)


def _secrets(name: str, secret: bytes) -> Iterator[tuple[str, str, str, bytes]]:
    trimmed = secret.strip()
    bare = trimmed.strip(b"\"'`")
    edges = describe_edges(secret) or "has white space around it"
    yield "white-space", f"{name} {edges}", f"Remove it from {name}.", trimmed
    seen = remove_invisible(secret)
    nul = "has NUL bytes, as UTF-16 has" if b"\0" in secret else ""
    hidden = describe_invisible(secret) or nul or "has invisible characters"
    yield "invisible", f"{name} {hidden}", f"Copy {name} again, as plain text.", seen
    yield "quotes", f"{name} has quotes around it", f"Remove them from {name}.", bare
    ending = f"{name} ends with a semicolon or a comma, as a line of code does"
    yield "line-end", ending, f"Remove it from {name}.", trimmed.rstrip(b";,").strip(b"\"'`")
    for mark in (b"=", b"_", b":"):
        rest = bare.partition(mark)[2].strip(b"\"'`")
        text = f"{name} begins with {_up_to(bare, mark)!r}, which does not belong to the secret"
        yield "prefix", text, f"Remove the prefix from {name}.", rest
        yield "base64", f"{text}, and the rest is base64", f"Decode {name}.", _base64(rest)
    yield "base64", f"{name} is base64 of the secret", f"Decode {name}.", _base64(bare)
    yield "hex", f"{name} is hex of the secret", f"Decode {name}.", _hex(bare)
    yield "decoded", f"{name} was decoded, but its base64 is the secret", *_encoded(name, secret)
    yield (
        "decoded",
        f"{name} was decoded, but its hex is the secret",
        f"Keep {name} as text.",
        (secret.hex().encode()),
    )
    for text, end in _NEWLINES.items():
        newline = f"The signer's secret ends with {text} that {name} does not have"
        yield "newline", newline, "Remove it where the signature is made.", secret + end


def _encoded(name: str, secret: bytes) -> tuple[str, bytes]:
    return f"Keep {name} as text.", base64.b64encode(secret)


def _up_to(secret: bytes, mark: bytes) -> str:
    """Return the prefix up to *mark*; a long one may be the secret, so it is not shown."""
    found = secret.partition(mark)[0].decode(errors="replace")
    short = len(found) <= _LONGEST_PREFIX or mark == b"="
    return f"{found if short else '...'}{mark.decode()}"


def _bodies(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    unix = body.replace(b"\r\n", b"\n")
    yield "newline", "The body ends with a newline that was not signed", body.rstrip(b"\r\n")
    yield "white-space", "The body has white space around it that was not signed", body.strip()
    for name, end in (("newline", b"\n"), ("CRLF", b"\r\n")):
        yield "newline", f"The signed body ended with a {name}, which is missing", body + end
    yield "line-ends", "The body has CRLF line ends where LF was signed", unix
    yield (
        "line-ends",
        "The body has LF line ends where CRLF was signed",
        unix.replace(b"\n", b"\r\n"),
    )
    yield (
        "bom",
        "The body begins with a byte order mark that was not signed",
        (body.removeprefix(_BOM)),
    )
    yield "bom", "The signed body began with a byte order mark, which is missing", _BOM + body
    yield "gzip", "The body is compressed with gzip, and its content was signed", _gunzip(body)
    yield "base64", "The body is base64, and its content was signed", _base64(body.strip())
    yield "text", "The body was read as latin-1 and written as UTF-8", _latin(body)
    yield "text", "The body is a JSON string, and its content was signed", _inside(body)


def _json_again(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    styles = [(", ", ": ", None), (",", ":", None), (",", ": ", 2), (",", ": ", 4)]
    for (comma, colon, indent), ascii_only, in_order in product(
        styles, (True, False), (False, True)
    ):
        text = json.dumps(
            value,
            separators=(comma, colon),
            indent=indent,
            ensure_ascii=ascii_only,
            sort_keys=in_order,
        ).encode(errors="surrogatepass")
        style = _style(comma, indent, ascii_only=ascii_only, in_order=in_order)
        yield "json", style, text
        yield "json", f"{style}, with a newline at its end", text + b"\n"


def _encoded_twice(body: bytes) -> Iterator[Mutation]:
    """Return the body as a JSON string: retries of axios pass a hook that signs JSON a text."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    message = "A JSON string of the body was signed, as if it was encoded twice."
    cause = Diagnosis("body-json", message, "Sign the text that is sent, in each retry as well.")
    for ascii_only in (False, True):
        yield Mutation(json.dumps(text, ensure_ascii=ascii_only).encode(), cause)


def _style(comma: str, indent: int | None, *, ascii_only: bool, in_order: bool) -> str:
    spaces = "with spaces" if comma == ", " else "without spaces"
    signed = [spaces if indent is None else f"indented by {indent}"]
    signed.append("with non-ASCII escaped" if ascii_only else "with non-ASCII unescaped")
    if in_order:
        signed.append("with sorted keys")
    return f"The JSON was encoded again; the same JSON was signed {', '.join(signed)}"


def _tolerant(decode: Callable[[], bytes]) -> bytes:
    try:
        return decode()
    except (ValueError, RecursionError, zlib.error):
        return b""


def _base64(text: bytes) -> bytes:
    plain = text.replace(b"-", b"+").replace(b"_", b"/")
    padded = plain + b"=" * (-len(plain) % 4)
    return _tolerant(lambda: base64.b64decode(padded, validate=True))


def _hex(text: bytes) -> bytes:
    return _tolerant(lambda: binascii.unhexlify(text))


def _gunzip(body: bytes) -> bytes:
    gzip = 31  # zlib's number for the format
    return _tolerant(lambda: zlib.decompressobj(gzip).decompress(body, _UNPACKED_LIMIT))


def _latin(body: bytes) -> bytes:
    return _tolerant(lambda: body.decode().encode("latin-1"))


def _inside(body: bytes) -> bytes:
    def text() -> bytes:
        value = json.loads(body)
        return value.encode() if isinstance(value, str) else b""

    return _tolerant(text)
