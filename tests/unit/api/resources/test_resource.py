"""Operations of a resource: methods that return a request, as calls of a client."""

from __future__ import annotations

from typing import Any, cast

from florentin_webhooks.api.models import Customer
from florentin_webhooks.api.request import APIRequest, ModelT
from florentin_webhooks.api.resources.resource import BlockingKind, Resource, listing, operation


class Notes(Resource[BlockingKind]):
    """A resource of this test."""

    @operation
    def show(self, note: str, *, full: bool = False) -> APIRequest[Customer]:
        """Show a note."""
        return APIRequest("GET", f"/notes/{note}", Customer, {"full": str(full)})

    @listing
    def list(self) -> APIRequest[Customer]:
        """List notes."""
        return APIRequest("GET", "/notes", Customer)


class Recorder:
    """A client that returns what it is asked to do."""

    def call(self, request: APIRequest[ModelT]) -> object:
        return "call", request

    def iterate(self, request: APIRequest[ModelT]) -> object:
        return "iterate", request


def test_call_passes_its_arguments_to_the_method() -> None:
    kind, request = cast("Any", Notes(Recorder()).show("7", full=True))
    assert (kind, request.path, request.query) == ("call", "/notes/7", {"full": "True"})


def test_list_is_iterated() -> None:
    kind, request = cast("Any", Notes(Recorder()).list())
    assert (kind, request.name) == ("iterate", "GET /notes")


def test_method_of_the_class_has_its_documentation() -> None:
    assert (Notes.show.__doc__, Notes.list.__doc__) == ("Show a note.", "List notes.")
