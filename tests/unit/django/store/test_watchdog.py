"""The watchdog: callbacks after timeouts, unless they are forgotten."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.django_settings import configure
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from florentin_webhooks.django.store.watchdog import Watchdog


@pytest.fixture
def watchdog() -> Watchdog:
    configure()
    from florentin_webhooks.django.store.watchdog import Watchdog

    return Watchdog()


def test_callback_is_called_after_its_timeout(watchdog: Watchdog) -> None:
    called = threading.Event()
    began = time.monotonic()
    watchdog.watch(0.05, called.set)
    assert called.wait(30)
    assert time.monotonic() - began >= 0.05


def test_forgotten_callback_is_not_called(watchdog: Watchdog) -> None:
    called: list[str] = []
    with watchdog._changed:  # Its thread waits, so this is not too late.
        watchdog.forget(watchdog.watch(0.02, lambda: called.append("forgotten")))
    watchdog.watch(0.04, lambda: called.append("watched"))
    eventually(lambda: called)
    assert called == ["watched"]


def test_shorter_timeout_comes_first(watchdog: Watchdog) -> None:
    called: list[str] = []
    long = watchdog.watch(60, lambda: called.append("long"))
    watchdog.watch(0.02, lambda: called.append("short"))
    eventually(lambda: called)
    watchdog.forget(long)
    assert called == ["short"]


def test_all_callbacks_share_one_thread(watchdog: Watchdog) -> None:
    threads: list[int] = []
    for _ in range(5):
        watchdog.watch(0.01, lambda: threads.append(threading.get_ident()))
    eventually(lambda: len(threads) == 5)
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


FORK = """
import os, threading
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["florentin_webhooks.django"])
django.setup()
from florentin_webhooks.django.store.watchdog import watchdog
watchdog.watch(60, lambda: os._exit(3))
if child := os.fork():
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
watchdog.watch(0.01, lambda: os._exit(7))
threading.Event().wait(50)
"""


def test_forked_process_has_a_watchdog_of_its_own() -> None:
    forked = subprocess.run([sys.executable, "-c", FORK], timeout=60, check=False)
    assert forked.returncode == 7
