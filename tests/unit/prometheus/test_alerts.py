"""The alerts and the dashboard in the docs: they fire when they must, on metrics that exist.

Where promtool is installed (Debian's package ``prometheus``), it judges the same cases.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from prometheus_client import CollectorRegistry

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.prometheus import Metrics
from tests.support.shop import SECRET

FOLDER = Path(__file__).parents[3] / "docs" / "monitoring"
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
PROMTOOL = shutil.which("promtool")
METRIC = re.compile(r"\bflorentin_webhooks_\w+")

Values = dict[str, float]
"""The values of series, without the prefix; of counters, what they grow by in a minute."""


class Case(NamedTuple):
    """Series, and whether *alert* fires after a quarter of an hour of them."""

    alert: str
    values: Values
    fires: bool


def queue(state: str, jobs: int) -> Values:
    return {f'queue_jobs{{queue="q", state="{state}"}}': jobs}


def deliveries(**outcomes: int) -> Values:
    return {
        f'deliveries_total{{receiver="crm", outcome="{name.replace("_", "-")}"}}': number
        for name, number in outcomes.items()
    }


WORKERS, SCHEDULER = 'queue_workers{queue="q"}', 'queue_scheduler_up{queue="q"}'
UP, AGE = 'store_up{receiver="crm"}', 'queue_oldest_seconds{queue="q"}'
CASES = [
    Case("FlorentinStoreDown", {UP: 0}, True),
    Case("FlorentinStoreDown", {UP: 1}, False),
    Case("FlorentinQueueTooOld", {AGE: 601}, True),
    Case("FlorentinQueueTooOld", {AGE: 600}, False),
    Case("FlorentinDeadDeliveries", queue("dead", 1), True),
    Case("FlorentinDeadDeliveries", queue("dead", 0) | queue("waiting", 5), False),
    Case("FlorentinNoWorker", {WORKERS: 0, SCHEDULER: 1} | queue("scheduled", 0), True),
    Case("FlorentinNoWorker", {WORKERS: 2, SCHEDULER: 0} | queue("scheduled", 3), True),
    Case("FlorentinNoWorker", {WORKERS: 2, SCHEDULER: 0} | queue("scheduled", 0), False),
    Case("FlorentinNoWorker", {WORKERS: 2, SCHEDULER: 1} | queue("scheduled", 3), False),
    Case("FlorentinDeliveriesFail", deliveries(accepted=8, invalid_signature=1), True),
    Case("FlorentinDeliveriesFail", deliveries(processed=8, handler_failed=1), True),
    Case("FlorentinDeliveriesFail", deliveries(unavailable=6), True),
    Case("FlorentinDeliveriesFail", deliveries(accepted=10, stale=1), False),
    Case("FlorentinDeliveriesFail", deliveries(accepted=1, duplicate=5, in_progress=1), False),
    Case("FlorentinDeliveriesFail", deliveries(accepted=0, unavailable=0), False),
]
FINE = re.compile(r'outcome="(processed|accepted|duplicate|ignored|answered|in-progress)"')


def fails(values: Values) -> bool:
    wrong = sum(each for name, each in values.items() if not FINE.search(name))
    return wrong > 0.1 * sum(values.values())


def has_no_worker(values: Values) -> bool:
    retries = values['queue_jobs{queue="q", state="scheduled"}']
    return values[WORKERS] == 0 or (retries > 0 and values[SCHEDULER] == 0)


MEANING: Mapping[str, tuple[str, Callable[[Values], bool]]] = {
    "FlorentinStoreDown": ("florentin_webhooks_store_up == 0", lambda v: v[UP] == 0),
    "FlorentinQueueTooOld": (
        "florentin_webhooks_queue_oldest_seconds > 600",
        lambda v: v[AGE] > 600,
    ),
    "FlorentinDeadDeliveries": (
        'florentin_webhooks_queue_jobs{state="dead"} > 0',
        lambda v: v['queue_jobs{queue="q", state="dead"}'] > 0,
    ),
    "FlorentinNoWorker": (
        (
            "florentin_webhooks_queue_workers == 0 or on (queue)"
            ' florentin_webhooks_queue_jobs{state="scheduled"} > 0'
            " and on (queue) florentin_webhooks_queue_scheduler_up == 0"
        ),
        has_no_worker,
    ),
    "FlorentinDeliveriesFail": (
        (
            "sum by (receiver) (rate(florentin_webhooks_deliveries_total"
            '{outcome!~"processed|accepted|duplicate|ignored|answered|in-progress"}[10m]))'
            " > 0.1 * sum by (receiver) (rate(florentin_webhooks_deliveries_total[10m]))"
        ),
        fails,
    ),
}
"""What each expression means, for machines without promtool."""


@pytest.fixture(scope="module")
def exposed() -> set[str]:
    """The names of all series that a scrape may show."""
    receiver = Receiver(SECRET, store=MemoryStore())
    metrics = Metrics(receiver, registry=CollectorRegistry())
    names = re.findall(r"^# TYPE (\S+) (\w+)", metrics.write()[1].decode(), re.MULTILINE)
    histograms = {name for name, kind in names if kind == "histogram"}
    return {name for name, _ in names} | {
        f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_alert_fires_when_it_must(case: Case) -> None:
    _, meaning = MEANING[case.alert]
    assert meaning(case.values) is case.fires


@pytest.mark.parametrize("alert", MEANING)
def test_expression_is_the_one_that_is_judged(alert: str) -> None:
    assert " ".join(RULES[alert]["expr"].split()) == MEANING[alert][0]


def test_promtool_agrees_where_it_is_installed(tmp_path: Path) -> None:
    text = json.dumps({"rule_files": [str(FOLDER / "alerts.yml")], "tests": [*map(unit, CASES)]})
    (tmp_path / "cases.yml").write_text(text)
    assert text.count("eval_time") == len(CASES)
    if PROMTOOL:
        command = [PROMTOOL, "test", "rules", str(tmp_path / "cases.yml")]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr + result.stdout


def unit(case: Case) -> dict[str, object]:
    """Return *case* as promtool reads it."""
    return {
        "interval": "1m",
        "input_series": [
            {"series": f"florentin_webhooks_{name}", "values": growth(name, value)}
            for name, value in case.values.items()
        ],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{case.alert}", alertstate="firing"}})',
                "eval_time": "16m",
                "exp_samples": [{"labels": "{}", "value": 1}] if case.fires else [],
            }
        ],
    }


def growth(name: str, value: float) -> str:
    return f"0+{value}x20" if name.startswith("deliveries_total") else f"{value}x20"


def test_dashboard_and_alerts_use_metrics_that_exist(exposed: set[str]) -> None:
    for name in ("grafana.json", "alerts.yml"):
        used = set(METRIC.findall((FOLDER / name).read_text()))
        assert len(used) >= 5
        assert used - exposed == set(), name


def test_dashboard_shows_every_metric(exposed: set[str]) -> None:
    shown = " ".join(METRIC.findall((FOLDER / "grafana.json").read_text()))
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in exposed}
    assert {name for name in families if name not in shown} == set()


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads((FOLDER / "grafana.json").read_text())["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_five_alerts_say_what_to_do() -> None:
    assert set(RULES) == set(MEANING)
    assert len(RULES) == 5
    for rule in RULES.values():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
