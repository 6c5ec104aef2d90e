"""Each problem has a remedy that its program can carry out."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.doctor.remedies import queue_remedy, upgrade_remedy
from florentin_webhooks.rq.monitoring import ProblemKind


@pytest.mark.parametrize("kind", ProblemKind)
def test_each_problem_of_a_queue_has_a_remedy(kind: ProblemKind) -> None:
    assert queue_remedy(kind, "mail", "shop.hooks:hooks").strip()


@pytest.mark.parametrize(
    ("under_gunicorn", "option"), [(True, "UvicornH11Worker"), (False, "--http h11")]
)
def test_remedy_is_an_option_of_the_server(under_gunicorn: bool, option: str) -> None:
    assert option in upgrade_remedy(under_gunicorn=under_gunicorn)
