"""What exactly a sender signs, as a template: ``{id}.{timestamp}.{body}``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, cast

from florentin_webhooks.errors import ConfigurationError, InvalidSignature

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Render", "SignedValues", "Template"]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BODY = "body"


class SignedValues(NamedTuple):
    """The values of the placeholders beside ``{body}``; None where a request has none."""

    id: str | None = None
    timestamp: str | None = None
    url: str | None = None


Render = Callable[[bytes, tuple[str | None, str | None, str | None]], tuple[bytes, ...]]
"""Returns what is signed, in pieces, of a body and :class:`SignedValues`.

Raises :class:`InvalidSignature` where a value is missing, or cannot be encoded.
"""


@dataclass(frozen=True, slots=True)
class Template:
    """A template of what is signed, and the *names* of its placeholders."""

    text: str
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
        return cls(text, frozenset(names))

    def compile(self) -> Render:
        """Return the function that renders the template; made once, it copies no body."""
        before, after = map(_compile_text, self.text.split(f"{{{_BODY}}}"))
        if before is None and after is None:
            return lambda body, _values: (body,)
        if after is None and before is not None:
            return lambda body, values: (before(values), body)
        return lambda body, values: (
            before(values) if before else b"",
            body,
            after(values) if after else b"",
        )


def _compile_text(text: str) -> Callable[[tuple[str | None, ...]], bytes] | None:
    """Return the function that renders what is before or after the body, None for nothing."""
    literals_and_names = _PLACEHOLDER.split(text)
    places = [SignedValues._fields.index(name) for name in literals_and_names[1::2]]
    if not places:
        constant = text.encode()
        return (lambda _values: constant) if constant else None
    form = "%s".join(literal.replace("%", "%%") for literal in literals_and_names[::2])
    # By a slice, one value is a tuple, too.
    first = places[0]
    pick = itemgetter(*places) if places[1:] else itemgetter(slice(first, first + 1))

    def render(values: tuple[str | None, ...]) -> bytes:
        chosen = cast("tuple[str | None, ...]", pick(values))
        if None in chosen:
            raise InvalidSignature("missing")
        try:
            return (form % chosen).encode()
        except UnicodeEncodeError:
            raise InvalidSignature("malformed") from None

    return render


def _check(text: str, names: list[str]) -> None:
    fields = (_BODY, *SignedValues._fields)
    known = ", ".join(f"{{{name}}}" for name in fields)
    if unknown := [name for name in names if name not in fields]:
        message = f"The template {text!r} has the unknown placeholder {{{unknown[0]}}}."
        raise ConfigurationError(message, f"Use {known}.")
    if len(set(names)) < len(names):
        raise ConfigurationError(
            f"The template {text!r} names a placeholder twice.", "Name each of them once."
        )
    if _BODY not in names:
        raise ConfigurationError(
            f"The template {text!r} leaves the body unsigned, so anyone could change it.",
            "Add {body}.",
        )


def _check_boundaries(text: str, between: list[str]) -> None:
    for each in filter(str.isalnum, between):
        raise ConfigurationError(
            f"The template {text!r} has only {each!r} between two placeholders, which may be part "
            "of a value, so a byte could be moved from one to the other.",
            "Copy the characters between them from the sender's documentation.",
        )
    if not all(between):
        raise ConfigurationError(
            f"The template {text!r} has two placeholders side by side, so a byte could be moved "
            "from one to the other under the same signature.",
            "Put a character between them that neither has.",
        )
