"""Read headers as people have them in files: one per line, from a trace of curl, or as JSON."""

from __future__ import annotations

import json
from typing import cast

from florentin_webhooks.cli.failures import Misuse
from florentin_webhooks.cli.invocation import typed

__all__ = ["header", "headers"]


def header(line: str) -> tuple[str, str]:
    """Give name and value of ``Name: value``."""
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        message = f"{line[:40]!a} is no header"
        raise Misuse(message, "--header 'X-Florentin-Signature: sha256=...'")
    return name.strip(), value.strip(" \t\r")


def headers(content: bytes) -> list[tuple[str, str]]:
    """Give the headers in *content*: as ``sign`` prints them, with or without ``--json``.

    A request line, empty lines and the ``>`` of ``curl --verbose`` are passed over.
    """
    text = content.decode("utf-8-sig", errors="replace")
    if text.lstrip().startswith("{"):
        return _from_json(text)
    lines = [line.removeprefix("> ").strip() for line in text.splitlines()]
    return [header(line) for line in lines if line and not _is_request_line(line)]


def _is_request_line(line: str) -> bool:
    return line == ">" or " HTTP/" in line or line.startswith("HTTP/")


def _from_json(text: str) -> list[tuple[str, str]]:
    try:
        told = json.loads(text)
        given = cast("dict[str, object]", told.get("headers", told))
        return [(str(name), str(value)) for name, value in given.items()]
    except (ValueError, AttributeError):
        message = "the headers are neither lines of Name: value nor a JSON object of them"
        next_step = f"{typed('sign FILE')} > headers, to see how they look"
        raise Misuse(message, next_step) from None
