from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from flask import Flask
from tests.crm_server import CRM, run_crm
from tests.in_process import InProcessApp
from tests.program import Program, run_program

# A shell makes background processes ignore Ctrl-C, and the processes of the tests inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def saas(tmp_path: Path) -> InProcessApp:
    """The app in this process: no Redis, and handlers run inline."""
    return InProcessApp(tmp_path)


@pytest.fixture
def webhooks_receiver(saas: InProcessApp) -> Flask:
    """The program whose receiver the fixture ``webhooks`` delivers to."""
    return saas.app


@pytest.fixture(scope="session")
def crm() -> Generator[CRM]:
    with run_crm() as crm:
        yield crm


@pytest.fixture(scope="session")
def program(crm: CRM, tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    """The program with gunicorn, Redis and a worker; each test uses its own customers."""
    with run_program(tmp_path_factory.mktemp("program"), crm.url) as program:
        yield program
