"""FastAPI, an HMAC and arq: ``python arq_server.py SOCKET_FD REDIS_URL PATH SECRET CORE``.

Imports nothing of this project: arq needs a redis-py below 6, and so an environment of its own.
"""

import hashlib
import hmac
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI, Request, Response

descriptor, url, path, secret, core = sys.argv[1:]


@asynccontextmanager
async def lifespan(program: FastAPI) -> AsyncIterator[None]:
    """Open the pool of connections."""
    program.state.pool = await create_pool(RedisSettings.from_dsn(url))
    yield
    await program.state.pool.aclose()


app = FastAPI(lifespan=lifespan)


@app.post(path)
async def receive(request: Request) -> Response:
    """Verify and enqueue; arq itself refuses a job id that it has."""
    body = await request.body()
    expected = "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    if not hmac.compare_digest(expected, request.headers.get("x-florentin-signature", "")):
        return Response(status_code=401)
    job_id = request.headers["x-florentin-delivery-id"]
    await request.app.state.pool.enqueue_job("empty", body, _job_id=job_id)
    return Response(status_code=200)


if hasattr(os, "sched_setaffinity") and int(core) < (os.cpu_count() or 1):
    os.sched_setaffinity(0, {int(core)})
config = uvicorn.Config(
    app, http="httptools", loop="uvloop", log_level="warning", access_log=False, lifespan="on"
)
uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])
