"""Check the hygiene of secrets; no message quotes one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, ok, warn
from florentin_webhooks.senders.secrets import redact_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from florentin_webhooks.cli.doctor.check import Check

__all__ = ["SecretFacts", "check_secrets"]

_MOST = 2
"""Secrets of one endpoint: the new one and the old one while you rotate."""
_FEWEST_BYTES = 6
"""Different bytes in a secret; 16 random hex digits have fewer once in four million."""
_PLACEHOLDER = re.compile(
    rb"change.?me|your.?secret|example|placeholder|password|dummy|xxxx|0123456789|12345678"
    # Those of our README and docs.
    rb"|8d1f0c2b7a6e4953|5c9e2a7140b3d86f|1b7e4d90c6a2f835|3f90b1d27c5a6e48|4f0b6c1d9a7e2835"
    rb"|5d20f7c3a19b8e64",
    re.IGNORECASE,
)
_OTHER_USE = re.compile(r"SECRET_KEY|API_KEY|PASSWORD|TOKEN|JWT|_PREVIOUS$")


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """The *secrets* of a receiver by name, the *source* of its module, and the environment.

    *are_public*: they are public keys, which may be known.
    """

    secrets: Mapping[str, bytes] = field(repr=False)
    source: bytes = field(default=b"", repr=False)
    environment: Mapping[str, bytes] = field(default_factory=dict[str, bytes], repr=False)
    module: str = ""
    are_public: bool = False


def check_secrets(facts: SecretFacts) -> list[Check]:
    """Return what is wrong with the secrets of a receiver, or that nothing is."""
    found = [*_rotation(facts), *_repeated(facts)]
    if not facts.are_public:
        found += [*_guessable(facts), *_written(facts), *_reused(facts)]
    names = ", ".join(map(redact_name, facts.secrets))
    return found or [ok("secrets", f"{_count(facts)}: {names}.")]


def _count(facts: SecretFacts) -> str:
    number = len(facts.secrets)
    return f"{number} secret{'s' * (number != 1)}"


def _guessable(facts: SecretFacts) -> Iterator[Check]:
    for name, value in facts.secrets.items():
        if _PLACEHOLDER.search(value) or len(set(value)) < _FEWEST_BYTES:
            message = f"{redact_name(name)} looks like a placeholder, which others can guess."
            yield fail("secret-guessable", message, "Use the secret of the sender's settings.")


def _written(facts: SecretFacts) -> Iterator[Check]:
    for name, value in facts.secrets.items():
        if value in facts.source:
            message = f"{redact_name(name)} is written in the source of {facts.module}."
            hint = "Replace the secret, and read the new one from the environment."
            yield warn("secret-in-source", message, hint)


def _repeated(facts: SecretFacts) -> Iterator[Check]:
    if len(set(facts.secrets.values())) < len(facts.secrets):
        message = "Two names have the same secret, so the log cannot show which one is in use."
        yield warn("secret-repeated", message, "Remove one of them.")


def _rotation(facts: SecretFacts) -> Iterator[Check]:
    if len(set(facts.secrets.values())) > _MOST:
        message = f"{_count(facts)} are accepted, and each of them can sign deliveries."
        hint = "Remove those that delivery.secret in the log no longer names."
        yield warn("secret-rotation", message, hint)


def _reused(facts: SecretFacts) -> Iterator[Check]:
    for name, value in facts.secrets.items():
        for variable, other in facts.environment.items():
            if other == value and _OTHER_USE.search(variable) and "WEBHOOK" not in variable:
                message = f"{redact_name(name)} is also the value of {variable}."
                hint = "Use a secret of its own for each purpose."
                yield fail("secret-reused", message, hint)
