"""Actions of the pages: what is done, and the page that shows it."""

from __future__ import annotations

import pytest

from florentin_webhooks.simulator.pages.actions import Actions
from tests.support.simulated import Played

KEY = "0" * 24


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/fire", "settings"),
        ("/endpoints", "settings"),
        ("/faults", "settings"),
        (f"/deliveries/{KEY}/replay", f"../{KEY}"),
        ("/endpoints/7/remove", "../../settings"),
    ],
)
def test_action_leads_to_the_page_that_shows_it(
    path: str, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Actions(Played(monkeypatch).simulator).perform(path, {})
    assert done is not None
    assert done.page == page


def test_other_path_is_not_an_action(monkeypatch: pytest.MonkeyPatch) -> None:
    actions = Actions(Played(monkeypatch).simulator)
    assert [actions.perform(path, {}) for path in ("/", "/fire/", "/deliveries/1/replay")] == [
        None
    ] * 3
