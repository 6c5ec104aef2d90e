"""What makes the description of a sender unsafe, or unable to accept anything: refused at once."""

from __future__ import annotations

import re
from itertools import permutations
from math import isfinite
from typing import TYPE_CHECKING, NoReturn

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import Retries
from florentin_webhooks.senders.schemes.arguments import require_flags, require_list
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.keys import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from florentin_webhooks.senders.schemes.format import SignatureFormat
    from florentin_webhooks.senders.schemes.template import Template

__all__ = [
    "check_algorithms",
    "check_headers",
    "check_id",
    "check_spelling",
    "check_time",
    "find_encoding",
    "read_retries",
    "refuse",
]

_SEPARATORS = ("", " ", ",", ";")
_UNITS = (1, 1000, 1_000_000, 1_000_000_000)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110, 5.6.2)."""


def refuse(message: str, hint: str) -> NoReturn:
    """Raise :class:`ConfigurationError`."""
    raise ConfigurationError(message, hint)


def find_encoding(name: str) -> Encoding:
    """Return the encoding *name*."""
    try:
        return Encoding(name)
    except ValueError:
        refuse(f"The encoding {name!r} is unknown.", 'Use "hex" or "base64".')


def check_spelling(name: str) -> None:
    """Refuse a spelling of secrets that is unknown."""
    if name != "raw":
        find_encoding(name)


def check_headers(name: str, form: SignatureFormat) -> None:
    """Refuse a sender without a name, and headers that no request has, or that have two uses."""
    if not name.strip():
        refuse("The name of the sender is empty.", "Set name, which messages show.")
    used = [each for each in form.lookups if each]
    if not form.signature_header or not all(map(_TOKEN.fullmatch, used)):
        refuse("The name of a header is invalid.", "Use letters, digits and hyphens.")
    if len(set(used)) < len(used):
        refuse(
            "One header has two uses, so what is signed could be read as something else.",
            "Name a header for each, or use time_prefix for a time beside the signature.",
        )
    if form.separator not in _SEPARATORS:
        refuse(
            f"The separator {form.separator!r} may be part of a signature.", "Use , ; or a blank."
        )


def check_time(form: SignatureFormat, template: Template, per_second: int) -> None:
    """Refuse a time that is not signed, or that cannot be found."""
    if form.time_prefix and (form.timestamp_header or not form.separator):
        refuse(
            "time_prefix needs a separator, and no timestamp_header.",
            "Set a separator, or timestamp_header in place of time_prefix.",
        )
    if form.has_time and "timestamp" not in template.names:
        refuse(
            "The timestamp is not signed, so anyone could set it: judging it protects nothing.",
            "Add {timestamp} to signed, or remove the timestamp header.",
        )
    if "timestamp" in template.names and not form.has_time:
        refuse("The place of {timestamp} is missing.", "Set timestamp_header or time_prefix.")
    if per_second not in _UNITS:
        refuse(
            f"per_second is {per_second!r}, so the age of a delivery would be wrong.",
            "Use 1 for seconds, 1000 for milliseconds.",
        )


def check_id(form: SignatureFormat, template: Template, item_id: str) -> None:
    """Refuse an id that is signed and has no place, and an id of an item, *item_id*."""
    if "id" in template.names and not form.id_header:
        refuse("The place of {id} is missing.", "Set id_header.")
    if item_id:
        refuse(
            "The body is a list, so id_field would be the id of an item, not of the delivery.",
            "Remove id_field.",
        )


def check_algorithms(
    algorithms: Mapping[str, str], form: SignatureFormat, *, is_mapping: bool
) -> None:
    """Refuse unknown algorithms, and prefixes that do not separate signatures and times."""
    for algorithm in algorithms.values():
        if algorithm not in ALGORITHMS:
            refuse(f"The algorithm {algorithm!r} is unknown.", f"Use {', '.join(ALGORITHMS)}.")
    if not algorithms or (len(algorithms) > 1 and not all(algorithms)):
        refuse(
            "Several algorithms without a prefix each: the sender of a request could choose one.",
            "Map each prefix to its algorithm.",
        )
    if is_mapping and form.prefix:
        refuse("prefix has no effect beside a mapping of prefixes.", "Remove prefix.")
    prefixes = [*algorithms, form.time_prefix] if form.time_prefix else [*algorithms]
    for one, other in permutations(prefixes, 2):
        if one and other.startswith(one):
            refuse(
                f"{other!r} begins with {one!r}, so what follows could be read in two ways.",
                "Use prefixes of which none begins with another.",
            )
    if form.separator and any(form.separator in each for each in prefixes):
        refuse(
            f"A prefix contains the separator {form.separator!r}, so no signature would match.",
            "Use the separator that is between two whole signatures.",
        )


def read_retries(delays: Sequence[float], *, restamped: bool) -> Retries:
    """Return the retries after *delays*; refuse those that are not times.

    How long a delivery is remembered follows from them.
    """
    require_flags(restamped=restamped)
    require_list((int, float), "seconds", retries=delays)
    if not all(isfinite(each) and each >= 0 for each in delays):
        refuse("retries has a delay that is not a time.", "Write seconds, such as (60, 3600).")
    return Retries(tuple(delays), restamped)
