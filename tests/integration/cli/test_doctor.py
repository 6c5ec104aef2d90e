"""``doctor`` finds staged mistakes in programs and between sender and receiver."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.cli.app import command_tree
from florentin_webhooks.events import Event
from tests.support.command_line import SECRET, CliRunner, error, type_in
from tests.support.ports import free_port
from tests.support.server import under_uvicorn
from tests.support.sites import Answer, Request, Site, receiving, self_signed, serving

PATH = "/webhooks/florentin"
HTML = {"Content-Type": "text/html"}


class Shop:
    """A receiver that would handle everything, and what stands in front of it."""

    def __init__(self, secret: str = SECRET) -> None:
        self.handled: list[str] = []
        self.store = MemoryStore()
        self.hooks = Receiver(secret, store=self.store)
        self.hooks.on(Event)(self.handle)
        self.receive = receiving(self.hooks)

    def handle(self, event: Event) -> None:
        self.handled.append(event.event)


Chain = Callable[[Shop], Site]


def checks(result: Result) -> dict[str, dict[str, Any]]:  # Any: JSON.
    """Return the checks that a run with --json has printed, by their names."""
    assert not isinstance(result.exception, Exception), result.exception
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {each["check"]: each for each in found}


def examine(
    *words: str, environ: Mapping[str, str | None] | None = None
) -> dict[str, dict[str, Any]]:  # Any: JSON.
    return checks(type_in("doctor", *words, "--json", environ=environ))


def broken(answer: Answer) -> Site:
    return lambda _: answer


def reencoding(shop: Shop) -> Site:
    def proxy(request: Request) -> Answer:
        body = json.dumps(json.loads(request.body)).encode() if request.body else b""
        return shop.receive(request._replace(body=body))

    return proxy


def limiting(shop: Shop) -> Site:
    def proxy(request: Request) -> Answer:
        return Answer(413, b"<h1>413</h1>") if len(request.body) > 5000 else shop.receive(request)

    return proxy


def losing_headers(shop: Shop) -> Site:
    def proxy(request: Request) -> Answer:
        kept = [pair for pair in request.headers if not pair[0].startswith("X-")]
        return shop.receive(request._replace(headers=kept))

    return proxy


def late(shop: Shop) -> Site:
    def clock(request: Request) -> Answer:
        answer = shop.receive(request)
        date = formatdate(time() - 400, usegmt=True)
        return answer._replace(headers={**answer.headers, "Date": date})

    return clock


def one_form(shop: Shop) -> Site:
    return lambda sent: Answer(404) if sent.path.endswith("/") else shop.receive(sent)


OBSTACLES: list[tuple[Site, str, str]] = [
    (broken(Answer(301, b"", {"Location": f"{PATH}/"})), "redirect-slash", f"{PATH}/, or serve"),
    (broken(Answer(302, b"", {"Location": "/login?next=x"})), "login", "Exempt"),
    (broken(Answer(401, b"", {"WWW-Authenticate": "Basic"})), "login", "Exempt"),
    (broken(Answer(403, b"CSRF verification failed", HTML)), "csrf", "webhook_path"),
    (broken(Answer(404, b"<h1>Not Found</h1>", HTML)), "route", "Compare the path"),
    (broken(Answer(200, b"<h1>Welcome</h1>", HTML)), "another-program", "Correct the path"),
    (broken(Answer(502)), "upstream", "Start the program"),
]


@pytest.mark.parametrize(("site", "name", "fix"), OBSTACLES)
def test_obstacle_in_front_of_a_receiver_is_named(site: Site, name: str, fix: str) -> None:
    with serving(site) as root:
        result = type_in("doctor", root + PATH, "--json")
    check = checks(result)[name]
    assert (check["state"], result.exit_code) == ("fail", 1)
    assert fix in check["hint"]


CHAINS: list[tuple[Chain, str, str]] = [
    (reencoding, "body-json", "as they are"),
    (limiting, "proxy-limit", "client_max_body_size"),
    (losing_headers, "secret", "no proxy removes headers"),
    (late, "clock", "chrony"),
    (one_form, "slash", "serve both forms"),
]


@pytest.mark.parametrize(("chain", "name", "fix"), CHAINS)
def test_probes_find_what_changes_or_refuses_deliveries(chain: Chain, name: str, fix: str) -> None:
    shop = Shop()
    with serving(chain(shop)) as root:
        found = examine(root + PATH, "--probe")
    assert fix in found[name]["hint"], found
    assert (shop.handled, len(shop.store)) == ([], 0)


def test_sound_receiver_passes_and_handles_no_probe() -> None:
    shop = Shop()
    with serving(shop.receive) as root:
        result = type_in("doctor", root + PATH, "--probe", "--json")
    found = checks(result)
    # The server of this test reads no chunked body, as the check shows.
    states = {name: check["state"] for name, check in found.items()}
    passed = ("receiver", "signature", "body", "body-size")
    assert states == {**dict.fromkeys(passed, "ok"), "body-chunked": "warn"}
    assert (result.exit_code, shop.handled, len(shop.store)) == (0, [], 0)


@pytest.mark.parametrize(("reader", "lost"), [("h11", set()), ("httptools", {"body-upgrade"})])
def test_framings_that_a_server_loses_are_named(reader: str, lost: set[str]) -> None:
    shop = Shop()
    with under_uvicorn(WebhookApp(shop.hooks), reader) as port:
        found = examine(f"http://127.0.0.1:{port}{PATH}", "--probe")
    passed = {"receiver", "clock", "signature", "body", "body-size"}
    assert {*found} == passed | lost
    assert not lost or "uvicorn, httptools" in found["body-upgrade"]["message"]
    assert (shop.handled, len(shop.store)) == ([], 0)


def test_unsigned_check_needs_no_secret_and_sends_no_probe() -> None:
    shop = Shop()
    with serving(shop.receive) as root:
        found = examine(root + PATH, environ={"FLORENTIN_WEBHOOK_SECRET": None})
    assert {*found} == {"receiver"}


def test_login_in_a_url_is_sent_and_not_shown() -> None:
    shop = Shop()

    def guard(request: Request) -> Answer:
        if ("Authorization", "Basic c2hvcDpwYXNz") not in request.headers:
            return Answer(401, b"", {"WWW-Authenticate": "Basic"})
        return one_form(shop)(request)

    with serving(guard) as root:
        url = root.replace("://", "://shop:pass@") + PATH
        result = type_in("doctor", url, "--probe", "--json")
    assert {"receiver", "slash", "signature"} <= {*checks(result)}
    assert "pass@" not in result.output


def test_secret_of_another_program_is_refused() -> None:
    shop = Shop("a-secret-of-another-program")
    with serving(shop.receive) as root:
        result = type_in("doctor", root + PATH, "--probe")
    assert result.exit_code == 1
    assert "fail    secret: The receiver there refuses this secret." in result.stdout
    assert "-> Compare it with the settings there" in result.stdout
    assert SECRET not in result.output


def test_self_signed_certificate_and_wrong_scheme_are_named(directory: Path) -> None:
    shop = Shop()
    with serving(shop.receive, context=self_signed(directory)) as root:
        assert "self-signed" in examine(root + PATH)["url-certificate"]["message"]
    with serving(shop.receive) as root:
        assert "http://" in examine(root.replace("http", "https"))["url-tls"]["hint"]


def test_port_without_server_is_named() -> None:
    port = free_port()
    found = examine(f"http://127.0.0.1:{port}{PATH}")
    assert {*found} == {"url-refused"}


def test_invalid_usage_exits_with_2() -> None:
    for words in ([], ["shop"], ["ftp://shop.example"], ["shop:hooks", "--probe"]):
        result = type_in("doctor", *words)
        assert (result.exit_code, bool(error(result))) == (2, True), words
    refusal = error(type_in("doctor", "127.0.0.1:8000/webhooks"))
    assert "hint: Run: florentin-webhooks doctor http://127.0.0.1:8000/webhooks" in refusal


def test_every_check_is_documented() -> None:
    root = Path(__file__).parents[3]
    page = (root / "docs" / "troubleshooting.md").read_text()
    sources = root.glob("florentin_webhooks/cli/doctor/**/*.py")
    code = "\n".join(path.read_text() for path in sources)
    # A call of check.py's functions, or a row of a table that ends in one.
    names = set(re.findall(r'(?:fail|warn|ok|skipped)\(\s*"([a-z-]+)"', code))
    names |= set(re.findall(r'[(:] *\(?"((?:url|body|secret)-[a-z-]+)"', code))
    assert len(names) > 50
    assert {name for name in names if f"`{name}`" not in page} == set()


@pytest.fixture
def module(directory: Path) -> Iterator[Path]:
    """Yield the path of a module that this process has not imported."""
    path = directory / f"staged_{uuid4().hex[:8]}.py"
    with chdir(directory):
        yield path
    sys.modules.pop(path.stem, None)


HEAD = "import os\nfrom florentin_webhooks import *\n"
HANDLER = "\n@hooks.on('user.login')\ndef greet(event): ...\n"
SOUND = f"{HEAD}hooks = Receiver(os.environ['SHOP'])\n{HANDLER}"

PROGRAMS = [
    ("import no_such_module\n", "import", "Correct that line"),
    (f"{HEAD}hooks = Receiver(os.environ['MISSING'])", "import", "Correct that line"),
    (f"{HEAD}hooks = Receiver('short')", "configuration", "Use a longer secret"),
    (f"{HEAD}hooks = Receiver(os.environ['SHOP'] + '\\n')", "configuration", "newline"),
    (SOUND.replace("'])", "'], tolerance='48h')"), "configuration", "retention"),
    (f"{HEAD}hooks = Receiver(os.environ['SHOP'])", "handlers", "Import the modules"),
    (f"{HEAD}hooks = Receiver('whsec_8d1f0c2b7a6e4953')", "secret-in-source", "environment"),
    (f"{HEAD}hooks = Receiver('change-me-change-me')", "secret-guessable", "settings"),
    (SOUND, "store", "RedisStore(url)"),
    (SOUND.replace("'])", "'], max_body=100)"), "body-limit", "1 MiB"),
    (SOUND.replace("'])", "'], tracebacks='full')"), "tracebacks", "redacted"),
    (SOUND.replace("'])", "'], store='unix:///none.sock')"), "redis-unreachable", "Start"),
    (SOUND.replace("'])", "'], store=URL, queue='bills')"), "queue-no-worker", "worker"),
    (
        SOUND.replace("'])", "'], store=URL, queue=RQQueue('bills', receiver='none.at:all'))"),
        "import-path",
        "Remove the argument",
    ),
]


@pytest.mark.parametrize(("source", "name", "fix"), PROGRAMS)
def test_mistake_in_a_program_is_named(
    module: Path, redis_url: str, source: str, name: str, fix: str
) -> None:
    module.write_text(source.replace("URL", repr(redis_url)))
    result = type_in("doctor", f"{module.stem}:hooks", "--json", environ={"SHOP": SECRET})
    found = checks(result)
    assert fix in found[name]["hint"]
    assert result.exit_code == any(check["state"] == "fail" for check in found.values())
    assert SECRET not in result.output


def test_inside_a_framework_only_the_url_is_an_argument(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(module.parent)
    module.write_text(SOUND)
    tree = command_tree(f"{module.stem}:hooks")
    inside = CliRunner().invoke(tree, ["doctor", "--json"], env={"SHOP": SECRET})
    assert "handlers" in checks(inside)
    shop = Shop()
    with serving(shop.receive) as root:
        words = ["doctor", root + PATH, "--probe", "--json"]
        both = checks(CliRunner().invoke(tree, words, env={"SHOP": SECRET}))
    assert {"handlers", "receiver", "signature"} <= {*both}
    assert both["signature"]["state"] == "ok"


@pytest.mark.one_process
def test_receivers_that_meet_are_named(module: Path) -> None:
    two = "hooks, other = (Receiver(os.environ['SHOP'], store=S) for S in [MemoryStore()] * 2)"
    module.write_text(f"{HEAD}{two}\n")
    found = examine(f"{module.stem}:hooks", environ={"SHOP": SECRET})
    assert "name=" in found["configuration"]["hint"]
