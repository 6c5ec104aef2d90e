#!/usr/bin/env bash
# A sender compresses its batches (Content-Encoding: gzip) and signs what it sends, as Content-Digest of
# RFC 9530 is defined over the encoded content. The receiver hashes the raw body, which aiohttp's server
# gives as `await request.read()`. A good engineer guesses that a server leaves the body of a request as
# it is, and that `read()` returns the bytes that Content-Length counts: so do all others tried here.
#
# What really happens: aiohttp inflates the body of the request before the handler sees it, and leaves
# Content-Encoding and Content-Length as they were. `read()` has 700 bytes where Content-Length says 34,
# the digest of a genuine delivery does not match, and a program that obeys Content-Encoding inflates
# JSON. The compressed bytes are gone. `run_app` has no option against it; AppRunner has, among the
# parameters at the end of its reference: `auto_decompress=False`.
#
# Why a webhook receiver cares: small deliveries are not compressed, so the first large batch is the first
# wrong signature, and a receiver that is moved from another framework breaks for some senders only.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  aiohttp==3.14.5 tornado==6.6.1 sanic==25.12.1 starlette==1.10.0 uvicorn==0.54.0 \
  flask==3.1.3 werkzeug==3.1.9 django==5.2.19

cat >"$work/receivers.py" <<'PY'
"""One receiver per framework: each answers the digest and the length of the raw body, in hex."""

import asyncio
import hashlib
import sys

import uvicorn


def digest(body):
    return f"{hashlib.sha256(body).hexdigest()} {len(body)}"


def aiohttp_app():
    from aiohttp import web

    async def hook(request):
        return web.Response(text=digest(await request.read()))

    app = web.Application()
    app.router.add_post("/hook", hook)
    return app


def with_aiohttp(port):
    from aiohttp import web

    web.run_app(aiohttp_app(), host="127.0.0.1", port=port, print=None)


def with_aiohttp_runner(port):
    from aiohttp import web

    async def serve():
        runner = web.AppRunner(aiohttp_app(), auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()

    asyncio.run(serve())


def with_tornado(port):
    import tornado.web

    class Hook(tornado.web.RequestHandler):
        def post(self):
            self.write(digest(self.request.body))

    async def serve():
        tornado.web.Application([("/hook", Hook)]).listen(port, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(serve())


def with_sanic(port):
    from sanic import Sanic
    from sanic.response import text

    app = Sanic("receiver")

    @app.post("/hook")
    async def hook(request):
        return text(digest(request.body))

    app.run(host="127.0.0.1", port=port, single_process=True, motd=False, access_log=False)


def with_starlette(port):
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def hook(request):
        return PlainTextResponse(digest(await request.body()))

    serve_asgi(Starlette(routes=[Route("/hook", hook, methods=["POST"])]), port)


def with_flask(port):
    from flask import Flask, request
    from werkzeug.serving import run_simple

    app = Flask("receiver")

    @app.post("/hook")
    def hook():
        return digest(request.get_data())

    run_simple("127.0.0.1", port, app)


def with_django(port):
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse
    from django.urls import path

    def hook(request):
        return HttpResponse(digest(request.body))

    settings.configure(ROOT_URLCONF=(path("hook", hook),), ALLOWED_HOSTS=["*"])
    serve_asgi(get_asgi_application(), port)


def serve_asgi(app, port):
    uvicorn.run(app, port=port, log_level="error")


if __name__ == "__main__":
    globals()[f"with_{sys.argv[1]}"](int(sys.argv[2]))
PY

cat >"$work/observe.py" <<'PY'
import gzip
import hashlib
import http.client
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

PLAIN = b'{"a":1}' * 100
BODY = gzip.compress(PLAIN, mtime=0)
KINDS = {hashlib.sha256(BODY).hexdigest(): "as sent", hashlib.sha256(PLAIN).hexdigest(): "inflated"}
NAMES = "aiohttp aiohttp_runner tornado sanic starlette flask django".split()


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


def deliver(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    connection.request("POST", "/hook", BODY, headers)
    answer = connection.getresponse()
    assert answer.status == 200, (answer.status, answer.read())
    return answer.read().decode().split()


def observe(name):
    """Return what the framework *name* hands on, and how many bytes it has."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "receivers.py", name, str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(port)
        digest, length = deliver(port)
    finally:
        server.kill()
        server.wait()
    return KINDS[digest], int(length)


print(f"a body of {len(BODY)} bytes with Content-Encoding: gzip arrives")
with Path("log").open("w") as log:
    seen = {name: observe(name) for name in NAMES}
for name, (kind, length) in seen.items():
    package, _, way = name.partition("_")
    shown = f"{package} {version(package)}{way and ', auto_decompress=False'}"
    print(f"  {shown:40}{kind:10}{length:4} bytes")
expected = {name: ("as sent", len(BODY)) for name in NAMES}
expected["aiohttp"] = ("inflated", len(PLAIN))
if seen != expected:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 240 "$work/venv/bin/python" -W ignore observe.py
