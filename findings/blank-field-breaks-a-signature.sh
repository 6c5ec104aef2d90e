#!/usr/bin/env bash
# Twilio signs its URL and each field of the form, a blank one as well: its name alone. The receiver hands
# the framework's parsed form to Twilio's validator, as the examples do. A good engineer guesses that all
# frameworks parse application/x-www-form-urlencoded alike, and that `Body=` is a field with no text.
#
# What really happens: Sanic's `request.form` and BlackSheep's `request.form()` leave blank fields out, so
# their form is not the one that was signed. Tornado keeps them, but its get_body_argument() takes spaces
# and newlines off the ends of each value. Flask, Django, Starlette, aiohttp and Falcon hand on what was
# sent. (Sanic's issue 2427 reported it with Twilio; `request.get_form(keep_blank_values=True)` was the
# answer, and the default stayed. Tornado has `strip=False`. For BlackSheep, parse the body.)
#
# Why a webhook receiver cares: every text message is verified, in tests and in production, until the
# first customer sends a picture without a text, or Twilio does not know a city: FromCity is blank then.
# That delivery has a wrong signature in each of its retries.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  twilio==9.13.0 sanic==25.12.1 blacksheep==2.6.4 tornado==6.6.1 aiohttp==3.14.5 falcon==4.4.0 \
  starlette==1.10.0 python-multipart==0.0.34 uvicorn==0.54.0 flask==3.1.3 werkzeug==3.1.9 \
  django==5.2.19

cat >"$work/receivers.py" <<'PY'
"""One receiver per framework: each answers whether the signature of its form is right."""

import asyncio
import sys

import uvicorn
from twilio.request_validator import RequestValidator

URL = "https://shop.example/hook"
VALIDATOR = RequestValidator("made up for this script")


def verdict(form, signature):
    return "verified" if VALIDATOR.validate(URL, form, signature) else "refused"


def with_sanic(port):
    from sanic import Sanic
    from sanic.response import text

    app = Sanic("receiver")

    @app.post("/hook")
    async def hook(request):
        return text(verdict(request.form, request.headers["x-twilio-signature"]))

    app.run(host="127.0.0.1", port=port, single_process=True, motd=False, access_log=False)


def with_blacksheep(port):
    from blacksheep import Application, Request, text

    app = Application()

    @app.router.post("/hook")
    async def hook(request: Request):
        signature = request.headers.get_single(b"x-twilio-signature").decode()
        return text(verdict(await request.form(), signature))

    serve_asgi(app, port)


def with_tornado(port):
    import tornado.web

    class Hook(tornado.web.RequestHandler):
        def post(self):
            form = {name: self.get_body_argument(name) for name in self.request.body_arguments}
            self.write(verdict(form, self.request.headers["X-Twilio-Signature"]))

    async def serve():
        tornado.web.Application([("/hook", Hook)]).listen(port, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(serve())


def with_aiohttp(port):
    from aiohttp import web

    async def hook(request):
        signature = request.headers["X-Twilio-Signature"]
        return web.Response(text=verdict(await request.post(), signature))

    app = web.Application()
    app.router.add_post("/hook", hook)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


def with_falcon(port):
    import falcon.asgi

    class Hook:
        async def on_post(self, request, response):
            signature = request.get_header("X-Twilio-Signature")
            response.text = verdict(await request.get_media(), signature)

    app = falcon.asgi.App()
    app.add_route("/hook", Hook())
    serve_asgi(app, port)


def with_starlette(port):
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def hook(request):
        signature = request.headers["x-twilio-signature"]
        return PlainTextResponse(verdict(await request.form(), signature))

    serve_asgi(Starlette(routes=[Route("/hook", hook, methods=["POST"])]), port)


def with_flask(port):
    from flask import Flask, request
    from werkzeug.serving import run_simple

    app = Flask("receiver")

    @app.post("/hook")
    def hook():
        return verdict(request.form, request.headers["X-Twilio-Signature"])

    run_simple("127.0.0.1", port, app)


def with_django(port):
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse
    from django.urls import path

    def hook(request):
        return HttpResponse(verdict(request.POST, request.headers["X-Twilio-Signature"]))

    settings.configure(ROOT_URLCONF=(path("hook", hook),), ALLOWED_HOSTS=["*"])
    serve_asgi(get_asgi_application(), port)


def serve_asgi(app, port):
    uvicorn.run(app, port=port, log_level="error")


if __name__ == "__main__":
    globals()[f"with_{sys.argv[1]}"](int(sys.argv[2]))
PY

cat >"$work/observe.py" <<'PY'
import http.client
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlencode

from receivers import URL, VALIDATOR

COMMON = {"From": "+15005550006", "FromCity": "BERLIN", "MessageSid": "SM7"}
MESSAGES = {
    "a text": {**COMMON, "Body": "Hello"},
    "a picture without text": {**COMMON, "Body": "", "NumMedia": "1"},
    "a text that ends with a space": {**COMMON, "Body": "Hello "},
}
NAMES = "flask django starlette aiohttp falcon sanic blacksheep tornado".split()
GOOD, BAD = "verified", "refused"
EXPECTED = {name: [GOOD, GOOD, GOOD] for name in NAMES}
EXPECTED |= {"sanic": [GOOD, BAD, GOOD], "blacksheep": [GOOD, BAD, GOOD]}
EXPECTED["tornado"] = [GOOD, GOOD, BAD]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                sys.exit("The server did not start in 60 s.")
            time.sleep(0.1)


def deliver(port, message):
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": VALIDATOR.compute_signature(URL, message),
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/hook", urlencode(message), headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == 200, (answer.status, body)
    return body


def observe(name):
    """Return the verdict of the framework *name* on each message."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "receivers.py", name, str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(port)
        return [deliver(port, message) for message in MESSAGES.values()]
    finally:
        server.kill()
        server.wait()


print(f"twilio {version('twilio')}, genuine signatures of: {', '.join(MESSAGES)}")
with Path("log").open("w") as log:
    seen = {name: observe(name) for name in NAMES}
for name, verdicts in seen.items():
    print(f"  {name + ' ' + version(name):20}{'    '.join(verdicts)}")
if seen != EXPECTED:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 240 "$work/venv/bin/python" -W ignore observe.py
