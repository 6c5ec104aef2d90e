from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.crm_server import CRM, serving
from tests.inside import Inside
from tests.program import Program, started

# A shell has what it runs in the background ignore Ctrl-C, and every process that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def saas(tmp_path: Path) -> Inside:
    """The program in this process: no Redis, handlers run before Florentin is answered."""
    return Inside(tmp_path)


@pytest.fixture(scope="session")
def crm() -> Generator[CRM]:
    with serving() as crm:
        yield crm


@pytest.fixture(scope="session")
def program(crm: CRM, tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    """The program under gunicorn, with Redis and a worker; each test has customers of its own."""
    with started(tmp_path_factory.mktemp("program"), crm.url) as program:
        yield program
