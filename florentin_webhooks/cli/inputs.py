"""Read what a command works on: files, standard input, and secrets, which are never arguments."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import click

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.secrets import normalize_secrets, validate_strength

__all__ = [
    "SECRET_VARIABLE",
    "environment_secret",
    "parse_header",
    "parse_headers",
    "read",
    "refuse_shared_stdin",
    "secret_option",
    "secrets",
    "strong_secret",
]


def parse_header(line: str) -> tuple[str, str]:
    """Give name and value of ``Name: value``."""
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        message = f"{line[:40]!a} is no header"
        raise UsageError(message, "--header 'X-Florentin-Signature: sha256=...'")
    return name.strip(), value.strip(" \t\r")


def parse_headers(content: bytes) -> list[tuple[str, str]]:
    """Give the headers in *content*: as ``sign`` prints them, with or without ``--json``.

    A request line, empty lines and the ``>`` of ``curl --verbose`` are passed over.
    """
    text = content.decode("utf-8-sig", errors="replace")
    if text.lstrip().startswith("{"):
        return _from_json(text)
    lines = [line.removeprefix("> ").strip() for line in text.splitlines()]
    return [parse_header(line) for line in lines if line and not _is_request_line(line)]


def _is_request_line(line: str) -> bool:
    return line == ">" or " HTTP/" in line or line.startswith("HTTP/")


def _from_json(text: str) -> list[tuple[str, str]]:
    try:
        told = json.loads(text)
        given = cast("dict[str, object]", told.get("headers", told))
        return [(str(name), str(value)) for name, value in given.items()]
    except (ValueError, AttributeError):
        message = "the headers are neither lines of Name: value nor a JSON object of them"
        next_step = f"{suggest('sign FILE')} > headers, to see how they look"
        raise UsageError(message, next_step) from None


SECRET_VARIABLE = "FLORENTIN_WEBHOOK_SECRET"  # noqa: S105 - the variable's name.

secret_option = click.option(
    "--secret-file",
    metavar="PATH",
    help=f"Read the secret from a file, or - for standard input, not from {SECRET_VARIABLE}.",
)


def read(path: str) -> bytes:
    """Give the bytes of the file at *path*, or of standard input for ``-``."""
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise UsageError(message, "a file that is there, or - for standard input") from None


def refuse_shared_stdin(*paths: str | None) -> None:
    """Refuse where more than one of *paths* is standard input, which can be read once."""
    if paths.count("-") > 1:
        message = "standard input can be read once, and - is given twice"
        raise UsageError(message, "a file for one of the two")


def environment_secret() -> Mapping[str, bytes]:
    """Give the secret in the environment under its variable's name, or nothing."""
    value = os.environ.get(SECRET_VARIABLE)
    return {} if value is None else {SECRET_VARIABLE: value.encode(errors="surrogateescape")}


def secrets(paths: Sequence[str]) -> Mapping[str, bytes]:
    """Give the secrets of the files at *paths*, else of the environment, by their names.

    One newline at the end of a file belongs to the file. Blank secrets are refused.
    """
    given = {_name(path): _one_line(read(path)) for path in paths} or environment_secret()
    if not given:
        message = f"no secret is given: {SECRET_VARIABLE} is not set"
        next_step = f"export {SECRET_VARIABLE}=... or --secret-file PATH"
        raise UsageError(message, next_step)
    try:
        return dict(normalize_secrets(given))
    except ConfigurationError as error:
        raise _refused(error) from None


def strong_secret(path: str | None) -> Mapping[str, bytes]:
    """Give the secret of the file at *path*, else of the environment, if a receiver takes it."""
    given = secrets([] if path is None else [path])
    try:
        validate_strength(given)
    except ConfigurationError as error:
        raise _refused(error) from None
    return given


def _refused(error: ConfigurationError) -> UsageError:
    return UsageError(
        error.message, f"the one in Florentin's settings; for tests: {suggest('secret new')}"
    )


def _name(path: str) -> str:
    return "standard input" if path == "-" else path


def _one_line(content: bytes) -> bytes:
    return content.removesuffix(b"\n").removesuffix(b"\r")
