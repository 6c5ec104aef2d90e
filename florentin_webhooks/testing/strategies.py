"""Strategies for hypothesis: events with any data, and deliveries as an attacker sends them.

Needs the package hypothesis, which nothing else here does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from hypothesis import strategies as st

from florentin_webhooks.protocol.suggestions import one_text
from florentin_webhooks.senders.florentin.samples import SAMPLES
from florentin_webhooks.testing.hostile import KINDS, HostileDeliveries, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HostileDeliveries", "event_data", "events", "hostile_deliveries"]

_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
_TEXT.validate()  # Builds a table of all characters, or the first test would be found too slow.
_NUMBERS = st.integers(-(2**53), 2**53)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_EXTRA = st.dictionaries(st.sampled_from(["x_new", "x_other", "x_third"]), _TEXT, max_size=2)


def events(names: Sequence[str] = tuple(SAMPLES)) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Return a strategy for the name and the data of an event, for ``deliver(name, **data)``."""
    if isinstance(names, str):
        raise one_text("names", names)
    return st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), event_data(name)))


def event_data(event: str) -> st.SearchStrategy[dict[str, Any]]:  # Any: JSON.
    """Return a strategy for the data of *event*: its sample with any values of the same types.

    Its objects may have more fields than are documented, as Florentin may send them.
    """
    return st.fixed_dictionaries(
        {name: _object(value) for name, value in SAMPLES.get(event, {}).items()}
    )


def hostile_deliveries(event: str, max_size: int = 6) -> st.SearchStrategy[HostileDeliveries]:
    """Return a strategy for deliveries of *event*: genuine, repeated, reordered and forged ones.

    ``hostile.send(webhooks)`` sends them; each of the ``hostile.genuine`` ones must count once.
    """
    step = st.builds(Step, st.sampled_from(KINDS), st.integers(0, 5), event_data(event))
    steps = st.lists(step, min_size=1, max_size=max_size)
    return steps.map(lambda drawn: HostileDeliveries(event, tuple(drawn)))


def _object(value: object) -> st.SearchStrategy[Any]:  # Any: JSON.
    if not isinstance(value, Mapping):
        return _like(value)
    fields = {name: _like(each) for name, each in cast("Mapping[str, object]", value).items()}
    known = st.fixed_dictionaries({}, optional=fields)
    return st.tuples(known, _EXTRA).map(lambda both: {**both[0], **both[1]})


def _like(value: object) -> st.SearchStrategy[Any]:  # Any: JSON.
    match value:
        case bool():
            return st.booleans()
        case int():
            return _NUMBERS
        case float():
            return _FLOATS
        case str():
            return _TEXT
        case _:
            return st.just(value)
