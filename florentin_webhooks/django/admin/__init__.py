"""Pages of deliveries in Django's admin."""

from florentin_webhooks.django.admin.delivery_admin import DeliveryAdmin

__all__ = ["DeliveryAdmin"]
