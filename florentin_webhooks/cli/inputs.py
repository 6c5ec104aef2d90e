"""Files, standard input, headers and secrets; a secret is never an argument."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import click

from florentin_webhooks.cli.devserver.session import session_secret
from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.host import current_host
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.fingerprint import Identity, fingerprint, under_key
from florentin_webhooks.senders.secrets import normalize_secrets, validate_strength

__all__ = [
    "SECRET_VARIABLE",
    "environment_secret",
    "parse_header",
    "parse_headers",
    "read_input",
    "read_secrets",
    "read_strong_secret",
    "recorded_fingerprint",
    "refuse_shared_stdin",
    "secret_option",
]

SECRET_VARIABLE = "FLORENTIN_WEBHOOK_SECRET"  # noqa: S105 - the variable's name.

NAME_VARIABLE = "FLORENTIN_NAME"

secret_option = click.option(
    "--secret-file",
    metavar="PATH",
    help=f"Read the secret from a file (- for standard input) instead of {SECRET_VARIABLE}.",
)


def parse_header(line: str) -> tuple[str, str]:
    """Return name and value of ``Name: value``."""
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        message = f"{line[:40]!a} is not a header."
        raise UsageError(message, "Write it as: --header 'X-Florentin-Signature: sha256=...'")
    return name.strip(), value.strip(" \t\r")


def parse_headers(content: bytes) -> list[tuple[str, str]]:
    """Return the headers in *content*: as ``sign`` prints them, with or without ``--json``.

    A request line, empty lines and the ``>`` of ``curl --verbose`` are ignored.
    """
    text = content.decode("utf-8-sig", errors="replace")
    if text.lstrip().startswith("{"):
        return _from_json(text)
    lines = [line.removeprefix("> ").strip() for line in text.split("\n")]
    return [parse_header(line) for line in lines if line and not _is_request_line(line)]


def _is_request_line(line: str) -> bool:
    return line == ">" or " HTTP/" in line or line.startswith("HTTP/")


def _from_json(text: str) -> list[tuple[str, str]]:
    try:
        content = json.loads(text)
        headers = cast("dict[str, object]", content.get("headers", content))
        return [(str(name), str(value)) for name, value in headers.items()]
    except (ValueError, AttributeError):
        message = "The headers are neither lines of Name: value nor a JSON object."
        raise UsageError(message, f"Create them with: {suggest('sign FILE')} > headers") from None


def read_input(path: str) -> bytes:
    """Return the bytes of the file at *path*, or of standard input for ``-``."""
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        message = f"Cannot read {path}: {error.strerror}."
        raise UsageError(message, "Name a readable file, or - for standard input.") from None


def refuse_shared_stdin(*paths: str | None) -> None:
    """Raise UsageError if more than one of *paths* is standard input."""
    if paths.count("-") > 1:
        message = "Standard input can be read only once, but - is given twice."
        raise UsageError(message, "Use a file for one of the two.")


def environment_secret() -> Mapping[str, bytes]:
    """Return the secret in the environment under its variable's name, if it is set."""
    value = os.environ.get(SECRET_VARIABLE)
    return {} if value is None else {SECRET_VARIABLE: value.encode(errors="surrogateescape")}


def read_secrets(paths: Sequence[str]) -> Mapping[str, bytes]:
    """Return the secrets of the files at *paths*, else those that are configured, by their names.

    Configured are those of the host program, else of the environment, else of a session of ``dev``
    in this directory. One newline at the end of a file is removed. Raises UsageError for missing
    and blank secrets.
    """
    files = {_name(path): _one_line(read_input(path)) for path in paths}
    secrets = files or _host_secrets() or environment_secret() or session_secret()
    if not secrets:
        message = f"The secret is missing: {SECRET_VARIABLE} is not set."
        raise UsageError(message, f"Run: export {SECRET_VARIABLE}=..., or use --secret-file PATH.")
    try:
        return dict(normalize_secrets(secrets))
    except ConfigurationError as error:
        raise _invalid(error) from None


def read_strong_secret(path: str | None) -> Mapping[str, bytes]:
    """Return the secret of the file at *path*, else those that are configured.

    Raises UsageError for one that a receiver would refuse.
    """
    secrets = read_secrets([] if path is None else [path])
    try:
        validate_strength(secrets)
    except ConfigurationError as error:
        raise _invalid(error) from None
    return secrets


def _host_secrets() -> Mapping[str, bytes]:
    """Return the secrets of the host program's receiver, if there is a host program."""
    host = current_host()
    if host is None:
        return {}
    from florentin_webhooks.cli.loader import load  # noqa: PLC0415 - imports the program.

    return dict(normalize_secrets(load(host.app).secrets))


def recorded_fingerprint(secrets: Mapping[str, bytes], body: bytes) -> str:
    """Return the fingerprint under which a receiver records *body*, signed with the first secret.

    The receiver's name is that of the host program's, else in the environment.
    """
    identity = Identity.of(secrets, _receiver_name())
    return under_key(identity.all_key_ids[0], fingerprint(body)).hex()


def _receiver_name() -> str:
    host = current_host()
    if host is None:
        return os.environ.get(NAME_VARIABLE, "")
    from florentin_webhooks.cli.loader import load  # noqa: PLC0415 - imports the program.

    return load(host.app).identity.name


def _invalid(error: ConfigurationError) -> UsageError:
    hint = f"Use the secret of Florentin's settings; for tests, run: {suggest('secret new')}"
    return UsageError(error.message, hint)


def _name(path: str) -> str:
    return "standard input" if path == "-" else path


def _one_line(content: bytes) -> bytes:
    return content.removesuffix(b"\n").removesuffix(b"\r")
