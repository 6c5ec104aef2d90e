"""Find misspelt events and data before a test passes for the wrong reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn, cast

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.event import OpenModel
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from florentin_webhooks.protocol.event import Event

__all__ = ["check_data", "check_event"]

_MISSPELT = 0.85
"""How like a known name an unknown one must be to be a misspelt one."""
_OPTION = "For others, use Provider(secret, check_names=False)."

Catalogue = Mapping[str, "type[Event]"]


def check_event(event: str, catalogue: Catalogue) -> None:
    """Raise :class:`ConfigurationError` for an event whose name is almost that of a known one."""
    match = None if event in catalogue else closest_match(event.lower(), catalogue, _MISSPELT)
    if match:
        raise ConfigurationError(
            f"There is no event {event!r}.", f"Did you mean {match!r}? {_OPTION}"
        )


def check_data(event: str, data: Mapping[str, object], catalogue: Catalogue) -> None:
    """Raise :class:`ConfigurationError` for data that the known *event* does not have.

    Inside of its objects only misspelt fields are refused, since Florentin may send more of them.
    """
    if event not in catalogue:
        return
    data_fields = _fields(catalogue[event].model_fields["data"].annotation)
    objects = {name: _fields(model) for name, model in data_fields.items()}
    for key, value in data.items() if objects else ():
        if key not in objects:
            _reject(event, key, objects)
        if isinstance(value, Mapping):
            _check_object(event, key, cast("Mapping[str, object]", value), objects[key])


def _check_object(
    event: str, name: str, given: Mapping[str, object], fields: Mapping[str, object]
) -> None:
    for key in given:
        match = None if key in fields else closest_match(key, fields, _MISSPELT)
        if match:
            raise ConfigurationError(
                f"{name} of {event!r} has no field {key!r}.", f"Did you mean {match!r}? {_OPTION}"
            )


def _reject(event: str, key: str, objects: Mapping[str, Mapping[str, object]]) -> NoReturn:
    inside = next((name for name, fields in objects.items() if key in fields), None)
    match = closest_match(key, objects)
    if inside:
        hint = f'Write {inside}={{"{key}": ...}}.'
    else:
        hint = f"Did you mean {match!r}?" if match else f"Use one of: {', '.join(objects)}."
    raise ConfigurationError(f"The data of {event!r} has no key {key!r}.", f"{hint} {_OPTION}")


def _fields(model: object) -> Mapping[str, object]:
    """Return the fields of *model* with their annotations; none if it is not a model."""
    if not (isinstance(model, type) and issubclass(model, OpenModel)):
        return {}
    return {name: field.annotation for name, field in model.model_fields.items()}
