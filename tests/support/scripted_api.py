"""An API that answers as a test has written down, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2

from florentin_webhooks.api import AsyncFlorentinAPI, FlorentinAPI

URL = "http://127.0.0.1/api/v1"
TOKEN = "42|kP3f9c_a_secret_of_tests"

Answer = tuple[int, object] | tuple[int, object, dict[str, str]] | Exception


class ScriptedAPI:
    """Answers with *answers* in turn, and with the last one from then on."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, content, headers = answer if len(answer) == 3 else (*answer, {})
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return httpx2.Response(status, content=body, headers=headers)

    @property
    def bodies(self) -> Iterator[dict[str, Any]]:
        return (json.loads(request.content) for request in self.requests)

    def client(self, **options: Any) -> FlorentinAPI:
        return FlorentinAPI(URL, TOKEN, transport=self.transport, **options)

    def async_client(self, **options: Any) -> AsyncFlorentinAPI:
        return AsyncFlorentinAPI(URL, TOKEN, transport=self.transport, **options)
