"""What the pages are asked to do: send, replay, register an endpoint, set the faults."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.inspector.actions import Notice
from florentin_webhooks.simulator.webhooks.faults import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from florentin_webhooks.simulator.engine import Engine

    Form = Mapping[str, str]

__all__ = ["Actions", "Done"]

_REPLAY = re.compile(r"/deliveries/([0-9a-f]{24})/replay")
_REMOVE = re.compile(r"/endpoints/(\d{1,9})/remove")


class Done(NamedTuple):
    """What came of an action, and the relative URL of the page that shows it."""

    page: str
    notice: Notice


class Actions:
    """The actions on *engine*."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def perform(self, path: str, form: Form) -> Done | None:
        """Do what a form at *path* asks for; None for another path."""
        simple = {"/fire": self._fire, "/endpoints": self._register, "/faults": self._set_faults}
        if act := simple.get(path):
            return Done("settings", self._noticed(lambda: act(form)))
        if found := _REPLAY.fullmatch(path):
            key = found[1]
            return Done(f"../{key}", self._noticed(lambda: self._replay(key, form)))
        if found := _REMOVE.fullmatch(path):
            self._engine.remove_endpoint(int(found[1]))
            return Done("../../settings", Notice("Removed. It gets no more deliveries."))
        return None

    def _noticed(self, act: Callable[[], str]) -> Notice:
        try:
            return Notice(act())
        except ConfigurationError as error:
            return Notice(f"Not done: {error}", ok=False)

    def _fire(self, form: Form) -> str:
        event = form.get("event", "")
        ids = self._engine.fire(event, fault=_fault(form))
        if not ids:
            raise ConfigurationError("There is no endpoint.", "Register one first.")
        return f"Sent {event}: {', '.join(ids)}."

    def _replay(self, key: str, form: Form) -> str:
        if not self._engine.replay(key, _fault(form)):
            raise ConfigurationError(
                "It is under way, or its endpoint was removed.", "Wait for its attempt to end."
            )
        return "Replayed: it is sent again as it was."

    def _register(self, form: Form) -> str:
        url = form.get("url", "").strip()
        self._engine.add_endpoint(url, form.get("secret", ""))
        return f"Deliveries go to {url} from now on."

    def _set_faults(self, form: Form) -> str:
        rates = {each: _percent(form.get(each, "")) for each in Fault}
        chosen = {fault: rate for fault, rate in rates.items() if rate}
        self._engine.faults = Faults(MappingProxyType(chosen), self._engine.faults.seed)
        return f"Faults: {', '.join(chosen)}." if chosen else "Nothing goes wrong any more."


def _fault(form: Form) -> Fault | None:
    name = form.get("fault", "")
    return Fault(name) if name in set(Fault) else None


def _percent(text: str) -> float:
    try:
        return float(text or 0) / 100
    except ValueError:
        raise ConfigurationError(
            f"{text[:20]!r} is not a number.", "Write a share in percent, such as 5."
        ) from None
