"""Read secrets, name them and refuse weak ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from florentin_webhooks.errors import ConfigurationError

__all__ = [
    "MINIMUM_SECRET",
    "Secrets",
    "normalize_secrets",
    "redact_name",
    "validate_strength",
]

MINIMUM_SECRET = 16
"""The fewest bytes of a secret: 128 bits, if they were drawn at random."""

Secret = str | bytes

Secrets = Secret | Sequence[Secret] | Mapping[str, Secret]


def normalize_secrets(secrets: Secrets) -> list[tuple[str, bytes]]:
    """Give each secret with its name: yours, or ``secret-1``, ``secret-2``, … in their order.

    Raises :class:`ConfigurationError` when there is none, or one is empty, blank or no text.
    """
    named = [(name, _secret_bytes(name, secret)) for name, secret in _each_secret(secrets)]
    if not named:
        message = "no secret is configured; pass the one from Florentin's webhook settings"
        raise ConfigurationError(message)
    return named


def redact_name(name: str) -> str:
    """Give *name* as an error may tell it: who swaps the two has given the secret as a name."""
    if len(name) < MINIMUM_SECRET or (name.isidentifier() and name.isupper()):
        return name  # Short, or an environment variable's.
    return "the secret of a long name (a mapping is {name: secret})"


def _each_secret(secrets: Secrets) -> Iterator[tuple[str, object]]:
    if isinstance(secrets, Mapping):
        yield from secrets.items()
        return
    several = secrets if isinstance(secrets, list | tuple) else [secrets]
    for number, secret in enumerate(several, 1):
        yield f"secret-{number}", secret


def _secret_bytes(name: str, secret: object) -> bytes:
    shown = redact_name(name)
    if not isinstance(secret, str | bytes):
        message = f"{shown} is {type(secret).__name__}; a secret is str or bytes"
        raise ConfigurationError(message)
    try:
        raw = secret.encode() if isinstance(secret, str) else secret
    except UnicodeEncodeError:  # Lone surrogates, as Python makes of an environment in Latin-1.
        message = f"{shown} is no text in UTF-8; is its environment variable in another encoding?"
        raise ConfigurationError(message) from None
    if not raw.strip():
        message = f"{shown} is empty or blank; is its environment variable set?"
        raise ConfigurationError(message)
    return raw


def validate_strength(secrets: Secrets) -> None:
    """Raise :class:`ConfigurationError` for a short secret, or one that was copied with a space."""
    for name, secret in normalize_secrets(secrets):
        shown = redact_name(name)
        if secret != secret.strip():
            message = f"{shown} has white space around it; was it read from a file with a newline?"
            raise ConfigurationError(message)
        if len(secret) < MINIMUM_SECRET:
            message = (
                f"{shown} has {len(secret)} bytes, fewer than {MINIMUM_SECRET}; use a longer one "
                "(try: florentin-webhooks secret new)"
            )
            raise ConfigurationError(message)
