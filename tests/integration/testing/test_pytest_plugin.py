"""The fixtures in one run of pytest, with the plugins and the programs that users have."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record
from florentin_webhooks.inspector.views.snippets import as_pytest
from florentin_webhooks.testing.pytest_plugin import pytest_generate_tests
from tests.support.command_line import environment
from tests.support.markdown import PAGES, write_modules

FILES = {
    "pytest.ini": """
        [pytest]
        webhooks_app = hooks:hooks
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = function
        DJANGO_SETTINGS_MODULE = settings
        addopts = --strict-markers --import-mode=importlib
    """,
    "hooks.py": """
        from florentin_webhooks import Receiver, RedisStore, RQQueue

        hooks = Receiver.from_env()
        queued = Receiver(
            "a-secret-of-queued-deliveries", store=RedisStore("redis://localhost:1"),
            queue=RQQueue("florentin", receiver="hooks:queued"),
        )
        seen = []

        @hooks.on("invoice.created")
        @queued.on("invoice.created")
        def bill(event):
            seen.append(event.data.invoice.amount_due)
            if event.data.invoice.amount_due < 0:
                raise ArithmeticError("a negative amount")

        @hooks.on("user.login")
        async def greet(event):
            seen.append(event.event)
    """,
    "settings.py": """
        import os
        SECRET_KEY = "made-up"
        ROOT_URLCONF = "urls"
        ALLOWED_HOSTS = ["*"]
        INSTALLED_APPS = ["django.contrib.contenttypes", "florentin_webhooks.django"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        FLORENTIN_WEBHOOKS = {"SECRETS": "a-secret-of-django-settings", "STORE": "database"}
    """,
    "urls.py": """
        from django.contrib.contenttypes.models import ContentType
        from florentin_webhooks.django import hooks, webhook_path

        @hooks.on("invoice.created", atomic=True)
        def save(event):
            ContentType.objects.create(app_label="shop", model=event.data.invoice.number)
            if event.data.invoice.amount_due < 0:
                raise ArithmeticError("a negative amount")

        urlpatterns = [webhook_path("hooks")]
    """,
    "test_blocking.py": """
        import hooks, pytest

        def test_default(webhooks):
            assert webhooks.deliver("invoice.created", invoice={"amount_due": 4200}).status == 200
            webhooks.assert_handled(by=hooks.bill)
            webhooks.redeliver()
            webhooks.assert_duplicate()

        def test_alias(florentin):
            florentin.deliver("user.login")
            florentin.assert_handled()

        def test_traceback(webhooks):
            webhooks.deliver("invoice.created", invoice={"amount_due": -1})

        @pytest.mark.parametrize("webhooks_receiver", ["hooks:queued"])
        def test_worker(webhooks):
            assert webhooks.deliver("invoice.created").outcome == "accepted"
            webhooks.run_worker()
            webhooks.assert_handled()
    """,
    "deliveries/invoice.json": """
        {"event": "invoice.created", "delivery_id": "d-1",
         "received_at": "2026-06-06T12:00:00+00:00",
         "body": {"event": "invoice.created", "timestamp": "2026-06-06T11:59:59.000Z",
                  "data": {"invoice": {
                  "id": "i", "number": "n", "status": "open", "currency": "eur",
                  "amount_due": 77}}}}
    """,
    "test_captures.py": """
        import hooks, pytest

        @pytest.mark.webhook_deliveries("deliveries/*.json")
        def test_capture(webhooks, webhook_delivery):
            webhooks.send(webhook_delivery)
            webhooks.assert_handled()
            assert hooks.seen.pop() == 77
            assert webhooks.now.year == 2026
    """,
    "docs/conftest.py": """
        import sys
        from pathlib import Path
        import pytest

        sys.path.insert(0, str(Path(__file__).parent))

        @pytest.fixture
        def webhooks_receiver(request):
            module = "hooks" if request.path.name == "test_hooks.py" else "payments"
            return f"shop.{module}:hooks"
    """,
    "test_asyncio.py": """
        import hooks, pytest

        async def test_pytest_asyncio(async_webhooks):
            await async_webhooks.deliver("user.login")
            async_webhooks.assert_handled(by=hooks.greet)
            await async_webhooks.redeliver()
            async_webhooks.assert_duplicate()

        @pytest.mark.parametrize("webhooks_receiver", ["hooks:queued"])
        async def test_worker_beside_a_loop(async_webhooks):
            await async_webhooks.deliver("invoice.created")
            await async_webhooks.wait(minutes=1)
            async_webhooks.assert_handled()
    """,
    "test_django.py": """
        import pytest, urls
        from django.contrib.contenttypes.models import ContentType
        from florentin_webhooks.django.models import Delivery

        pytestmark = pytest.mark.django_db

        @pytest.fixture
        def webhooks_receiver():
            return urls.hooks

        def test_django_client(webhooks, client):
            webhooks.through(client, "/hooks").deliver("invoice.created")
            webhooks.assert_handled(by=urls.save)
            assert ContentType.objects.filter(app_label="shop").count() == 1
            assert Delivery.objects.count() == 0

        def test_failed_atomic_handler_is_rolled_back(webhooks):
            with webhooks.expect_failure(ArithmeticError):
                webhooks.deliver("invoice.created", invoice={"amount_due": -1})
            assert not ContentType.objects.filter(app_label="shop").exists()
    """,
    "test_flask.py": """
        import pytest
        from flask import Flask
        from florentin_webhooks.flask import FlorentinWebhooks

        florentin = FlorentinWebhooks()

        @florentin.on("invoice.created")
        def bill(event):
            pass

        @pytest.fixture
        def app():
            app = Flask(__name__)
            app.config["FLORENTIN_WEBHOOK_SECRET"] = "a-secret-of-a-flask-program"
            florentin.init_app(app)
            return app

        def test_flask_client(webhooks, app):
            webhooks.through(app.test_client()).deliver("invoice.created")
            webhooks.assert_handled(by=bill)
    """,
}

TESTS = [
    "test_asyncio.py::test_pytest_asyncio",
    "test_asyncio.py::test_worker_beside_a_loop[hooks:queued]",
    "test_blocking.py::test_alias",
    "test_blocking.py::test_default",
    "test_blocking.py::test_worker[hooks:queued]",
    "test_captures.py::test_capture[invoice]",
    "docs/tests/test_captures.py::test_captured_deliveries_are_handled[invoice]",
    "docs/tests/test_hooks.py::test_an_invoice_is_billed_once",
    "docs/tests/test_in_asyncio.py::test_in_an_event_loop",
    "docs/tests/test_in_unittest.py::Billing::test_an_invoice_is_billed_once",
    "docs/tests/test_mount.py::test_the_mount_is_where_the_sender_expects_it",
    "docs/tests/test_payments.py::test_a_failure_shows_the_line_of_the_handler",
    "docs/tests/test_payments.py::test_an_invoice_is_billed_once",
    "docs/tests/test_payments.py::test_an_invoice_without_an_amount_is_retried",
    "test_django.py::test_django_client",
    "test_django.py::test_failed_atomic_handler_is_rolled_back",
    "test_flask.py::test_flask_client",
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest reports of a program's tests, with all plugins, and warnings as errors."""
    folder = tmp_path_factory.mktemp("program")
    write_modules(folder / "docs")
    page = next(each for each in PAGES if each.name == "docs/testing.md")
    (folder / "docs/tests/deliveries").mkdir(parents=True)
    (folder / "docs/tests/deliveries/invoice.json").write_text(page.of("json")[0].text)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(line[8:] for line in text.splitlines()[1:]))
    words = [
        "-W",
        "error",
        "-rA",
        "-q",
        "-n1",
        "--show-capture=no",
        "-p",
        "no:randomly",
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:cacheprovider",
    ]
    env = {**environment(), "PYTHONPATH": str(folder)}
    env.pop("FLORENTIN_WEBHOOK_SECRET", None)
    command = [sys.executable, "-W", "error", "-m", "pytest", *words]
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_fixtures_work_with_each_plugin_and_test_client(report: str) -> None:
    passed = re.findall(r"^PASSED (\S+)", report, re.MULTILINE)
    assert sorted(passed) == sorted(TESTS), report
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", report, re.MULTILINE)
    assert failed == ["test_blocking.py::test_traceback"], report


