"""Fixtures for pytest: ``webhooks``, which is also ``florentin``, and ``async_webhooks``.

pytest imports this module in every run of every program that has this package, so it imports
nothing else of it before a fixture is used. To disable it: ``pytest -p no:florentin_webhooks``.
"""

from __future__ import annotations

import os
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from florentin_webhooks.testing.delivery import SignedDelivery
    from florentin_webhooks.testing.kit.rehearsal import Kit
    from florentin_webhooks.testing.kit.webhooks import AsyncWebhooks, Webhooks

__all__ = [
    "async_webhooks",
    "florentin",
    "pytest_addoption",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_load_initial_conftests",
    "webhook_delivery",
    "webhooks",
    "webhooks_kit",
    "webhooks_receiver",
    "webhooks_secret",
    "webhooks_url",
]

_APP = "webhooks_app"
_MARKER = "webhook_deliveries"
_SECRET = "FLORENTIN_WEBHOOK_SECRET"  # noqa: S105 - the variable's name.
_QUEUE = "FLORENTIN_QUEUE"
_STORES = ("FLORENTIN_REDIS_URL", "FLORENTIN_STORE")
_NO_SERVER = "redis://127.0.0.1:1/0"
"""A store for receivers with a queue, which no test asks."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that names the receiver under test."""
    parser.addini(_APP, "The receiver of the fixture webhooks, such as shop.hooks:hooks.")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set a secret for tests before the program is imported, where none is set."""
    if early_config.getini(_APP):
        _set_environment()


def _set_environment() -> None:
    """Complete the environment for ``Receiver.from_env()``; each test has a store of its own."""
    os.environ.setdefault(_SECRET, token_hex(32))
    if os.environ.get(_QUEUE) and not any(map(os.environ.get, _STORES)):
        os.environ[_STORES[0]] = _NO_SERVER


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of tests that replay captured deliveries."""
    line = f"{_MARKER}(*patterns): run the test with each captured delivery in these files"
    config.addinivalue_line("markers", line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a marked test once for each file that matches, beside the file of the test."""
    marker = metafunc.definition.get_closest_marker(_MARKER)
    if marker is None or "webhook_delivery" not in metafunc.fixturenames:
        return
    folder = metafunc.definition.path.parent
    paths = sorted({path for pattern in marker.args for path in folder.glob(str(pattern))})
    if not paths:
        message = f"No file in {folder} matches {', '.join(map(repr, marker.args))}."
        raise pytest.Collector.CollectError(message)  # Shown without a traceback.
    names = [path.stem for path in paths]
    metafunc.parametrize("webhook_delivery", paths, indirect=True, ids=names)


@pytest.fixture
def webhook_delivery(request: pytest.FixtureRequest, webhooks_kit: Kit) -> SignedDelivery:
    """Return a captured delivery, signed for this test, in a test that has the marker."""
    from florentin_webhooks.testing.captures import load_capture  # noqa: PLC0415

    path: Path | None = getattr(request, "param", None)
    if path is None:
        message = f'Mark the test: @pytest.mark.{_MARKER}("deliveries/*.json").'
        pytest.fail(message, pytrace=False)
    return webhooks_kit.sign(load_capture(path))


@pytest.fixture
def webhooks_receiver(request: pytest.FixtureRequest) -> object:
    """Return the receiver under test, or the program that holds it; override it as you like.

    By default: that of the fixture ``app`` of a Flask program, that of the setting
    ``webhooks_app``, or that of Django's settings.
    """
    from florentin_webhooks.testing.kit.discovery import find_receiver  # noqa: PLC0415

    app: object = request.getfixturevalue("app") if "app" in request.fixturenames else None
    return find_receiver(app, str(request.config.getini(_APP)), request.config.rootpath)


@pytest.fixture
def webhooks_secret() -> object:
    """Return the secret to sign with; None: the receiver's own. Override it for private keys."""
    return None


@pytest.fixture
def webhooks_url() -> str | None:
    """Return the URL that the sender calls; override it for senders that sign it."""
    return None


@pytest.fixture
def webhooks_kit(
    request: pytest.FixtureRequest,
    webhooks_receiver: object,
    webhooks_secret: str | None,
    webhooks_url: str | None,
) -> Generator[Kit]:
    """Yield what the other fixtures use; the receiver is as before when the test has ended."""
    from florentin_webhooks.testing.kit.discovery import to_receiver  # noqa: PLC0415
    from florentin_webhooks.testing.kit.rehearsal import open_kit  # noqa: PLC0415

    if isinstance(webhooks_receiver, str):
        _set_environment()
    receiver, blocking = (
        to_receiver(webhooks_receiver, request.config.rootpath),
        "async_webhooks" not in request.fixturenames,
    )
    with open_kit(receiver, blocking=blocking, secret=webhooks_secret, url=webhooks_url) as kit:
        yield kit


@pytest.fixture
def webhooks(webhooks_kit: Kit) -> Webhooks:
    """Return a sender of deliveries to the receiver under test; see docs/testing.md."""
    from florentin_webhooks.testing.kit.webhooks import Webhooks  # noqa: PLC0415

    return Webhooks(webhooks_kit)


@pytest.fixture
def florentin(webhooks: Webhooks) -> Webhooks:
    """Return the same as ``webhooks``."""
    return webhooks


@pytest.fixture
def async_webhooks(webhooks_kit: Kit) -> AsyncWebhooks:
    """Return a sender whose methods are awaited, for asyncio tests."""
    from florentin_webhooks.testing.kit.webhooks import AsyncWebhooks  # noqa: PLC0415

    return AsyncWebhooks(webhooks_kit)
