"""The beginning of a handler, for the fields that a captured delivery has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.inspector.views.snippets import path_of

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["HandlerStub"]

_MOST_FIELDS = 40
_LONGEST_NAME = 120
# Any: type checkers narrow an unknown value by these to one of unknown parts.
_OBJECT: Any = dict
_ARRAY: Any = list
_NO_WORD = re.compile(r"\W+")
_CODE = '''\
from florentin_webhooks import Delivery{names}
{imports}
from {module} import {variable}


@{variable}.on("{event}")
def handle_{word}(event: {model}, delivery: Delivery) -> None:
    """Handle {event}: once for each delivery, and again if it fails.

{fields}
    """
    raise NotImplementedError  # For other services: delivery.idempotency_key("effect").
'''


@dataclass(frozen=True, slots=True)
class HandlerStub:
    """A handler of *event* for the receiver at *path*; *model* is the class of its events."""

    path: str
    event: str
    model: type | None
    is_default: bool
    content: object = field(repr=False)

    @classmethod
    def of(cls, hooks: Receiver[object], event: str, body: object) -> HandlerStub:
        """Return the stub for a delivery of *event*, whose body is JSON."""
        is_default = hooks.sender is DEFAULT_SENDER
        content = _data(body) if is_default else body
        return cls(path_of(hooks), event, hooks.models.get(event), is_default, content)

    def code(self) -> str:
        """Return the text of the module."""
        module, _, variable = self.path.partition(":")
        shown = [*_fields(self.content)][:_MOST_FIELDS]
        return _CODE.format(
            names=", events" if self.is_default else "",
            imports=self._imports(),
            module=module,
            variable=variable.partition(".")[0] or "hooks",
            event=_escape(self.event),
            word=_NO_WORD.sub("_", self.event).strip("_") or "event",
            model=self._model_name(),
            fields="\n".join(f"    {line}" for line in ["event.data has:", *shown]),
        )

    def _model_name(self) -> str:
        if self.model is None:
            return "Event" if not self.is_default else "events.Event"
        return f"events.{self.model.__name__}" if self.is_default else self.model.__name__

    def _imports(self) -> str:
        if self.is_default:
            return ""
        module = "florentin_webhooks.events" if self.model is None else self.model.__module__
        return f"from {module} import {self._model_name()}\n"


def _data(body: object) -> object:
    return cast("Mapping[str, object]", body).get("data") if isinstance(body, _OBJECT) else None


def _fields(value: object, path: str = "") -> Iterator[str]:
    """Yield the path and the type of each value; of a list only the first item counts."""
    if isinstance(value, _OBJECT) and value:
        for name, inner in cast("Mapping[str, object]", value).items():
            yield from _fields(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, _ARRAY) and value:
        yield from _fields(cast("Sequence[object]", value)[0], f"{path}[]")
    elif path:
        yield f"  {_escape(path)}: {type(value).__name__}"


def _escape(name: str) -> str:
    """Return a name of the sender's own in a form that cannot end a text of the module."""
    return name[:_LONGEST_NAME].encode("unicode_escape").decode().replace('"', "'")
