"""Everything on that hurts a webhook; the environment says where the program remembers."""

from __future__ import annotations

import os

SECRET_KEY = "made up for tests"
SECRET = "a-secret-of-the-django-site"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.support.django_site.urls"
APPEND_SLASH = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000
MAX_BODY = 20_000
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["SITE_DATABASE"],
        "ATOMIC_REQUESTS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "florentin_webhooks.django",
    "tests.support.django_site",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "tests.support.django_site.urls.meddle",
]
FLORENTIN_WEBHOOKS = {
    "SECRETS": SECRET,
    "STORE": os.environ.get("SITE_STORE", "database"),
    "QUEUE": os.environ.get("SITE_QUEUE"),
    "MAX_BODY": MAX_BODY,
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
