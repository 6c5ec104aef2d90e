"""A small SaaS that learns from Florentin's events who may use it, and what they owe.

gunicorn "saas:create_app()"
florentin-webhooks worker "saas:create_app"
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Flask

from saas.handlers import florentin
from saas.models import db
from saas.pages import pages


def create_app(overrides: Mapping[str, object] | None = None) -> Flask:
    """Give the program, configured by the environment; *overrides* are for tests."""
    app = Flask(__name__)
    app.config.from_mapping(
        SQLALCHEMY_DATABASE_URI=os.environ.get("DATABASE_URL", "sqlite:///saas.db"),
        CRM_URL=os.environ.get("CRM_URL"),
        FLORENTIN_QUEUE="florentin",
        FLORENTIN_RETRIES=os.environ.get("FLORENTIN_RETRIES"),
    )
    app.config.from_mapping(overrides)
    db.init_app(app)
    florentin.init_app(app)
    app.register_blueprint(pages)
    # A command, and not a part of create_app: workers fork, and a connection must not be shared.
    # A program that lives longer has migrations.
    app.cli.command("init-db", help="Create the tables that are missing.")(db.create_all)
    return app
