"""Check the signature of a file: which secret signed it, or why none matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import ExitCode, UsageError
from florentin_webhooks.cli.formatting.views import Line, Paragraph, Styled
from florentin_webhooks.cli.inputs import (
    SECRET_VARIABLE,
    environment_secret,
    parse_header,
    parse_headers,
    read_input,
    read_secrets,
    recorded_fingerprint,
    refuse_shared_stdin,
)
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.senders.diagnosis import Diagnosis, diagnose
from florentin_webhooks.senders.florentin.signature import SIGNATURE_HEADER, FlorentinSignature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from florentin_webhooks.cli.formatting.views import View

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
    help=f"A file with a secret, instead of {SECRET_VARIABLE}; repeatable, - for standard input.",
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
    """Check the signature of FILE (- for standard input) and explain a failure.

    Names the secret that signed the file. If none did, exits with 3 and names the likely cause:
    quotes or white space around the secret, a body that was encoded again, and so on. Age and
    content of the event are not checked.

    \b
      florentin-webhooks verify body.json --headers headers
    """
    refuse_shared_stdin(file, path, *secret_files)
    headers = _headers(signature, lines, path)
    secrets = read_secrets(secret_files)
    body = read_input(file)
    digest = {"fingerprint": recorded_fingerprint(secrets, body)}
    try:
        name = FlorentinSignature(secrets).verify(headers, body)
    except InvalidSignature as error:
        causes = diagnose(headers, body, secrets, environment_secret() if secret_files else {})
        record = {"causes": [cause._asdict() for cause in causes], **digest}
        out.emit({"valid": False, "reason": error.reason, **record}, *_invalid(causes))
        raise click.exceptions.Exit(ExitCode.INVALID_SIGNATURE) from None
    digest = {"fingerprint": recorded_fingerprint({name: secrets[name]}, body)}
    valid = Styled("valid:", "bold green")
    text = f"signed with the secret in {name}"
    out.emit({"valid": True, "secret": name, **digest}, Line([valid, text]))


def _headers(
    signature: str | None, lines: Sequence[str], path: str | None
) -> list[tuple[str, str]]:
    if signature is None and not lines and path is None:
        options = "FILE --signature sha256=... (or --headers PATH)"
        raise UsageError("The signature is missing.", f"Run: {suggest('verify', options)}")
    headers = [parse_header(line) for line in lines]
    if path is not None:
        headers += parse_headers(read_input(path))
    if signature is not None:
        headers.append((SIGNATURE_HEADER, signature))
    return headers


def _invalid(causes: Sequence[Diagnosis]) -> Iterator[View]:
    yield Line([Styled("invalid:", "bold red"), "the signature does not match any secret"])
    for cause in causes:
        yield Paragraph(f"{cause.message} {cause.hint}")
