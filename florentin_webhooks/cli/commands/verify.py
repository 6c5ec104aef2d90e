"""Check the signature of a file: which secret made it, or why none did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import ExitCode, UsageError
from florentin_webhooks.cli.formatting.tables import indented
from florentin_webhooks.cli.inputs import (
    SECRET_VARIABLE,
    environment_secret,
    parse_header,
    parse_headers,
    read,
    recorded_fingerprint,
    refuse_shared_stdin,
    secrets,
)
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.senders.diagnosis import Diagnosis, diagnose
from florentin_webhooks.senders.florentin.signature import SIGNATURE_HEADER, FlorentinSignature

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["command"]


@click.command("verify")
@click.argument("file")
@click.option("--signature", metavar="TEXT", help="The value of the signature header.")
@click.option("--header", "lines", multiple=True, metavar="'NAME: VALUE'", help="A header.")
@click.option("--headers", "path", metavar="PATH", help="A file of headers, as sign prints them.")
@click.option(
    "--secret-file",
    "secret_files",
    multiple=True,
    metavar="PATH",
    help=f"A file with a secret (repeatable, - for standard input), not {SECRET_VARIABLE}.",
)
@with_output
def command(
    out: Output,
    file: str,
    signature: str | None,
    lines: tuple[str, ...],
    path: str | None,
    secret_files: tuple[str, ...],
) -> None:
    """Check the signature of FILE (- for standard input), and say why it fails.

    Tells which secret made it; ends with 3 if none did, and then names the likely cause: a secret
    with quotes or white space, a body that was written again, and so on. Age and content of
    the event are not judged.

    \b
      florentin-webhooks verify body.json --headers headers
    """
    refuse_shared_stdin(file, path, *secret_files)
    given = _headers(signature, lines, path)
    tried = secrets(secret_files)
    body = read(file)
    identity = {"fingerprint": recorded_fingerprint(next(iter(tried.values())), body)}
    try:
        name = FlorentinSignature(tried).verify(given, body)
    except InvalidSignature as error:
        causes = diagnose(given, body, tried, environment_secret() if secret_files else {})
        record = {"causes": [cause._asdict() for cause in causes], **identity}
        out.emit({"valid": False, "reason": error.reason, **record}, _invalid(causes, out.width))
        raise click.exceptions.Exit(ExitCode.INVALID_SIGNATURE) from None
    identity = {"fingerprint": recorded_fingerprint(tried[name], body)}
    text = f"{click.style('valid', fg='green', bold=True)}: signed with the secret in {name}"
    out.emit({"valid": True, "secret": name, **identity}, text)


def _headers(
    signature: str | None, lines: Sequence[str], path: str | None
) -> list[tuple[str, str]]:
    if signature is None and not lines and path is None:
        message = "there is no signature to check"
        raise UsageError(message, "verify FILE --signature sha256=... or --headers PATH")
    given = [parse_header(line) for line in lines]
    if path is not None:
        given += parse_headers(read(path))
    if signature is not None:
        given.append((SIGNATURE_HEADER, signature))
    return given


def _invalid(causes: Sequence[Diagnosis], width: int) -> str:
    title = click.style("invalid", fg="red", bold=True)
    lines = [f"{title}: no secret made this signature for these bytes"]
    for cause in causes:
        lines += indented(f"{cause.message}; try: {cause.next_step}", width)
    return "\n".join(lines)
