"""What exactly a sender signs, as a template: ``{id}.{timestamp}.{body}``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["SignedParts", "Template"]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class SignedParts(NamedTuple):
    """The values of a template's placeholders; headers and URL in ASCII."""

    body: bytes
    id: bytes = b""
    timestamp: bytes = b""
    url: bytes = b""


@dataclass(frozen=True, slots=True)
class Template:
    """A template of what is signed: texts, and the *names* of placeholders between them."""

    text: str
    steps: tuple[bytes | int, ...]
    names: frozenset[str]

    @classmethod
    def parse(cls, text: str, *, adjacent: bool = False) -> Self:
        """Return the template that *text* spells; raises :class:`ConfigurationError`.

        Refused are an unknown placeholder, one that comes twice, a template that leaves the body
        unsigned, and two placeholders without a text between them, unless *adjacent*: where the
        form of their values keeps them apart, as digits before JSON.
        """
        literals_and_names = _PLACEHOLDER.split(text)
        names = literals_and_names[1::2]
        _check(text, names)
        if not adjacent:
            _check_boundaries(text, literals_and_names[2:-1:2])
        steps: list[bytes | int] = []
        for number, each in enumerate(literals_and_names):
            if number % 2:
                steps.append(SignedParts._fields.index(each))
            elif each:
                steps.append(each.encode())
        return cls(text, tuple(steps), frozenset(names))

    def render(self, parts: SignedParts) -> list[bytes]:
        """Return what is signed, in pieces."""
        return [parts[step] if isinstance(step, int) else step for step in self.steps]


def _check(text: str, names: list[str]) -> None:
    known = ", ".join(f"{{{name}}}" for name in SignedParts._fields)
    if unknown := [name for name in names if name not in SignedParts._fields]:
        message = f"The template {text!r} has the unknown placeholder {{{unknown[0]}}}."
        raise ConfigurationError(message, f"Use {known}.")
    if len(set(names)) < len(names):
        raise ConfigurationError(
            f"The template {text!r} names a placeholder twice.", "Name each of them once."
        )
    if "body" not in names:
        raise ConfigurationError(
            f"The template {text!r} leaves the body unsigned, so anyone could change it.",
            "Add {body}.",
        )


def _check_boundaries(text: str, between: list[str]) -> None:
    if not all(between):
        raise ConfigurationError(
            f"The template {text!r} has two placeholders side by side, so a byte could be moved "
            "from one to the other under the same signature.",
            "Put a character between them that neither has.",
        )
