"""Secrets: their forms and names, the least strength, and what a message may show of a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import split_name
from florentin_webhooks.senders.invisible import describe_edges, describe_invisible

__all__ = [
    "MINIMUM_SECRET",
    "Secrets",
    "describe_value",
    "normalize_secrets",
    "redact_name",
    "unwrap_secret",
    "validate_length",
    "validate_strength",
]

MINIMUM_SECRET = 16
"""The fewest bytes of a secret: 128 bits, if they were drawn at random."""

_LARGEST = 2**63


@runtime_checkable
class WrappedSecret(Protocol):
    """A secret that its repr does not show, such as pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str | bytes:
        """Return the secret itself."""
        ...


Secret = str | bytes | WrappedSecret

Secrets = Secret | Sequence[Secret] | Mapping[str, Secret]


def normalize_secrets(secrets: Secrets) -> list[tuple[str, bytes]]:
    """Return each secret with its name: yours, or ``secret-1``, ``secret-2``, ... in order.

    Raises :class:`ConfigurationError` without any secret, and for one that is empty, blank or
    not a text.
    """
    named = [(name, _secret_bytes(name, secret)) for name, secret in _each_secret(secrets)]
    if not named:
        raise ConfigurationError(
            "No secret is configured.", "Copy it from the sender's webhook settings."
        )
    return named


def validate_strength(secrets: Secrets) -> None:
    """Raise :class:`ConfigurationError` for a weak secret.

    Weak is one that is short, has white space or quotes around it, or has invisible characters.
    """
    for name, secret in normalize_secrets(secrets):
        shown = redact_name(name)
        if found := describe_edges(secret):
            raise ConfigurationError(
                f"{shown} {found}.",
                "Remove it: a secret that was read from a file often ends with a newline.",
            )
        if len(secret) > 1 and secret[:1] == secret[-1:] and secret[:1] in (b'"', b"'"):
            raise ConfigurationError(
                f"{shown} has quotes around it.",
                "Remove them: docker's --env-file keeps the quotes of its file.",
            )
        if found := describe_invisible(secret):
            raise ConfigurationError(
                f"{shown} {found}.", "Copy the secret again as plain text, without a mark."
            )
        validate_length(name, secret)


def validate_length(name: str, key: bytes) -> None:
    """Raise :class:`ConfigurationError` for a *key* that is short; it may have any bytes."""
    if len(key) < MINIMUM_SECRET:
        raise ConfigurationError(
            f"{redact_name(name)} has {len(key)} bytes, fewer than {MINIMUM_SECRET}.",
            "Use a longer secret, such as one from: florentin-webhooks secret new.",
        )


def redact_name(name: object) -> str:
    """Return *name* if it is safe to show. A long name may be a secret in the wrong place."""
    if isinstance(name, str) and (
        len(name) < MINIMUM_SECRET or (name.isidentifier() and name.isupper())
    ):
        return name  # Short, or that of an environment variable.
    tenant, own = split_name(name) if isinstance(name, str) else ("", "")
    if tenant:
        shown = f"tenant {tenant}" if len(tenant) < MINIMUM_SECRET else "a tenant"
        return f"{redact_name(own)} of {shown}"
    return "a secret with a long name, not shown (write {name: secret})"


def describe_value(where: str, value: object) -> str:
    """Return the sentence that *where* has *value*, which is shown only if it cannot be secret."""
    if isinstance(value, str) and value.isspace():
        return f"{where} is blank."
    if isinstance(value, str) and (len(value) >= MINIMUM_SECRET or "://" in value):
        return f"{where} is not a valid text."
    is_number = isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST)
    if is_number or isinstance(value, str):
        return f"{where} is {value!r}."
    if isinstance(value, timedelta):
        return f"{where} is {value}."
    return f"{where} is of type {type(value).__name__}, which is not valid."


def unwrap_secret(secret: object) -> object:
    """Return what *secret* wraps, or *secret* itself if it is not wrapped."""
    return secret.get_secret_value() if isinstance(secret, WrappedSecret) else secret


def _each_secret(secrets: Secrets) -> Iterator[tuple[str, object]]:
    if isinstance(secrets, Mapping):
        yield from secrets.items()
        return
    several = secrets if isinstance(secrets, list | tuple) else [secrets]
    for number, secret in enumerate(several, 1):
        yield f"secret-{number}", secret


def _secret_bytes(name: object, wrapped: object) -> bytes:
    shown, secret = redact_name(name), unwrap_secret(wrapped)
    if not isinstance(name, str):
        raise ConfigurationError(
            f"The name of a secret is {type(name).__name__}, not str.",
            "Name each secret by a text.",
        )
    if not isinstance(secret, str | bytes):
        raise ConfigurationError(
            f"{shown} is {type(secret).__name__}, not str or bytes.",
            "Pass one secret, a list of secrets, or a mapping of names to secrets.",
        )
    try:
        raw = secret.encode() if isinstance(secret, str) else secret
    except UnicodeEncodeError:  # Lone surrogates, as Python makes of an environment in Latin-1.
        raise ConfigurationError(
            f"{shown} is not valid UTF-8.", "Check the encoding of the environment variable."
        ) from None
    if not raw.strip():
        raise ConfigurationError(
            f"{shown} is empty or blank.", "Check that its environment variable is set."
        )
    return raw