def test_failed_handler_shows_its_own_line(report: str) -> None:
    shown = report.partition("test_traceback")[2]
    assert 'raise ArithmeticError("a negative amount")' in shown
    assert "The handler hooks:bill failed for invoice.created (attempt 1)." in shown
    assert "processing/runtime.py" not in shown


def test_pattern_without_files_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    marked = SimpleNamespace(
        path=tmp_path / "test_a.py",
        get_closest_marker=lambda _: pytest.mark.webhook_deliveries("no/*.json").mark,
    )
    wanted = SimpleNamespace(definition=marked, fixturenames=["webhook_delivery"])
    with pytest.raises(pytest.Collector.CollectError, match=r"matches 'no/\*\.json'\."):
        pytest_generate_tests(cast("pytest.Metafunc", wanted))


def test_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules)\n"
        "import florentin_webhooks.testing.pytest_plugin\n"
        "print(*(name for name in set(sys.modules) - before))"
    )
    done = subprocess.check_output([sys.executable, "-I", "-c", program], text=True)
    assert len(done.split()) < 15, done


def test_copied_test_needs_no_secret_store_or_path(tmp_path: Path) -> None:
    program = "from florentin_webhooks import Receiver\nhooks = Receiver.from_env()\n"
    (tmp_path / "copied_shop.py").write_text(f"{program}hooks.on('user.login')(print)\n")
    body = b'{"event": "user.login", "timestamp": "2026-06-06T12:00:00.000Z", "data": {}}'
    arrival = datetime(2026, 6, 6, 12, tzinfo=UTC)
    record = Record("0" * 32, State.DONE, event="user.login", body=body, received_at=arrival)
    (tmp_path / "tests").mkdir()
    copied = as_pytest(Receiver("a-secret-of-the-inspector", name="copied_shop:hooks"), record)
    (tmp_path / "tests/test_copied.py").write_text(copied)
    env = {**environment(), "PYTHONSAFEPATH": "1", "FLORENTIN_QUEUE": "florentin"}
    env.pop("FLORENTIN_WEBHOOK_SECRET", None)
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "tests"]
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout
