"""The program under ASGI."""

from django.core.asgi import get_asgi_application

__all__ = ["application"]

application = get_asgi_application()
