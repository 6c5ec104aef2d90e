"""Customers of the provider."""

from __future__ import annotations

from florentin_webhooks.api.models import Customer
from florentin_webhooks.api.request import APIRequest, path_of
from florentin_webhooks.api.resources.resource import KindT, Resource, listing, operation

__all__ = ["Customers"]


class Customers(Resource[KindT]):
    """The customers: ``api.customers``."""

    @operation
    def create(self, *, name: str, email: str) -> APIRequest[Customer]:
        """Create a customer.

        The API documents no key for it, so it is not repeated where the reply is lost.
        """
        body = {"name": name, "email": email}
        return APIRequest("POST", path_of("customers"), Customer, body=body)

    @operation
    def show(self, customer: str) -> APIRequest[Customer]:
        """Return one customer, by its id."""
        return APIRequest("GET", path_of("customers", customer), Customer)

    @listing
    def list(self) -> APIRequest[Customer]:
        """Return all customers."""
        return APIRequest("GET", path_of("customers"), Customer)
