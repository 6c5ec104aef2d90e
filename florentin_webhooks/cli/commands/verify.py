"""Check the signature of a file: which secret signed it, or why none matches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import ExitCode, UsageError
from florentin_webhooks.cli.explanation import explain
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
from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.senders.diagnosis import Diagnosis, diagnose
from florentin_webhooks.senders.florentin.signature import SIGNATURE_HEADER, FlorentinSignature
from florentin_webhooks.senders.schemes.sender import TemplateSender

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from florentin_webhooks.cli.formatting.views import View
    from florentin_webhooks.senders.base import SignatureScheme

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
    try:
        metadata = _scheme(context).authenticate(headers, body, datetime.now(UTC), url)
    except (InvalidSignature, MalformedDelivery) as error:
        causes = _causes(context, headers, body, url, is_file=bool(secret_files))
        record = {
            "causes": [cause._asdict() for cause in causes],
            "fingerprint": context.fingerprint(body),
        }
        out.emit({"valid": False, "reason": error.reason, **record}, *_invalid(causes))
        raise click.exceptions.Exit(ExitCode.INVALID_SIGNATURE) from None
    name = metadata.secret
    digest = {"fingerprint": context.fingerprint(body, metadata.delivery_id, name)}
    valid = Styled("valid:", "bold green")
    text = f"signed with the secret in {name}"
    out.emit({"valid": True, "secret": name, **digest}, Line([valid, text]))


def _scheme(context: SenderContext) -> SignatureScheme:
    # A weak secret of Florentin's is verified as well, so that its mistake can be explained.
    return FlorentinSignature(context.secrets) if context.is_default else context.scheme()


def _causes(
    context: SenderContext,
    headers: HeaderMap,
    body: bytes,
    url: str | None,
    *,
    is_file: bool,
) -> list[Diagnosis]:
    others: Mapping[str, bytes] = environment_secret() if is_file else {}
    if context.is_default:
        return diagnose(headers, body, context.secrets, others)
    return explain(context.sender, headers, body, context.secrets, others, url)


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
