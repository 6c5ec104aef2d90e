#!/usr/bin/env bash
# Twilio, Square and HubSpot sign the URL that they call, not only the body. A good engineer
# passes the framework's own `request.url` to the sender's validator, as many examples do.
#
# What really happens: Starlette (so FastAPI too), Django and Flask build that URL from the decoded
# path. An escaped slash comes back as a slash in all three, an escaped space as a space in
# Starlette, Flask unescapes the query as well, and a genuine delivery is refused. aiohttp and
# Tornado keep the target as sent. The bytes are not lost: ASGI has them as `raw_path`, waitress
# as `REQUEST_URI`; WSGI itself (PEP 3333) has no key for them, so each server has a name of its
# own, or none.
#
# Why a webhook receiver cares: everything works until the first customer has a slash, a space
# or a URL in its callback address. Then each of its deliveries is a wrong signature.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  twilio==9.13.0 starlette==1.10.0 uvicorn==0.54.0 flask==3.1.3 werkzeug==3.1.9 django==5.2.19 \
  waitress==3.0.2 aiohttp==3.14.5 tornado==6.6.1

timeout 60 "$work/venv/bin/python" -W ignore - <<'PY'
import asyncio, logging, socket, sys, threading, urllib.request
from importlib.metadata import version

import aiohttp.web, django, flask, tornado.httpserver, tornado.web, uvicorn, waitress
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import re_path
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from twilio.request_validator import RequestValidator

TOKEN, FORM = "an auth token of this test only", {"CallStatus": "completed"}
TARGETS = ["/hooks/acme%2Feu", "/hooks/acme%20eu", "/hooks/acme?next=%2Fbilling", "/hooks/acme"]
validator = RequestValidator(TOKEN)


def verdict(url, raw_target, signature):
    """Return what Twilio's validator says to the framework's URL and to the target as sent."""
    sent = "http://" + url.split("/")[2] + raw_target
    return f"{validator.validate(url, FORM, signature)} {validator.validate(sent, FORM, signature)}"


def asgi_target(scope):
    query = scope["query_string"].decode()
    return scope["raw_path"].decode() + (f"?{query}" if query else "")


async def view(request):
    signature = request.headers["x-twilio-signature"]
    return PlainTextResponse(verdict(str(request.url), asgi_target(request.scope), signature))


flask_app = flask.Flask("receiver")


@flask_app.post("/<path:path>")
def flask_view(path):
    request = flask.request
    signature = request.headers["x-twilio-signature"]
    return verdict(request.url, request.environ["REQUEST_URI"], signature)


def django_view(request):
    signature, target = request.headers["x-twilio-signature"], asgi_target(request.scope)
    return HttpResponse(verdict(request.build_absolute_uri(), target, signature))


urlpatterns = [re_path("", django_view)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="of this test only")
django.setup()


async def aiohttp_view(request):
    signature = request.headers["x-twilio-signature"]
    return aiohttp.web.Response(text=verdict(str(request.url), request.raw_path, signature))


class TornadoView(tornado.web.RequestHandler):
    def post(self):
        request = self.request
        signature = request.headers["x-twilio-signature"]
        self.write(verdict(request.full_url(), request.uri, signature))


def serve_asgi(app):
    config = uvicorn.Config(app, log_level="error", lifespan="off")
    return lambda listener: uvicorn.Server(config).run(sockets=[listener])


def serve_aiohttp(listener):
    app = aiohttp.web.Application()
    app.router.add_route("POST", "/{path:.*}", aiohttp_view)
    loop = asyncio.new_event_loop()
    aiohttp.web.run_app(
        app, sock=listener, handle_signals=False, print=None, access_log=None, loop=loop
    )


def serve_tornado(listener):
    listener.setblocking(False)  # Tornado accepts until there is nothing left.

    async def main():
        app = tornado.web.Application([(".*", TornadoView)])
        tornado.httpserver.HTTPServer(app).add_sockets([listener])
        await asyncio.Event().wait()

    asyncio.run(main())


def deliver(port, target):
    url = f"http://127.0.0.1:{port}{target}"
    headers = {"X-Twilio-Signature": validator.compute_signature(url, FORM)}
    request = urllib.request.Request(url, b"CallStatus=completed", headers)
    return urllib.request.urlopen(request, timeout=20).read().decode()


SERVERS = {
    "starlette": serve_asgi(Starlette(routes=[Route("/{path:path}", view, methods=["POST"])])),
    "django": serve_asgi(get_asgi_application()),
    "flask": lambda listener: waitress.serve(flask_app, sockets=[listener], _quiet=True),
    "aiohttp": serve_aiohttp,
    "tornado": serve_tornado,
}
EXPECTED = {  # Is the framework's own URL valid, for each target?
    "starlette": [False, False, True, True],
    "django": [False, True, True, True],
    "flask": [False, True, False, True],
    "aiohttp": [True, True, True, True],
    "tornado": [True, True, True, True],
}
logging.disable()  # The servers log each request.
print("twilio", version("twilio"), "verifies each genuine delivery twice:")
print("with the framework's own URL / with the request target as it was sent")
seen, as_sent = {}, set()
for name, serve in SERVERS.items():
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=[listener], daemon=True).start()
    answers = [deliver(listener.getsockname()[1], target).split() for target in TARGETS]
    seen[name] = [own == "True" for own, _ in answers]
    as_sent |= {sent for _, sent in answers}
    print(f"\n{name} {version(name)}")
    for target, (own, sent) in zip(TARGETS, answers):
        print(f"  {target:28} {own:5} / {sent}")
if seen != EXPECTED or as_sent != {"True"}:
    sys.exit("The behaviour has changed.")
PY
