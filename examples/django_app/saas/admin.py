"""The admin: view and search everything, change nothing.

Florentin's events would overwrite manual changes.
"""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from saas.models import Customer, Invoice, Login, Subscription, Usage


class Mirror(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Customer)
class CustomerAdmin(Mirror):
    list_display = ("__str__", "email", "florentin_id", "has_access", "as_of")
    search_fields = ("name", "email", "florentin_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return super().get_queryset(request).prefetch_related("subscriptions")

    @admin.display(boolean=True)
    def has_access(self, customer: Customer) -> bool:
        return customer.has_access


@admin.register(Subscription)
class SubscriptionAdmin(Mirror):
    list_display = ("florentin_id", "customer", "plan", "active", "as_of")
    list_filter = ("active", "plan")
    search_fields = ("florentin_id", "customer__name")
    list_select_related = ("customer",)


@admin.register(Invoice)
class InvoiceAdmin(Mirror):
    list_display = ("number", "customer", "status", "amount", "as_of")
    list_filter = ("status",)
    search_fields = ("number", "customer__name")
    list_select_related = ("customer",)


@admin.register(Login)
class LoginAdmin(Mirror):
    list_display = ("at", "user", "customer")
    search_fields = ("user", "customer__name")
    list_select_related = ("customer",)


@admin.register(Usage)
class UsageAdmin(Mirror):
    list_display = ("at", "metric", "amount", "customer")
    list_filter = ("metric",)
    search_fields = ("customer__name",)
    list_select_related = ("customer",)
