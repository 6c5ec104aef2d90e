"""The fields of requests: each one reads a value, and describes itself as JSON Schema."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from florentin_webhooks.simulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Schema = Mapping[str, object]

__all__ = ["Choice", "Choices", "Field", "Invalid", "Kind", "Text", "Whole", "read_fields"]


class Invalid(ValueError):
    """A value that a field refuses; the text says what it must be."""


class Kind(Protocol):
    """What a field may hold."""

    @property
    def schema(self) -> Schema:
        """The JSON Schema of a valid value."""
        ...

    def read(self, value: object) -> object:
        """Return *value*; raises Invalid that says what it must be."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text of 1 to *longest* characters that matches *pattern*; *what* names it in errors."""

    longest: int = 200
    pattern: str = ""
    what: str = ""

    @property
    def schema(self) -> Schema:
        """The JSON Schema of a valid value."""
        limits = {"type": "string", "minLength": 1, "maxLength": self.longest}
        return {**limits, "pattern": f"^{self.pattern}$"} if self.pattern else limits

    def read(self, value: object) -> object:
        """Return *value*; raises Invalid that says what it must be."""
        if not isinstance(value, str):
            raise Invalid("must be a text")
        if not value:
            raise Invalid("is empty")
        if len(value) > self.longest:
            raise Invalid(f"must have at most {self.longest} characters")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise Invalid(f"must be {self.what}")
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two limits."""

    least: int = 0
    most: int = 10**12

    @property
    def schema(self) -> Schema:
        """The JSON Schema of a valid value."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def read(self, value: object) -> object:
        """Return *value*, also from the text of a query; raises Invalid."""
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():  # In JSON, 1.0 is a whole number.
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Invalid("must be a whole number")
        if not self.least <= value <= self.most:
            raise Invalid(f"must be between {self.least} and {self.most}")
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some texts."""

    values: tuple[str, ...]

    @property
    def schema(self) -> Schema:
        """The JSON Schema of a valid value."""
        return {"type": "string", "enum": list(self.values)}

    def read(self, value: object) -> object:
        """Return *value*; raises Invalid that says what it must be."""
        if value not in self.values:
            raise Invalid(f"must be one of: {', '.join(self.values)}")
        return value


@dataclass(frozen=True, slots=True)
class Choices:
    """A list of at least one of some texts, each once."""

    values: tuple[str, ...]

    @property
    def schema(self) -> Schema:
        """The JSON Schema of a valid value."""
        items = {"type": "string", "enum": list(self.values)}
        return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}

    def read(self, value: object) -> object:
        """Return *value*; raises Invalid that says what it must be."""
        given = cast("list[object]", value) if isinstance(value, list) else []
        texts = [each for each in given if each in self.values]
        if not given or len(texts) != len(given) or len({*texts}) != len(given):
            raise Invalid(f"must be a list of: {', '.join(self.values)}")
        return texts


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body, or a parameter of a query."""

    name: str
    kind: Kind = field(default_factory=Text)
    required: bool = True
    description: str = ""


def read_fields(given: Mapping[str, object], fields: Sequence[Field]) -> dict[str, object]:
    """Return the values of *fields* in *given*; others are ignored, missing ones left out.

    Raises :class:`Refusal` with 422 for the first that is wrong. An empty required text is missing.
    """
    read: dict[str, object] = {}
    for each in fields:
        value = given.get(each.name)
        if value is None or (value == "" and each.required):
            if each.required:
                raise Refusal(422, f"{each.name} is required")
            if each.name not in given:
                continue
        try:
            read[each.name] = each.kind.read(value)
        except Invalid as error:
            raise Refusal(422, f"{each.name} {error}") from None
    return read
