"""The program's settings, with secrets drawn for this run of the tests."""

import os
from secrets import token_urlsafe

os.environ["DJANGO_SECRET_KEY"] = token_urlsafe(48)
os.environ["FLORENTIN_WEBHOOK_SECRET"] = token_urlsafe(32)
os.environ["DJANGO_PLAIN_HTTP"] = "1"
os.environ.pop("REDIS_URL", None)

from config.settings import *  # noqa: F403 - they read the environment.

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # The fast one.
