"""A small SaaS whose customers, access and invoices come from Florentin's events.

gunicorn "saas:create_app()"
florentin-webhooks worker "saas:create_app"
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Flask

from saas.handlers import florentin
from saas.models import (
    db,
    discard_read_only_connections,
    forget_connections_in_forks,
)
from saas.monitoring import init_monitoring
from saas.pages import pages
from saas.provider import init_provider


def create_app(overrides: Mapping[str, object] | None = None) -> Flask:
    """Create the app, configured by the environment; *overrides* are for tests."""
    app = Flask(__name__)
    app.config.from_mapping(
        SQLALCHEMY_DATABASE_URI=os.environ.get("DATABASE_URL", "sqlite:///saas.db"),
        CRM_URL=os.environ.get("CRM_URL"),
        PROVIDER_API_URL=os.environ.get("PROVIDER_API_URL"),
        PROVIDER_API_TOKEN=os.environ.get("PROVIDER_API_TOKEN"),
        INSPECTOR_PASSWORD=os.environ.get("INSPECTOR_PASSWORD"),
        FLORENTIN_QUEUE="florentin",
    )
    app.config.from_mapping(overrides)
    db.init_app(app)
    forget_connections_in_forks(app)
    discard_read_only_connections(app)
    florentin.init_app(app)
    init_monitoring(app)
    init_provider(app)
    app.register_blueprint(pages)
    # A command, not a part of create_app: gunicorn and workers fork, and forks must not share a
    # connection. In production, use migrations.
    app.cli.command("init-db", help="Create missing tables.")(db.create_all)
    return app
