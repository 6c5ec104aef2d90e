"""API keys, team members, terms and logins.

The API documents no key for these changes, so they are not repeated where the reply is lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from florentin_webhooks.api.models import APIKey, Login, TeamMember, TermsAcceptance
from florentin_webhooks.api.request import APIRequest, fields_of, path_of
from florentin_webhooks.api.resources.resource import KindT, Resource, listing, operation

__all__ = ["APIKeys", "Logins", "TeamMembers", "Terms"]


class APIKeys(Resource[KindT]):
    """The tokens of the API: ``api.api_keys``; they need the scope ``api:admin``."""

    @operation
    def create(self, *, name: str, scopes: Sequence[str]) -> APIRequest[APIKey]:
        """Create a token with *scopes*, such as ``api:read``; only this reply has its text."""
        body = {"name": name, "scopes": [*scopes]}
        return APIRequest("POST", path_of("api-keys"), APIKey, body=body)

    @operation
    def revoke(self, key: str) -> APIRequest[APIKey]:
        """Revoke a token, by its id."""
        return APIRequest("DELETE", path_of("api-keys", key), APIKey)

    @listing
    def list(self) -> APIRequest[APIKey]:
        """Return all tokens, without their texts."""
        return APIRequest("GET", path_of("api-keys"), APIKey)


class TeamMembers(Resource[KindT]):
    """The members of the teams of customers: ``api.team_members``."""

    @operation
    def add(self, *, customer: str, email: str, role: str) -> APIRequest[TeamMember]:
        """Add a member to the team of a customer."""
        body = {"customer_id": customer, "email": email, "role": role}
        return APIRequest("POST", path_of("team-members"), TeamMember, body=body)

    @listing
    def list(self, *, customer: str = "") -> APIRequest[TeamMember]:
        """Return all members, of one customer where one is named."""
        query = fields_of(customer_id=customer)
        return APIRequest("GET", path_of("team-members"), TeamMember, query)


class Terms(Resource[KindT]):
    """The terms of service: ``api.terms``."""

    @operation
    def accept(self, *, customer: str, email: str, version: str) -> APIRequest[TermsAcceptance]:
        """Record that a person of a customer has accepted *version*."""
        body = {"customer_id": customer, "email": email, "version": version}
        return APIRequest("POST", path_of("terms"), TermsAcceptance, body=body)


class Logins(Resource[KindT]):
    """The logins of people: ``api.logins``."""

    @operation
    def record(self, *, customer: str, email: str) -> APIRequest[Login]:
        """Record a login."""
        body = {"customer_id": customer, "email": email}
        return APIRequest("POST", path_of("logins"), Login, body=body)
