"""The settings: what is secret, and what differs from place to place, comes from the environment.

DJANGO_SECRET_KEY and FLORENTIN_WEBHOOK_SECRET must be there; without them nothing starts.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "")  # Django refuses to start without one.
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")

# --- Florentin ---------------------------------------------------------------------------------

# The one setting that changes how events are handled. Without it, deliveries are remembered in the
# database below and handled before Florentin is answered; with it, they are remembered in Redis
# and handled by workers: python manage.py florentin_webhooks worker
REDIS_URL = os.environ.get("REDIS_URL")

FLORENTIN_WEBHOOKS = {
    "SECRETS": os.environ.get("FLORENTIN_WEBHOOK_SECRET"),  # From Florentin's settings.
    "STORE": REDIS_URL or "database",
    "QUEUE": "florentin" if REDIS_URL else None,
}

# Where the sales team wants to hear about plans; without it nobody is told.
CRM_URL = os.environ.get("CRM_URL")

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
            # Writers queue for SQLite's one lock when they begin; else a transaction that has read
            # first is refused at once when another one has written.
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

# Behind a proxy that speaks TLS; for a try without one, the environment says so.
if os.environ.get("DJANGO_PLAIN_HTTP") != "1":
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 3600  # Raise it once every page is known to work over TLS.

SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # Subdomains are for whoever owns the domain to decide about,
    "security.W021",  # and so is the preload list of browsers.
    "security.W008",  # The proxy sends browsers to https; Florentin follows no redirect.
    "florentin_webhooks.I001",  # Team members and terms are nothing to this program.
]

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # Served from where they are, so there is nothing to collect.

TIME_ZONE = "UTC"
USE_I18N = False

# One line per delivery, and what handlers raise, where the server's own lines go.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
