"""Warnings about servers that lose what they are given."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest

from florentin_webhooks.redis.durability import check_durability

DURABLE: Mapping[str, object] = {"aof_enabled": 1, "maxmemory": 0}


@pytest.mark.parametrize(
    "info",
    [
        DURABLE,
        {**DURABLE, "maxmemory_policy": "allkeys-lru"},
        {**DURABLE, "maxmemory": 1, "maxmemory_policy": "noeviction"},
        {"aof_enabled": 1},
    ],
)
def test_durable_server_is_not_logged(
    info: Mapping[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    check_durability(info)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("info", "level", "setting"),
    [
        (
            {**DURABLE, "maxmemory": 1, "maxmemory_policy": "volatile-lru"},
            logging.ERROR,
            "Set maxmemory-policy noeviction.",
        ),
        ({**DURABLE, "aof_enabled": 0}, logging.WARNING, "Set appendonly yes."),
        ({}, logging.WARNING, "Set appendonly yes."),
        (None, logging.WARNING, "Check that appendonly is yes"),
    ],
)
def test_each_risk_is_logged_with_the_setting(
    info: Mapping[str, object] | None, level: int, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    check_durability(info)
    (record,) = caplog.records
    assert record.levelno == level
    assert setting in record.getMessage()


@pytest.mark.parametrize("version", ["5.0.6", "6.0.16", "6.1.240"])
def test_old_version_is_logged_as_an_error(version: str, caplog: pytest.LogCaptureFixture) -> None:
    check_durability({**DURABLE, "redis_version": version})
    (record,) = caplog.records
    assert (record.levelno, version in record.getMessage()) == (logging.ERROR, True)


@pytest.mark.parametrize("version", ["6.2.0", "6.3.4", "7.2.4", "8.0.1", "255.255.255", "unknown"])
def test_version_that_has_all_commands_is_not_logged(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    check_durability({**DURABLE, "redis_version": version})
    assert caplog.records == []
