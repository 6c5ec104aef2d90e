"""Warnings about servers that lose what they are given."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest

from florentin_webhooks.redis.durability import check_durability, find_old_version

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
def test_old_version_is_found(version: str) -> None:
    assert find_old_version({"redis_version": version}) == version


@pytest.mark.parametrize("version", ["6.2.0", "6.3.4", "7.2.4", "8.0.1", "255.255.255", "unknown"])
def test_version_that_has_all_commands_is_not_old(version: str) -> None:
    assert not find_old_version({"redis_version": version})
