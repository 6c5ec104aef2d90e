"""Django with the middlewares of every program: blocking under gunicorn, asyncio under uvicorn."""

from __future__ import annotations

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="made-up",
    ROOT_URLCONF="benchmarks.frameworks.django_urls",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
)
django.setup()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402 - wants settings.
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - the same.

wsgi = WSGIHandler()
asgi = ASGIHandler()
