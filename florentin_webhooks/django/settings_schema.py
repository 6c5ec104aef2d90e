"""Say what may stand in ``settings.FLORENTIN_WEBHOOKS``: the type of each key, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from florentin_webhooks.core.suggestions import closest_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "DURATION_KEYS",
    "KEYS",
    "OF_QUEUES",
    "SETTING",
    "Problem",
    "RawSettings",
    "find_problems",
]

SETTING = "FLORENTIN_WEBHOOKS"

RawSettings = Mapping[Any, Any]  # Any: whatever stands in the settings.


class Problem(NamedTuple):
    """Hold what is wrong with the settings, and what to do, under the number of a check."""

    number: str
    text: str
    hint: str


class SettingSpec(NamedTuple):
    """Hold what a value may be; *least* and *most* bound numbers, and durations in seconds."""

    types: Any  # Any: what isinstance takes.
    what: str
    least: float = -inf
    most: float = inf

    def misfit(self, value: object) -> str | None:
        """Say what *value* is instead, None where it fits."""
        is_stray = isinstance(value, bool) and self.types is not bool  # It is an int, too.
        if is_stray or not isinstance(value, self.types):
            return type(value).__name__
        number = value.total_seconds() if isinstance(value, timedelta) else value
        if not isinstance(number, int | float) or self.least <= number <= self.most:
            return None
        return "out of range"


_SECONDS = (timedelta, int, float)
_MOST = 2**31 - 1  # What every database can count to, and in seconds 68 years.
_SPAN = SettingSpec(_SECONDS, "a timedelta, or a number of seconds, more than 0", 1e-6, _MOST)
_SECRETS = "a secret, a list, or a dict of names to secrets"
KEYS: Mapping[str, SettingSpec] = {
    "SECRETS": SettingSpec((str, bytes, list, tuple, dict), _SECRETS),
    "STORE": SettingSpec(object, "a store"),
    "DATABASE": SettingSpec(str, "an alias of DATABASES"),
    "QUEUE": SettingSpec((str, dict), 'the name of a queue, or a dict with "NAME"'),
    "TOLERANCE": _SPAN,
    "LEEWAY": SettingSpec(_SECONDS, "a timedelta, or a number of seconds, 0 or more", 0, _MOST),
    "TIMEOUT": _SPAN,
    "RETENTION": _SPAN,
    "LEASE": _SPAN,
    "KEEP": _SPAN,
    "HISTORY": SettingSpec(int, "a number of deliveries, 0 or more", 0, _MOST),
    "MAX_BODY": SettingSpec(int, "a number of bytes, 1 or more", 1, _MOST),
}
OF_QUEUES: Mapping[str, SettingSpec] = {
    "NAME": SettingSpec(str, "the name of a queue"),
    "RETRIES": SettingSpec((list, tuple), "a list of whole seconds"),
    "TIMEOUT": SettingSpec(int, "a number of seconds, 1 or more", 1, _MOST),
    "ERROR_TEXT": SettingSpec(bool, "True or False"),
}
DURATION_KEYS = frozenset(key for key, kind in KEYS.items() if kind.types is _SECONDS)
"""The keys of durations."""


def find_problems(settings: RawSettings) -> Iterator[Problem]:
    """Tell what in *settings* has no such key, or cannot be meant by its key."""
    yield from _unknown(settings, KEYS, SETTING)
    yield from _unfit(settings, KEYS, "E001", SETTING)
    queue = settings.get("QUEUE")
    if isinstance(queue, dict):
        where = f"{SETTING}['QUEUE']"
        yield from _unknown(cast("RawSettings", queue), OF_QUEUES, where)
        yield from _unfit(cast("RawSettings", queue), OF_QUEUES, "E005", where)


def _unknown(settings: RawSettings, known: Iterable[str], where: str) -> Iterator[Problem]:
    for key in settings:
        if not isinstance(key, str):
            fact = f"{where} has a key that is {type(key).__name__}"
            yield Problem("E002", fact, f"it takes {', '.join(known)}")
        elif key not in known:
            near = closest_match(key.upper(), known)
            hint = f"did you mean {near!r}?" if near else f"it takes {', '.join(known)}"
            yield Problem("E002", f"{where} has no key {key!r}", hint)


def _unfit(
    settings: RawSettings, kinds: Mapping[str, SettingSpec], number: str, where: str
) -> Iterator[Problem]:
    for key, kind in kinds.items():
        found = kind.misfit(settings[key]) if key in settings else None
        if found is not None:
            fact = f"{where}[{key!r}] is {found}, not {kind.what}"
            yield Problem(number, fact, f"give {key} {kind.what}, or remove it")
