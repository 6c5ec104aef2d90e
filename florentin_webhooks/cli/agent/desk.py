"""What the tools for agents work on, over what the command line knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.cli.agent.child import find_problems, replay
from florentin_webhooks.cli.context import load_shared
from florentin_webhooks.cli.invocation import export_pythonpath
from florentin_webhooks.cli.sender_context import SenderContext
from florentin_webhooks.cli.verification.request import verify
from florentin_webhooks.mcp.answers import Cause, Finding, Verification
from florentin_webhooks.mcp.desk import Desk, Rights, ToolFailure
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.senders.secrets import normalize_secrets

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.mcp.desk import Verify

__all__ = ["build_desk", "verifier"]


def build_desk(app: str, rights: Rights) -> Desk:
    """Return what the tools of the receiver *app* work on. Raises UsageError."""
    hooks = load_shared(app).hooks
    export_pythonpath()
    return Desk(hooks, verifier(hooks), _doctor(app), partial(replay, app), rights)


def verifier(hooks: Receiver[object]) -> Verify:
    """Return the check of captured requests against the secrets of *hooks*."""

    def check(headers: Mapping[str, str], body: bytes, url: str | None) -> Verification:
        if not hooks.secrets:
            raise ToolFailure(
                "A function looks the secrets up for each request.",
                "Use: florentin-webhooks verify FILE --headers FILE --secret-file FILE",
            )
        secrets = dict(normalize_secrets(cast("Any", hooks.secrets)))  # Any: no function here.
        context = SenderContext(hooks.sender, secrets, hooks.identity.name)
        found = verify(context, HeaderMap(headers), body, url, {})
        causes = [Cause(each.code, each.message, each.hint) for each in found.causes]
        is_valid = bool(found.secret)
        return Verification(is_valid, found.secret, found.fingerprint, found.reason, causes)

    return check


def _doctor(app: str) -> Callable[[], Iterator[Finding]]:
    def run() -> Iterator[Finding]:
        for found in find_problems(app):
            yield Finding(found["check"], found["state"], found["message"], found["hint"])

    return run
