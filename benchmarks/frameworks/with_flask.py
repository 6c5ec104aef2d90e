"""Flask, under gunicorn."""

from __future__ import annotations

from flask import Flask, Response, request

from benchmarks.deliveries import PATH
from benchmarks.frameworks import BY_HAND, bill, is_signed, receiver
from florentin_webhooks.flask import webhook_blueprint

app = Flask(__name__)
app.register_blueprint(webhook_blueprint(receiver(bill), PATH))


@app.post(BY_HAND)
def by_hand() -> Response:
    """Only verify the signature."""
    signed = is_signed(request.get_data(), request.headers.get("X-Florentin-Signature"))
    return Response(status=200 if signed else 401)
