"""The program for ASGI servers: uvicorn config.asgi:application"""

import os
import warnings

from django.core.asgi import get_asgi_application

from florentin_webhooks import django as florentin
from florentin_webhooks.asgi import WebhookMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# WhiteNoise gives its files as Django reads them in WSGI servers; here they are read in one piece.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")

# In front of Django, which here would take a body whole, however long and slow, before any view.
application = WebhookMiddleware(
    get_asgi_application(), receiver=florentin.hooks, path="/webhooks/florentin"
)
