"""What exactly a sender signs, as a template: ``{id}.{timestamp}.{body}``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.errors import ConfigurationError, InvalidSignature

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["Side", "SignedValues", "Template"]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BODY = "body"


class SignedValues(NamedTuple):
    """The values of the placeholders beside ``{body}``; None where a request has none."""

    id: str | None = None
    timestamp: str | None = None
    url: str | None = None


_Values = tuple[Any, ...]  # Any: they are texts here, bytes elsewhere.


class Side(NamedTuple):
    """The text on one side of the body: *form* for bytes, and what picks its values.

    *join* does the same with id and timestamp of bytes, which are already checked, and the URL.
    """

    form: bytes
    pick: Callable[[_Values], _Values]
    join: Callable[[bytes, bytes, Any], bytes]

    def render(self, values: SignedValues) -> bytes:
        """Return the text with its *values*; raises :class:`InvalidSignature`."""
        chosen = self.pick(values)
        if None in chosen:
            raise InvalidSignature("missing")
        try:
            return self.form % tuple([each.encode() for each in chosen])
        except UnicodeEncodeError:
            raise InvalidSignature("malformed") from None


@dataclass(frozen=True, slots=True)
class Template:
    """A template of what is signed, and the *names* of its placeholders."""

    text: str
    names: frozenset[str]
    before: Side | None = field(init=False, repr=False, compare=False)
    """What is signed before the body, None for nothing."""
    after: Side | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        before, after = self.text.split(f"{{{_BODY}}}")
        object.__setattr__(self, "before", _parse_side(before))
        object.__setattr__(self, "after", _parse_side(after))

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

    def render(self, body: bytes, values: SignedValues) -> tuple[bytes, ...]:
        """Return what is signed, in pieces, since a body is not copied.

        Raises :class:`InvalidSignature` where a value is missing, or cannot be encoded.
        """
        before = self.before.render(values) if self.before else b""
        return before, body, self.after.render(values) if self.after else b""


def _parse_side(text: str) -> Side | None:
    """Return the side that *text* spells, None for nothing."""
    if not text:
        return None
    literals_and_names = _PLACEHOLDER.split(text)
    literals = [literal.encode().replace(b"%", b"%%") for literal in literals_and_names[::2]]
    places = [SignedValues._fields.index(name) for name in literals_and_names[1::2]]
    # By a slice, one value is a tuple, too, and none is an empty one.
    first = places[0] if places else 0
    several = len(places) > 1
    pick = itemgetter(*places) if several else itemgetter(slice(first, first + len(places)))
    form = b"%b".join(literals)
    return Side(form, pick, _compile_join(form, pick, literals_and_names))


def _compile_join(
    form: bytes, pick: Callable[[_Values], _Values], literals_and_names: list[str]
) -> Callable[[bytes, bytes, Any], bytes]:
    """Return :attr:`Side.join`: of the usual templates by a function that formats nothing."""
    literals, names = [text.encode() for text in literals_and_names[::2]], literals_and_names[1::2]
    join, first, last = b"".join, literals[0], literals[-1]
    if names == ["id", "timestamp"]:
        middle = literals[1]
        return lambda number, time, _: join((first, number, middle, time, last))
    if names == ["timestamp"]:
        return lambda _, time, __: join((first, time, last))
    if names == ["url"]:
        return lambda _, __, url: join((first, url.encode(), last))
    return lambda number, time, url: form % pick((number, time, url and url.encode()))


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
            "Copy the characters between them from the sender's documentation. Without any, derive "
            "a class from TemplateSender, as that of Discord.",
        )
