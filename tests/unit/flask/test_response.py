"""Replies as responses of Flask, as the receiver made them or changed by the program."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, Response
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from florentin_webhooks.flask import response as module
from tests.support.flask_apps import PATH, mounted
from tests.support.receivers import Target
from tests.support.vectors import delivery


def answered(change: Callable[[Response], Response] | None = None) -> TestResponse:
    app: Flask = mounted(Target().receiver)
    if change is not None:
        app.after_request(change)
    request = delivery()
    headers = [(name.decode(), value.decode()) for name, value in request.headers]
    return app.test_client().post(PATH, data=request.body, headers=headers)


def add_header(response: Response) -> Response:
    response.headers["Location"] = "/ü"
    return response


def replace_body(response: Response) -> Response:
    response.set_data("ä")
    return response


def stream_body(response: Response) -> Response:
    response.response = iter(["a", "b"])
    del response.headers["Content-Length"]
    return response


def test_unchanged_reply_has_its_body_and_two_headers() -> None:
    response = answered()
    assert response.get_json()["data"]["outcome"] == "processed"
    assert [name for name, _ in response.headers] == ["Content-Type", "Content-Length"]
    assert response.content_length == len(response.data)


def test_header_that_the_program_adds_is_encoded_by_werkzeug() -> None:
    assert answered(add_header).headers["Location"] == "/%C3%BC"


@pytest.mark.parametrize(("change", "body"), [(replace_body, "ä"), (stream_body, "ab")])
def test_body_that_the_program_replaces_is_sent(
    change: Callable[[Response], Response], body: str
) -> None:
    assert answered(change).text == body


def test_what_the_program_does_at_the_end_runs_once() -> None:
    ended: list[bool] = []

    def note(response: Response) -> Response:
        response.call_on_close(lambda: ended.append(True))
        return response

    answered(note).close()
    assert ended == [True]


def test_other_headers_of_werkzeug_make_an_ordinary_response(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert vars(Headers([("a", "b")])) == {"_list": [("a", "b")]}
    usual = answered()
    monkeypatch.setattr(module, "_HAS_LIST", False)
    other = answered()
    assert (other.status, other.data, other.headers) == (usual.status, usual.data, usual.headers)
