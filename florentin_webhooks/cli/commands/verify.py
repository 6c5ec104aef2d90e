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
    refuse_shared_stdin,
)
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.sender_context import SenderContext, SenderOptions, sender_options
from florentin_webhooks.cli.verification.request import verify
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.senders.diagnosis import Diagnosis
from florentin_webhooks.senders.florentin.signature import SIGNATURE_HEADER
from florentin_webhooks.senders.schemes.sender import TemplateSender

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
@click.option("--url", help="The URL that the sender called, for senders that sign it.")
@sender_options
@with_output
def command(
    out: Output,
    file: str,
    signature: str | None,
    lines: tuple[str, ...],
    path: str | None,
    secret_files: tuple[str, ...],
    *,
    url: str | None,
    chosen: SenderOptions,
) -> None:
    """Check the signature of FILE (- for standard input) and explain a failure.

    Names the secret that signed the file. If none did, exits with 3 and names the likely cause:
    quotes or white space around the secret, a body that was encoded again, and so on. Age and
    content of the event are not checked.

    \b
      florentin-webhooks verify body.json --headers headers
    """
    refuse_shared_stdin(file, path, *secret_files)
    lines_of_headers = _headers(signature, lines, path)
    context = chosen.open(secret_files)
    headers = HeaderMap([(name or _signature_header(context), v) for name, v in lines_of_headers])
    body = read_input(file)
    others: Mapping[str, bytes] = environment_secret() if secret_files else {}
    found = verify(context, headers, body, url, others)
    if not found.secret:
        record = {
            "causes": [cause._asdict() for cause in found.causes],
            "fingerprint": found.fingerprint,
        }
        out.emit({"valid": False, "reason": found.reason, **record}, *_invalid(found.causes))
        raise click.exceptions.Exit(ExitCode.INVALID_SIGNATURE)
    valid = Styled("valid:", "bold green")
    text = f"signed with the secret in {found.secret}"
    digest = {"fingerprint": found.fingerprint}
    out.emit({"valid": True, "secret": found.secret, **digest}, Line([valid, text]))


def _signature_header(context: SenderContext) -> str:
    """Return the header of the signature. Raises UsageError where the sender has several."""
    if context.is_default:
        return SIGNATURE_HEADER
    if isinstance(context.sender, TemplateSender):
        return context.sender.form.signature_header
    message = f"{context.sender.name} has no header for the signature alone."
    raise UsageError(message, "Use --header or --headers.")


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
        headers.append(("", signature))  # The sender names its header.
    return headers


def _invalid(causes: Sequence[Diagnosis]) -> Iterator[View]:
    yield Line([Styled("invalid:", "bold red"), "the signature does not match any secret"])
    for cause in causes:
        yield Paragraph(f"{cause.message} {cause.hint}")
