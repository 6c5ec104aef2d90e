"""Django with the usual middleware: blocking under gunicorn, asyncio under uvicorn."""

from __future__ import annotations

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="invented",
    ROOT_URLCONF="benchmarks.frameworks.django_urls",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
)
django.setup()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402 - needs settings.
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - the same.

wsgi = WSGIHandler()
asgi = ASGIHandler()
