"""The program for ASGI servers: uvicorn config.asgi:application"""

import os
import warnings

from django.core.asgi import get_asgi_application

from florentin_webhooks import django as florentin
from florentin_webhooks.asgi import WebhookMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# WhiteNoise streams its files synchronously; Django warns and reads them in one piece.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")

# In front of Django, which reads a whole body, of any size and speed, before it calls a view.
application = WebhookMiddleware(
    get_asgi_application(), receiver=florentin.hooks, path="/webhooks/florentin"
)
