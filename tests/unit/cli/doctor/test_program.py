"""Tools that would keep bodies, and servers that lose them, are found in what is loaded."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from florentin_webhooks.cli.doctor.program import ProgramFacts, check_program, find_sentry

QUIET = {"max_request_body_size": "never", "include_local_variables": False}
OTEL = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST"

MISTAKES = [
    (
        ProgramFacts(sentry={**QUIET, "max_request_body_size": "medium"}),
        "sentry-bodies",
        'max_request_body_size="never"',
    ),
    (
        ProgramFacts(sentry={"max_request_body_size": "never"}),
        "sentry-locals",
        "include_local_variables=False",
    ),
    (
        ProgramFacts(environment={OTEL: "host,x-florentin-signature"}),
        "tracer-headers",
        "without it",
    ),
    (
        ProgramFacts(["elasticapm"], environment={"ELASTIC_APM_CAPTURE_BODY": "errors"}),
        "apm-bodies",
        "ELASTIC_APM_CAPTURE_BODY=off",
    ),
    (ProgramFacts(["a2wsgi.wsgi"]), "server-bodies", "buffer requests"),
    (ProgramFacts(["hypercorn"]), "server-bodies", "docs/servers.md"),
    (
        ProgramFacts(["uvicorn", "uvicorn.protocols.http.httptools_impl"]),
        "server-bodies",
        "--http h11",
    ),
    (
        ProgramFacts(["gunicorn", "uvicorn.protocols.http.httptools_impl"]),
        "server-bodies",
        "uvicorn_worker.UvicornH11Worker",
    ),
    (ProgramFacts(has_full_tracebacks=True), "tracebacks", "redacted"),
]


@pytest.mark.parametrize(("facts", "name", "fix"), MISTAKES)
def test_mistake_is_found_with_its_fix(facts: ProgramFacts, name: str, fix: str) -> None:
    (check,) = check_program(facts)
    assert check.name == name
    assert fix in check.hint


def test_quiet_program_has_no_finding() -> None:
    facts = ProgramFacts(["uvicorn", "elasticapm"], QUIET, {OTEL: "host"})
    assert list(check_program(facts)) == []


def test_sentry_counts_once_it_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    client = SimpleNamespace(options={"dsn": None})
    monkeypatch.setitem(sys.modules, "sentry_sdk", SimpleNamespace(get_client=lambda: client))
    assert find_sentry() is None
    client.options = {"dsn": "https://key@sentry.example/1"}
    assert find_sentry() == client.options
