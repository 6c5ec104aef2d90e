"""The pages, and who may see them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from saas.models import Customer, Invoice

NOW = datetime.now(UTC)


@pytest.fixture
def customer(db: None) -> Customer:
    return Customer.objects.create(florentin_id="acc_1", name="<b>Ada</b> & Co", as_of=NOW)


@pytest.mark.parametrize("path", ["/", "/customers/", "/customers/1/", "/admin/", "/inspector/"])
def test_a_page_asks_strangers_to_log_in(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, "/login/?next=" in answer.headers["Location"]) == (302, True)


def test_a_list_without_customers_says_so(admin_client: Client) -> None:
    assert b"No customers yet" in admin_client.get("/customers/").content


def test_the_list_leads_to_the_customer(admin_client: Client, customer: Customer) -> None:
    listed = admin_client.get("/", follow=True).content.decode()
    assert f'<a href="/customers/{customer.pk}/">&lt;b&gt;Ada&lt;/b&gt; &amp; Co</a>' in listed


def test_an_invoice_of_nobody_is_on_the_list(admin_client: Client) -> None:
    Invoice.objects.create(number="INV-7", amount_due=100, currency="eur", as_of=NOW)
    assert b"INV-7" in admin_client.get("/customers/").content


def test_a_page_escapes_what_events_say(admin_client: Client, customer: Customer) -> None:
    customer.subscriptions.create(florentin_id="<i>", plan="<script>", active=True, as_of=NOW)
    customer.logins.create(fingerprint="1", user="<img>", at=NOW)
    customer.usage.create(fingerprint="1", metric="<svg>", amount=1, at=NOW)
    customer.invoices.create(number="<p>", amount_due=1, currency="<br>", as_of=NOW)
    for path in ("/customers/", customer.get_absolute_url()):
        page = admin_client.get(path).content.decode()
        for word in ("<b>", "<i>", "<script>", "<img>", "<svg>", "<p><", "<br>", "<BR>"):
            assert word not in page


def test_the_inspector_is_there_for_staff(admin_client: Client) -> None:
    assert b"No delivery has arrived yet." in admin_client.get("/inspector/").content
    admin = admin_client.get("/admin/florentin_webhooks/delivery/").content.decode()
    assert '<a href="/inspector/">Inspector</a>' in admin


def test_an_unknown_customer_is_not_found(admin_client: Client) -> None:
    assert admin_client.get("/customers/4711/").status_code == 404


@pytest.mark.parametrize("model", ["customer", "subscription", "invoice", "login", "usage"])
def test_the_admin_shows_and_changes_nothing(
    admin_client: Client, customer: Customer, model: str
) -> None:
    assert admin_client.get(f"/admin/saas/{model}/?q=ada").status_code == 200
    assert admin_client.get(f"/admin/saas/{model}/add/").status_code == 403


def test_metrics_and_health_need_no_login(client: Client, db: None) -> None:
    assert client.get("/health/ready").json()["ready"] is True
    response = client.get("/metrics")
    assert response.status_code == 200
    assert b"florentin_webhooks_store_up" in response.content
