"""The program under WSGI."""

from django.core.wsgi import get_wsgi_application

__all__ = ["application"]

application = get_wsgi_application()
