"""Read what a command works on: files, standard input, and secrets, which are never arguments."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from florentin_webhooks.cli.failures import Misuse
from florentin_webhooks.cli.invocation import typed
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.settings import refuse_weak
from florentin_webhooks.signatures import named_secrets

__all__ = [
    "SECRET_VARIABLE",
    "environment_secret",
    "read",
    "refuse_shared_stdin",
    "secret_option",
    "secrets",
    "strong_secret",
]

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
        raise Misuse(message, "a file that is there, or - for standard input") from None


def refuse_shared_stdin(*paths: str | None) -> None:
    """Refuse where more than one of *paths* is standard input, which can be read once."""
    if paths.count("-") > 1:
        message = "standard input can be read once, and - is given twice"
        raise Misuse(message, "a file for one of the two")


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
        raise Misuse(message, next_step)
    try:
        return dict(named_secrets(given))
    except ConfigurationError as error:
        raise _refused(error) from None


def strong_secret(path: str | None) -> Mapping[str, bytes]:
    """Give the secret of the file at *path*, else of the environment, if a receiver takes it."""
    given = secrets([] if path is None else [path])
    try:
        refuse_weak(given)
    except ConfigurationError as error:
        raise _refused(error) from None
    return given


def _refused(error: ConfigurationError) -> Misuse:
    message = str(error).partition(" (try:")[0]
    return Misuse(message, f"the one in Florentin's settings; for tests: {typed('secret new')}")


def _name(path: str) -> str:
    return "standard input" if path == "-" else path


def _one_line(content: bytes) -> bytes:
    return content.removesuffix(b"\n").removesuffix(b"\r")
