"""Read-only pages about customers. They have no login: add your own."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, Response, redirect, render_template, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response as Redirect

from saas.models import Customer, Invoice, Login, Usage, db

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> Redirect:
    return redirect(url_for("pages.customers"))


@pages.get("/customers/")
def customers() -> str:
    query = select(Customer).order_by(Customer.name, Customer.id)
    query = query.options(selectinload(Customer.subscriptions))
    unnamed = select(Invoice).where(Invoice.customer_id.is_(None)).order_by(Invoice.number.desc())
    return render_template(
        "customers.html",
        customers=db.paginate(query, per_page=50),
        invoices=db.session.scalars(unnamed.limit(50)).all(),
    )


@pages.get("/customers/<id>")
def customer(id: str) -> str:
    return render_template(
        "customer.html",
        customer=db.get_or_404(Customer, id),
        logins=db.session.scalar(select(func.count()).where(Login.customer_id == id)),
        usage=db.session.execute(
            select(Usage.metric, func.sum(Usage.amount).label("total"))
            .where(Usage.customer_id == id)
            .group_by(Usage.metric)
            .order_by(Usage.metric)
        ).all(),
    )


@pages.after_request
def no_scripts(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'"
    return response


@pages.app_template_filter()
def money(minor_units: int) -> str:
    return f"{Decimal(minor_units).scaleb(-2):,}"


@pages.app_template_filter()
def figure(amount: float) -> str:
    # A float is exact to 15 digits: this shows 0.1 + 0.2 as 0.3.
    return f"{amount:,.15g}"
