"""The sender that a command signs or verifies for, with its secrets: chosen, or the receiver's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import click

from florentin_webhooks import senders
from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.host import current_host
from florentin_webhooks.cli.inputs import environment_receiver_name, read_secrets
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.loader import add_working_directory, load
from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.fingerprint import Identity
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.protocol.suggestions import closest_match
from florentin_webhooks.senders.base import Signing
from florentin_webhooks.senders.key_material import key_materials
from florentin_webhooks.senders.secrets import Secrets, normalize_secrets

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.senders.base import Sender, SignatureScheme
    from florentin_webhooks.testing.delivery import SignedDelivery

__all__ = ["SenderContext", "SenderOptions", "find_sender", "sender_options"]

_OWN = {"HMACSender"}
"""Senders that need a description, and so an import path."""


@dataclass(frozen=True, slots=True)
class SenderOptions:
    """The options ``--sender`` and ``--app``, as they were typed."""

    sender: str | None = None
    app: str | None = None

    def open(self, secret_files: Sequence[str] = ()) -> SenderContext:
        """Return the chosen sender, or else that of the receiver, with its secrets.

        The secrets are those in *secret_files*, else the receiver's, else those of the environment.
        Raises UsageError.
        """
        hooks = self._receiver()
        own = hooks.secrets if hooks and not (self.sender and not self.app) else {}
        secrets = read_secrets(secret_files, dict(normalize_secrets(own)) if own else {})
        if self.sender:
            sender = find_sender(self.sender)
        else:
            sender = hooks.sender if hooks else DEFAULT_SENDER
        name = hooks.identity.name if hooks else environment_receiver_name()
        return SenderContext(sender, secrets, name)

    def _receiver(self) -> Receiver[object] | None:
        host = current_host()
        if self.app or host:
            return load(self.app or cast("Any", host).app)
        return None


@dataclass(frozen=True, slots=True)
class SenderContext:
    """A sender with secrets by name, and the *name* of the receiver."""

    sender: Sender
    secrets: Mapping[str, bytes]
    name: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it is Florentin."""
        return self.sender is DEFAULT_SENDER

    def scheme(self) -> SignatureScheme:
        """Return its scheme. Raises UsageError for a secret that a receiver would refuse."""
        try:
            return self.sender.scheme(cast("Secrets", self.secrets))
        except ConfigurationError as error:
            hint = f"Use the secret of {self.sender.name}'s settings"
            raise UsageError(
                error.message, f"{hint}; for tests, run: {suggest('secret new')}"
            ) from None

    def signing_scheme(self) -> Signing:
        """Return its scheme. Raises UsageError if it cannot sign."""
        scheme = self.scheme()
        if isinstance(scheme, Signing):
            return scheme
        if isinstance(self.sender, senders.SNS):
            raise UsageError(
                "Only Amazon has the key that signs messages of SNS.",
                "Use --app with a receiver whose sender is a SimulatedSNS, or send deliveries "
                "that you have captured.",
            )
        message = f"{self.sender.name} has a scheme that cannot sign here."
        raise UsageError(message, "Send deliveries that you have captured.")

    def fingerprint_of(self, delivery: SignedDelivery, url: str | None = None) -> str:
        """Return the fingerprint under which a receiver records *delivery*, sent to *url*.

        Raises InvalidSignature.
        """
        headers, now = HeaderMap(delivery.headers.items()), datetime.now(UTC)
        metadata = self.scheme().authenticate(headers, delivery.body, now, url)
        return self.fingerprint(delivery.body, metadata.delivery_id, metadata.secret)

    def fingerprint(self, body: bytes, delivery_id: str | None = None, secret: str = "") -> str:
        """Return the fingerprint under which a receiver records *body*.

        It was signed with the secret named *secret*, by default with the first one.
        """
        signed_id = delivery_id if self.sender.signs_delivery_id else None
        identity = Identity.of(key_materials(self.sender, self.secrets), self.name)
        return identity.identify(secret or next(iter(self.secrets)), body, signed_id)[2].hex()


def find_sender(text: str) -> Sender:
    """Return the sender that *text* names, or that is at the import path *text*.

    Raises UsageError.
    """
    if ":" in text:
        return _import_sender(text)
    known = {
        "florentin": "",
        **{_spell(name): name for name in senders.__all__ if name not in _OWN},
    }
    found = known.get(_spell(text))
    if found is None:
        match = closest_match(_spell(text), known)
        names = ", ".join(known)
        hint = f"Did you mean {match}?" if match else f"Use one of: {names}, or module:name."
        raise UsageError(f"There is no sender {text!r}.", hint)
    return cast("Sender", getattr(senders, found)()) if found else DEFAULT_SENDER


def _spell(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def _import_sender(path: str) -> Sender:
    add_working_directory()
    module, _, name = path.partition(":")
    hint = "Write module:name of a sender, such as shop.hooks:parcels, or the name of one of ours."
    try:
        value: object = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"Cannot import {path} ({type(error).__name__}).", hint) from None
    sender = value() if isinstance(value, type) else value
    if not all(hasattr(sender, each) for each in ("scheme", "parse", "name")):
        raise UsageError(f"{path} is not a sender but of type {type(value).__name__}.", hint)
    return cast("Sender", sender)


def sender_options(function: Callable[..., object]) -> Callable[..., object]:
    """Add ``--sender`` and ``--app`` to a command, which gets them as *chosen*."""

    @click.option("--sender", metavar="NAME", help="Stripe, GitHub..., or module:name of a sender.")
    @click.option("--app", metavar="APP", help="Use sender and secrets of this receiver.")
    @wraps(function)
    def with_sender(sender: str | None, app: str | None, **options: Any) -> object:  # Any: options.
        return function(chosen=SenderOptions(sender, app), **options)

    return with_sender
