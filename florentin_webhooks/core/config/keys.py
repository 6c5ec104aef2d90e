"""The keys under which a source sets the fields of the configuration, and what is wrong there.

Each source (the environment, Flask's config, Django's settings, arguments in code) spells the
fields in its own way. All of them are read here, so that one mistake has one message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from florentin_webhooks.core.config.model import ReceiverConfig
from florentin_webhooks.core.config.stores import find_store
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.deprecation import warn_renamed
from florentin_webhooks.protocol.suggestions import closest_match
from florentin_webhooks.senders.secrets import describe_value

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "ARGUMENTS",
    "FIELDS",
    "ConfigKeys",
    "Problem",
    "Setting",
    "load_config",
    "raise_problems",
    "read_config",
]

FIELDS = tuple(ReceiverConfig.model_fields)
"""The names of all fields."""

_SPOOL_OPTIONS = ("spool_max_bytes", "spool_keys")
_STORE_OPTIONS = FIELDS[FIELDS.index("retention") : FIELDS.index("queue_retries")]
_QUEUE_OPTIONS = FIELDS[FIELDS.index("queue_retries") :]


class Problem(NamedTuple):
    """What is wrong with the configuration, and what to do; *field* is empty for a wrong key."""

    field: str
    message: str
    hint: str


class Setting(NamedTuple):
    """A value that is not yet validated, and the key that it was set by, as messages show it."""

    key: str
    value: object


@dataclass(frozen=True, slots=True)
class ConfigKeys:
    """The keys of one source.

    *fields* maps keys to fields, *renamed* old keys to new ones. All keys begin with *prefix*;
    *label* is the format in which messages show one, *noun* what they call one, *where* the name of
    the source, *secret* the place of the secret.
    """

    fields: Mapping[str, str]
    where: str
    secret: str
    prefix: str = ""
    label: str = "{}"
    noun: str = "key"
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])

    def assign(self, given: Mapping[Any, object], problems: list[Problem]) -> dict[str, Setting]:
        """Return the setting of each field in *given*; None means the default.

        Appends to *problems* each unknown key, and what is set twice.
        """
        settings: dict[str, Setting] = {}
        for key, value in given.items():
            name = self.fields.get(self._resolve(key))
            if name is None:
                problems.append(self._unknown_key(key))
                continue
            setting, before = Setting(self.label.format(key), value), settings.get(name)
            if before is None or before.value is None:
                settings[name] = setting
            elif value is not None:
                message = f"{before.key} and {setting.key} are both set."
                problems.append(Problem(name, message, "Keep one of them."))
        return settings

    def nearest(self, key: str, cutoff: float = 0.6) -> str | None:
        """Return the key that *key* resembles, at least by *cutoff*."""
        names = {name.removeprefix(self.prefix).upper(): name for name in self.fields}
        near = closest_match(key.upper().removeprefix(self.prefix), names, cutoff)
        return None if near is None else names[near]

    def _resolve(self, key: Any) -> Any:  # Any: the keys of a dict may be anything.
        if key not in self.renamed:
            return key
        new = self.renamed[key]
        warn_renamed(self.label.format(key), self.label.format(new), stacklevel=3)
        return new

    def _unknown_key(self, key: object) -> Problem:
        known = f"Use one of: {', '.join(self.fields)}."
        if not isinstance(key, str):
            return Problem(
                "", f"{self.where} has a {self.noun} of type {type(key).__name__}.", known
            )
        near = self.nearest(key)
        hint = f"Did you mean {near}?" if near else known
        return Problem("", f"{self.where} has no {self.noun} {key!r}.", hint)


_OWN = FIELDS[: FIELDS.index("spool") + 1]
ARGUMENTS = ConfigKeys({name: name for name in _OWN}, "Receiver", "secrets", noun="argument")
"""The arguments of ``Receiver``."""


def load_config(keys: ConfigKeys, given: Mapping[str, object]) -> ReceiverConfig:
    """Return the configuration in *given*. Raises :class:`ConfigurationError`."""
    problems: list[Problem] = []
    return raise_problems(read_config(keys, keys.assign(given, problems), problems))


def raise_problems(config: ReceiverConfig | list[Problem]) -> ReceiverConfig:
    """Return *config*. Raises :class:`ConfigurationError` if it is a list of problems."""
    if isinstance(config, ReceiverConfig):
        return config
    messages, hints = zip(*((each.message, each.hint) for each in config), strict=True)
    raise ConfigurationError(" ".join(messages), " ".join(dict.fromkeys(hints)))


def read_config(
    keys: ConfigKeys, settings: Mapping[str, Setting], problems: list[Problem]
) -> ReceiverConfig | list[Problem]:
    """Return the configuration in *settings*, or *problems* with all that are found in addition."""
    present = {name: each for name, each in settings.items() if each.value is not None}
    try:
        config = ReceiverConfig.model_validate({name: each.value for name, each in present.items()})
    except ValidationError as error:
        found = (_invalid(keys, settings, each) for each in error.errors(include_input=False))
        # A secret under a misspelt key is not missing.
        news = [each for each in found if not problems or each.field in present]
        return [*problems, *dict.fromkeys(news)]
    problems += _stray_options(present, config)
    return problems or config


def _invalid(keys: ConfigKeys, settings: Mapping[str, Setting], error: ErrorDetails) -> Problem:
    name = str(error["loc"][0])
    if error["type"] == "missing":
        hint = f"Set {keys.secret} to the secret from the sender's webhook settings."
        empty = settings.get(name) if keys is not ARGUMENTS else None
        message = f"{empty.key} is empty." if empty else "No secret is configured."
        return Problem(name, message, hint)
    key, value = settings[name]
    if error["type"] == "secret":
        context = error.get("ctx", {})
        # A secret from a variable of its own bears the name of that variable.
        place = "" if isinstance(value, Mapping) and key in value else f"{key}: "
        return Problem(name, f"{place}{context['message']}", context["hint"])
    message = describe_value(key, value)
    if error["type"] == "import_error" and not str(value).isspace():
        message = f"{key} is not the path of anything that can be imported."  # It may be a secret.
    description = ReceiverConfig.model_fields[name].description
    return Problem(name, message, f"Set {key} to {description}.")


def _stray_options(settings: Mapping[str, Setting], config: ReceiverConfig) -> Iterator[Problem]:
    """Yield a problem for each option that the chosen store or queue does not take."""
    store, queue, spool = config.store, config.queue, config.spool
    entry = find_store(store) if isinstance(store, str) else None
    for name in _STORE_OPTIONS if store is not None else ():
        if name in settings and (entry is None or name not in entry.options):
            yield _stray(settings[name].key, "store", store)
    for name in _QUEUE_OPTIONS if not isinstance(queue, str | None) else ():
        if name in settings:
            yield _stray(settings[name].key, "queue", queue)
    for name in _SPOOL_OPTIONS if not isinstance(spool, str) else ():
        if name in settings and spool is not None:
            yield _stray(settings[name].key, "spool", spool)
        elif name in settings:
            message = f"{settings[name].key} is set without a spool."
            yield Problem("spool", message, "Set the path of the spool, too, or remove it.")


def _stray(key: str, what: str, chosen: object) -> Problem:
    if isinstance(chosen, str):
        return Problem(what, f"{key} does not apply to this {what}.", "Remove it.")
    message = f"{key} cannot change a {what} that is already built."
    return Problem(what, message, f"Pass it to {type(chosen).__name__}(...) instead.")
