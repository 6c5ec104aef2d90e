"""Be a WSGI server inside the test: the environment that gunicorn makes of a request."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from tests.support.vectors import Request

__all__ = ["environ_of"]


def environ_of(request: Request, path: str, *, terminated: bool = True) -> dict[str, Any]:
    """The environment of *request* (PEP 3333); *terminated*: the server ends the stream itself."""
    environ: dict[str, Any] = {  # Any: what WSGI says.
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "2",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(request.body),
        "wsgi.input_terminated": terminated,
        "wsgi.errors": None,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        if b"_" in name:
            continue  # It would be taken for the header with a hyphen, so gunicorn drops it.
        key = _key(name.decode("latin-1"))
        told = value.decode("latin-1")
        environ[key] = f"{environ[key]},{told}" if key in environ else told
    if "HTTP_TRANSFER_ENCODING" not in environ:
        environ.setdefault("CONTENT_LENGTH", str(len(request.body)))
    return environ


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
