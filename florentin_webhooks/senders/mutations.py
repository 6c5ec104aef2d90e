"""What may have happened to a secret or a body in transit: each mutation with its cause.

Pure. A mutation is what the signer may have had, given what we have.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Diagnosis", "Mutation", "body_mutations", "secret_mutations"]

_BOM = b"\xef\xbb\xbf"
_UNPACKED_LIMIT = 8 * 1024 * 1024
_LONGEST_PREFIX = 8
_KEEP = "keep the bytes as they arrived and verify before anything else reads them"


class Diagnosis(NamedTuple):
    """Why a signature fails: a stable *code*, a sentence, and the next step."""

    code: str
    message: str
    next_step: str


class Mutation(NamedTuple):
    """Bytes that the signer may have used, and why ours differ."""

    value: bytes
    cause: Diagnosis


def secret_mutations(name: str, secret: bytes) -> Iterator[Mutation]:
    """Yield what the signer's secret may have been, where ours has the name *name*."""
    for code, message, next_step, value in _secrets(name, secret):
        if value and value != secret:
            yield Mutation(value, Diagnosis(f"secret-{code}", message, next_step))


def body_mutations(body: bytes) -> Iterator[Mutation]:
    """Yield what the signed body may have been."""
    seen = {body}
    for code, message, value in [*_bodies(body), *_json_again(body)]:
        if value not in seen:
            seen.add(value)
            yield Mutation(value, Diagnosis(f"body-{code}", message, _KEEP))


def _secrets(name: str, secret: bytes) -> Iterator[tuple[str, str, str, bytes]]:
    trimmed = secret.strip()
    bare = trimmed.strip(b"\"'`")
    yield "white-space", f"{name} has white space around it", f"remove it from {name}", trimmed
    yield "quotes", f"{name} has quotes around it", f"remove them from {name}", bare
    for mark in (b"=", b"_", b":"):
        rest = bare.partition(mark)[2].strip(b"\"'`")
        text = f"{name} begins with {_up_to(bare, mark)!r}, a prefix outside the secret"
        yield "prefix", text, f"remove the prefix from {name}", rest
        yield "base64", f"{text}, and the rest is base64", f"decode {name}", _base64(rest)
    yield "base64", f"{name} is base64 of the secret", f"decode {name}", _base64(bare)
    yield "hex", f"{name} is hex of the secret", f"decode {name}", _hex(bare)
    yield "decoded", f"{name} was decoded, but its base64 is the secret", *_encoded(name, secret)
    yield (
        "decoded",
        f"{name} was decoded, but its hex is the secret",
        f"keep {name} as text",
        (secret.hex().encode()),
    )
    newline = f"the signer's secret ends with a newline that {name} does not have"
    yield "newline", newline, "remove the newline where it signs", secret + b"\n"


def _encoded(name: str, secret: bytes) -> tuple[str, bytes]:
    return f"keep {name} as text", base64.b64encode(secret)


def _up_to(secret: bytes, mark: bytes) -> str:
    """Return a prefix, shortened where it may be a part of the secret."""
    found = secret.partition(mark)[0].decode(errors="replace")
    short = len(found) <= _LONGEST_PREFIX or mark == b"="
    return f"{found if short else '...'}{mark.decode()}"


def _bodies(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    unix = body.replace(b"\r\n", b"\n")
    yield "newline", "the body ends with a newline that was not signed", body.rstrip(b"\r\n")
    yield "white-space", "the body has white space around it that was not signed", body.strip()
    for name, end in (("newline", b"\n"), ("CRLF", b"\r\n")):
        yield "newline", f"the signed body ended with a {name}, which is missing", body + end
    yield "line-ends", "the body has CRLF line ends where LF was signed", unix
    yield (
        "line-ends",
        "the body has LF line ends where CRLF was signed",
        unix.replace(b"\n", b"\r\n"),
    )
    yield (
        "bom",
        "the body begins with a byte order mark that was not signed",
        (body.removeprefix(_BOM)),
    )
    yield "bom", "the signed body began with a byte order mark, which is missing", _BOM + body
    yield "gzip", "the body is packed with gzip, and what is inside was signed", _gunzip(body)
    yield "base64", "the body is base64, and what is inside was signed", _base64(body.strip())
    yield "text", "the body was read as latin-1 and written as UTF-8", _latin(body)
    yield "text", "the body is a JSON string, and what is inside was signed", _inside(body)


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


def _style(comma: str, indent: int | None, *, ascii_only: bool, in_order: bool) -> str:
    spaces = "with spaces" if comma == ", " else "without spaces"
    signed = [spaces if indent is None else f"indented by {indent}"]
    signed.append("with non-ASCII escaped" if ascii_only else "with non-ASCII as it is")
    if in_order:
        signed.append("with its keys sorted")
    return f"the JSON was written again; signed was the same {', '.join(signed)}"


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
