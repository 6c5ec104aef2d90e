"""The pages: all customers, and one customer with subscriptions, invoices and usage."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum
from django.views.generic import DetailView, ListView

from saas.models import Customer, Invoice


class CustomerList(ListView):
    queryset = Customer.objects.prefetch_related("subscriptions")
    paginate_by = 50

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        unassigned = Invoice.objects.filter(customer=None)[:20]
        return super().get_context_data(**context, invoices=unassigned)


class CustomerPage(DetailView):
    queryset = Customer.objects.prefetch_related("subscriptions", "invoices")

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        customer: Customer = self.object
        metrics = customer.usage.order_by("metric").values("metric")
        return super().get_context_data(
            **context,
            logins=customer.logins.count(),
            last_login=customer.logins.first(),
            usage=metrics.annotate(total=Sum("amount")),
        )
