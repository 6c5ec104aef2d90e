"""What stands between sender and receiver is known by its answer to an unsigned request."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.doctor.check import State
from florentin_webhooks.cli.doctor.outside.exchange import Exchange
from florentin_webhooks.cli.doctor.outside.reply import check_reply
from florentin_webhooks.protocol.delivery import Outcome

URL = "http://shop.example/hooks"


def answer(status: int, text: str = "", **headers: str) -> Exchange:
    return Exchange(URL, status, headers=headers, text=text)


def redirect(location: str) -> Exchange:
    return answer(302, location=location)


def ours(outcome: Outcome) -> Exchange:
    return Exchange(URL, outcome.status, outcome.value)


MISTAKES = [
    (redirect("/hooks/"), "redirect-slash", "exactly http://shop.example/hooks/"),
    (redirect("https://shop.example/hooks"), "redirect-https", "https://shop.example/hooks"),
    (redirect("http://www.shop.example/hooks"), "redirect-host", "http://www.shop.example/hooks"),
    (redirect("/en/hooks"), "redirect", "http://shop.example/en/hooks"),
    (redirect("/accounts/login/?next=/hooks"), "login", "Exempt its path"),
    (redirect("https://sso.shop.example/start"), "login", "Exempt its path"),
    (answer(401, **{"www-authenticate": "Basic"}), "login", "Exempt the path"),
    (answer(200, '<input type="password">'), "login", "Exempt the path"),
    (answer(403, "CSRF verification failed. Request aborted."), "csrf", "webhook_path"),
    (answer(400, "The CSRF token is missing."), "csrf", "webhook_path"),
    (answer(400, "Invalid host header"), "host", "ALLOWED_HOSTS"),
    (answer(400, "<h1>Bad Request (400)</h1>"), "host", "ALLOWED_HOSTS"),
    (answer(403, "Just a moment..."), "bot-check", "bot protection"),
    (
        answer(400, "The plain HTTP request was sent to HTTPS port"),
        "url-scheme",
        "https:// in the URL",
    ),
    (answer(404), "route", "Compare the path"),
    (answer(405), "method", 'methods=["POST"]'),
    (answer(411), "length", "as they come"),
    (answer(413), "proxy-limit", "Raise its limit"),
    (answer(429), "rate-limit", "Exempt the path"),
    (answer(502), "upstream", "Start the program"),
    (answer(500, "<title>Log in failed</title>"), "program-error", "log of the program"),
    (answer(200, "Welcome"), "another-program", "Correct the path"),
    (answer(403, "Forbidden"), "refused", "compare the logs"),
    (ours(Outcome.UNAVAILABLE), "receiver-store", "See the log"),
    (ours(Outcome.BODY_UNAVAILABLE), "body-read", "in front of that middleware"),
    (ours(Outcome.READ_TIMEOUT), "body-lost", "Check proxy and server"),
    (ours(Outcome.UNSUPPORTED_ENCODING), "body-compressed", "Turn that off"),
    (ours(Outcome.METHOD_NOT_ALLOWED), "method", "rewrite rules"),
    (ours(Outcome.TOO_LARGE), "body-limit", "Raise max_body"),
    (ours(Outcome.PROCESSED), "unsigned", "Check which program"),
    (Exchange(URL, error="address"), "url-address", "DNS"),
    (Exchange(URL, error="certificate", detail="expired"), "url-certificate", "Renew it"),
]


@pytest.mark.parametrize(("sent", "name", "fix"), MISTAKES)
def test_obstacle_is_named_with_its_fix(sent: Exchange, name: str, fix: str) -> None:
    check = check_reply(sent)
    assert (check.name, check.state) == (name, State.FAIL)
    assert fix in check.hint


def test_refused_unsigned_request_is_right() -> None:
    check = check_reply(ours(Outcome.INVALID_SIGNATURE))
    assert (check.name, check.state) == ("receiver", State.OK)
