"""Names that a receiver cannot get are refused, with the nearest one that it can."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event
from florentin_webhooks.senders import GitHub
from florentin_webhooks.testing.kit.known_names import check_known

hooks = Receiver("a-secret-of-the-test-kit-s-tests")


@pytest.mark.parametrize(
    ("event", "data", "hint"),
    [
        ("invoice.create", {}, "Did you mean 'invoice.created'?"),
        ("payment.failed", {}, "Did you mean|Use one of: account.created"),
        ("invoice.created", {"invoices": {}}, "Did you mean 'invoice'?"),
        ("invoice.created", {"amount_due": 1}, 'Write invoice={"amount_due": ...}'),
        ("invoice.created", {"invoice": {"amount_dou": 1}}, "Did you mean 'amount_due'?"),
    ],
)
def test_unknown_name_is_refused_with_the_nearest(
    event: str, data: dict[str, Any], hint: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_known(hooks, event, data)
    assert any(each in raised.value.hint for each in hint.split("|"))


def test_event_that_a_handler_wants_is_known() -> None:
    github = Receiver("a-secret-of-the-test-kit-s-tests", sender=GitHub())
    github.on("issues.*")(print)
    check_known(github, "issues.opened", {"anything": 1})
    with pytest.raises(ConfigurationError, match="There is no event"):
        check_known(github, "issue.opened", {})


def test_unknown_event_is_known_where_it_is_wanted() -> None:
    other = Receiver("a-secret-of-the-test-kit-s-tests")
    other.on(Event)(print)
    check_known(other, "payment.failed", {"anything": 1})
    with pytest.raises(ConfigurationError, match="Did you mean"):
        check_known(other, "invoice.create", {})
