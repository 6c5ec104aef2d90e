"""The 404 of each framework, as it really is, leads to the line that mounts the receiver there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import path
from django.views import View
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.types import ASGIApp

from florentin_webhooks.cli.doctor.outside.exchange import Exchange
from florentin_webhooks.cli.doctor.outside.reply import check_reply
from tests.support.django_settings import described
from tests.support.http import call, scope_of
from tests.support.vectors import Request

PATH = "/hooks/shop"


def asgi(app: ASGIApp) -> str:
    answer = asyncio.run(call(app, scope_of(Request((), b"{}"), PATH)))
    assert answer is not None
    return answer.body.decode()


def django(*, debug: bool) -> str:
    with described(None, ROOT_URLCONF=(path("other", View.as_view()),), DEBUG=debug, MIDDLEWARE=[]):
        return str(Client().post(PATH).content.decode())


def nginx() -> str:
    return "<html><center><h1>404 Not Found</h1></center><hr><center>nginx/1.28</center></html>"


@pytest.mark.parametrize(
    ("written", "name", "fix"),
    [
        (lambda: asgi(Starlette()), "Starlette", 'Route("/hooks/shop", WebhookApp(hooks)'),
        (lambda: asgi(FastAPI()), "FastAPI", 'webhook_router(hooks, "/hooks/shop")'),
        (lambda: Flask("shop").test_client().post(PATH).text, "Flask", "webhook_blueprint(hooks"),
        (lambda: django(debug=False), "Django", 'webhook_path("hooks/shop", hooks)'),
        (lambda: django(debug=True), "Django", 'webhook_path("hooks/shop", hooks)'),
        (nginx, "nginx", "location /hooks/shop { proxy_pass"),
    ],
)
def test_missing_route_has_the_line_of_its_framework(
    written: Callable[[], str], name: str, fix: str
) -> None:
    check = check_reply(Exchange(f"https://shop.example{PATH}", 404, text=written()))
    assert check.name == "route"
    assert f"{name} answers with 404" in check.message
    assert fix in check.hint


def test_missing_route_elsewhere_has_a_general_hint() -> None:
    check = check_reply(Exchange(f"https://shop.example{PATH}", 404, text="?"))
    assert (check.name, check.hint) == ("route", "Compare the path with the one it has there.")
