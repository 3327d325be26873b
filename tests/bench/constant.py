"""The bare service that answers are compared with: FastAPI, uvicorn, constants of some sizes."""

import socket
import sys
from collections.abc import Awaitable, Callable

import uvicorn
from fastapi import FastAPI, Response


def app(sizes: list[int]) -> FastAPI:
    """One that answers GET and POST on `/<size>` with so many bytes, and does nothing else."""
    bare = FastAPI()
    for size in sizes:
        bare.add_api_route(f"/{size}", _constant(size), methods=["GET", "POST"])
    return bare


def _constant(size: int) -> Callable[[], Awaitable[Response]]:
    content = b'"' + b"x" * (size - 2) + b'"'

    async def constant() -> Response:
        return Response(content, media_type="application/json")

    return constant


def main(sizes: list[int]) -> None:
    """Serves on a free port and says which."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201  # the answer
        config = uvicorn.Config(app(sizes), log_config=None, access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
