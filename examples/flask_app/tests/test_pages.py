"""What the pages promise beside their content."""

from __future__ import annotations

import pytest
from tests.inside import Inside


def test_what_florentin_sends_is_shown_as_text(saas: Inside) -> None:
    saas.deliver("account.created", account={"name": "<script>alert(1)</script>"})
    for path in ("/customers/", "/customers/acc_5f1d"):
        page = saas.browser.get(path).text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script" not in page


@pytest.mark.parametrize("path", ["/customers/", "/customers/acc_5f1d"])
def test_a_page_runs_no_scripts_and_fits_a_phone(saas: Inside, path: str) -> None:
    saas.deliver("account.created")
    answer = saas.browser.get(path)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert '<meta name="viewport" content="width=device-width' in answer.text
    assert '<html lang="en">' in answer.text


def test_a_long_list_has_pages(saas: Inside) -> None:
    for number in range(51):
        saas.deliver("account.created", account={"id": f"acc_{number}", "name": f"No {number:02}"})
    assert "51 known, page 1 of 2" in saas.page("/customers/")
    assert "No 50 no Previous page" in saas.page("/customers/?page=2")


def test_an_unknown_customer_is_not_found(saas: Inside) -> None:
    assert saas.browser.get("/customers/nobody").status_code == 404
