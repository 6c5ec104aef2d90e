"""Escaping, headers and paging of the pages."""

from __future__ import annotations

import pytest
from tests.in_process import InProcessApp


def test_html_in_an_event_is_escaped(saas: InProcessApp) -> None:
    saas.deliver("account.created", account={"name": "<script>alert(1)</script>"})
    for path in ("/customers/", "/customers/acc_5f1d"):
        page = saas.browser.get(path).text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script" not in page


@pytest.mark.parametrize("path", ["/customers/", "/customers/acc_5f1d"])
def test_page_forbids_scripts_and_fits_a_phone(saas: InProcessApp, path: str) -> None:
    saas.deliver("account.created")
    response = saas.browser.get(path)
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert '<meta name="viewport" content="width=device-width' in response.text
    assert '<html lang="en">' in response.text


def test_long_list_has_pages(saas: InProcessApp) -> None:
    for number in range(51):
        saas.deliver("account.created", account={"id": f"acc_{number}", "name": f"No {number:02}"})
    assert "51 customers, page 1 of 2" in saas.page("/customers/")
    assert "No 50 no Previous page" in saas.page("/customers/?page=2")


def test_unknown_customer_is_not_found(saas: InProcessApp) -> None:
    assert saas.browser.get("/customers/unknown").status_code == 404
