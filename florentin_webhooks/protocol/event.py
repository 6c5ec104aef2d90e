"""Events as types: the base classes of every sender's events, and how a body becomes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, dataclass_transform, get_args

from pydantic import AwareDatetime, BaseModel, Field, PrivateAttr, ValidationError

from florentin_webhooks.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    # Shows type checkers that subclasses are frozen, too, so that none has to repeat frozen=True;
    # pydantic itself inherits that. The public name of this class, type(BaseModel), is not one
    # that mypy follows.
    from pydantic._internal._model_construction import ModelMetaclass

    @dataclass_transform(
        kw_only_default=True, frozen_default=True, field_specifiers=(Field, PrivateAttr)
    )
    class _Frozen(ModelMetaclass): ...
else:
    _Frozen = type(BaseModel)

__all__ = [
    "PROBE_EVENT",
    "Event",
    "EventCopies",
    "GenericEvent",
    "OpenModel",
    "UnknownEvent",
    "copy_event",
    "event_names",
    "parse_event",
]

PROBE_EVENT = "florentin-webhooks.probe"
"""The event of a signed request that asks whether deliveries arrive: it never has a handler.

A receiver answers it as an event that no handler wants, and remembers it in no case.
"""

_ARRAY: Any = list  # Any: type checkers narrow an unknown value by it to one of unknown parts.
_CONTAINERS = frozenset({dict, list})

MAX_PROBLEMS = 20
MAX_PATH = 100
"""How many problems an error names, and how many characters of each place in the payload."""


class OpenModel(
    BaseModel, metaclass=_Frozen, frozen=True, extra="allow", hide_input_in_errors=True
):
    """An object whose unknown fields are kept in ``model_extra``."""


class Event(OpenModel):
    """Base class of all events.

    *event* is the name of its type. *timestamp* is signed where the sender signs one. The repr
    leaves *data* out, so that a careless log line cannot contain a payload.
    """

    event: str
    timestamp: AwareDatetime
    data: Any  # Each event narrows this; an unknown type has any JSON value.

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        yield "event", self.event
        yield "timestamp", self.timestamp


class UnknownEvent(Event):
    """An event whose type is missing from the catalogue; *data* is any JSON value."""


class GenericEvent(Event):
    """An event that a handler subscribes to by its name alone; *data* is any JSON value."""


def event_names(model: type[Event]) -> tuple[str, ...]:
    """Return the names that *model* declares as ``event: Literal[...]``."""
    names = get_args(model.model_fields["event"].annotation)
    return tuple(name for name in names if isinstance(name, str))


def parse_event(name: str, envelope: Mapping[str, object], model: type[Event]) -> Event:
    """Return *envelope* as a *model*.

    Raises :class:`InvalidEvent`, which names fields and never their values.
    """
    try:
        # As model_validate, whose only other work is to check its own arguments.
        event: Event = model.__pydantic_validator__.validate_python(envelope)
    except ValidationError as error:
        problems = _problems(error)
    except Exception as error:  # noqa: BLE001 - a user's validator may raise anything.
        # Not chained, since its text and its traceback may hold the payload.
        problems = [f"{model.__name__} raised {type(error).__name__}"]
    else:
        return event
    raise InvalidEvent(name, problems)


def copy_event(name: str, envelope: Mapping[str, object], model: type[Event]) -> Event:
    """Return another event of *envelope*, as :class:`EventCopies` does."""
    return EventCopies(name, envelope, model)()


class EventCopies:
    """Other events of *envelope*, which share no dict and no list with the first or each other.

    Validating again takes a third of the time of a deep copy.
    """

    def __init__(self, name: str, envelope: Mapping[str, object], model: type[Event]) -> None:
        self._name = name
        self._envelope = envelope
        self._model = model
        self._places: list[tuple[int, Any]] | None = None

    def __call__(self) -> Event:
        """Return another event; raises :class:`InvalidEvent`."""
        places = self._places
        if places is None:
            places = self._places = _find_places(self._envelope)
        copied: Any = dict(self._envelope)
        copies = [copied]
        for parent, key in places:
            container = copies[parent]
            container[key] = inner = container[key].copy()
            copies.append(inner)
        return parse_event(self._name, copied, self._model)


def _find_places(document: Any) -> list[tuple[int, Any]]:
    """Return where decoded JSON has dicts and lists: the number of the outer one, and the key.

    They are counted in the order of these places, from 1; *document* is number 0.
    """
    places: list[tuple[int, Any]] = []
    containers = [document]
    for number, container in enumerate(containers):  # It grows meanwhile.
        pairs = enumerate(container) if type(container) is _ARRAY else container.items()
        for key, value in pairs:
            if type(value) in _CONTAINERS:
                places.append((number, key))
                containers.append(value)
    return places


def _problems(error: ValidationError) -> list[str]:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    named = [_problem(each["loc"], each["type"]) for each in details[:MAX_PROBLEMS]]
    more = len(details) - len(named)
    return [*named, f"and {more} more"] if more else named


def _problem(location: tuple[int | str, ...], kind: str) -> str:
    # Keys of a dict are the sender's words: cut and escaped, they cannot fill or forge a log.
    path = ".".join(map(str, location))[:MAX_PATH].encode("unicode_escape").decode()
    return f"{path}: {kind}"
