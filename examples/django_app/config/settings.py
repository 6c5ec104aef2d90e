"""The settings. Secrets, and values that differ between deployments, come from the environment.

DJANGO_SECRET_KEY and FLORENTIN_WEBHOOK_SECRET are required.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "")  # Django refuses to start without one.
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")

# --- Florentin ---------------------------------------------------------------------------------

# Without it, deliveries are stored in the database below, and handlers run before the reply to
# Florentin. With it, they are stored in Redis, and workers run the handlers:
# python manage.py florentin_webhooks worker
REDIS_URL = os.environ.get("REDIS_URL")

FLORENTIN_WEBHOOKS = {
    "SECRETS": os.environ.get("FLORENTIN_WEBHOOK_SECRET"),  # From Florentin's settings.
    "STORE": REDIS_URL or "database",
    "QUEUE": "florentin" if REDIS_URL else None,
}

# Where changes of plans are sent; not sent without it.
CRM_URL = os.environ.get("CRM_URL")

# The provider's REST API, where a login costs a credit; not called without both.
PROVIDER_API_URL = os.environ.get("PROVIDER_API_URL")
PROVIDER_API_TOKEN = os.environ.get("PROVIDER_API_TOKEN")

# --- the program -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "saas",
    "florentin_webhooks.django",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "customers"
LOGOUT_REDIRECT_URL = "login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE_PATH", BASE_DIR / "db.sqlite3"),
        "OPTIONS": {
            # Writers wait for SQLite's lock when they begin. Otherwise a transaction that has read
            # first fails at once after another one has written.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL",  # Readers do not wait for writers.
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- in production -----------------------------------------------------------------------------

# Behind a proxy with TLS, unless the environment says otherwise.
if os.environ.get("DJANGO_PLAIN_HTTP") != "1":
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 3600  # Raise it when every page works over TLS.

SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # The owner of the domain decides about subdomains,
    "security.W021",  # and about the preload list of browsers.
    "security.W008",  # The proxy redirects browsers to https; Florentin does not follow redirects.
    "florentin_webhooks.I001",  # This program ignores team members and terms.
]

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # Served in place; collectstatic is not needed.

TIME_ZONE = "UTC"
USE_I18N = False

# One line per delivery, and errors of handlers, to the server's own log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
