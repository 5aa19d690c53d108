"""The server of the review page, for this machine alone.

It answers only requests whose ``Host`` is its own address, so that no name that an attacker points at 127.0.0.1 reaches
it (DNS rebinding), and takes writes only as JSON from its own page, with the token that the page holds. Pages of other
sites can neither read the token nor show its pictures.
"""

import asyncio
import json
import logging
import secrets
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jinja2
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mining_the_mines.core.errors import BadInputError, UnwritableError
from mining_the_mines.review.answer_table import LOOK_ALIKES, Name
from mining_the_mines.review.session import ReviewSession, Submission, UnknownPlaceError

if TYPE_CHECKING:
    import uvicorn

logger = logging.getLogger(__name__)

ADDRESS: Final = "127.0.0.1"
#: Ports that are tried after the wanted one.
_PORTS: Final = 20
#: Largest body of a request in bytes, and the seconds that it may take to arrive.
LARGEST_BODY: Final = 64 * 1024
_PATIENCE: Final = 10.0
TOKEN_HEADER: Final = "x-review-token"  # noqa: S105 - a name
_OWN: Final = frozenset({"same-origin", "none"})
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
PAGE_FOLDER: Final = Path(__file__).parent / "page"
_FILES: Final = {"review.js": "text/javascript", "review.css": "text/css"}


def render_page(setup: dict[str, Any], *, style: str = "", script: str = "", policy: str = "") -> str:
    """Write the page.

    Args:
        setup: Data for its script.
        style: Style sheet to put into the page; by default it asks the server for one.
        script: Script to put into the page.
        policy: Content security policy to put into the page.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    looks = [
        {"name": name, "title": kind.title, "signs": kind.signs, "picture": _example(name)}
        for name, kind in LOOK_ALIKES.items()
    ]
    return environment.get_template("review.html.jinja").render(
        setup=setup | {"look_alikes": looks},
        mines=[_example("mine"), _example("mine_placer")],
        style=style,
        script=script,
        policy=policy,
    )


@cache
def _example(name: str) -> str | None:
    """Picture of a kind of ground as a data URI; ``None`` if there is none."""
    path = PAGE_FOLDER / "examples" / f"{name}.webp"
    return f"data:image/webp;base64,{b64encode(path.read_bytes()).decode('ascii')}" if path.is_file() else None


class Guard:
    """Refuses requests that do not come from the page itself, and adds headers to all answers.

    Args:
        app: The application.
        host: Address and port of this server, as a browser names it.
        token: Secret that the page holds.
    """

    def __init__(self, app: ASGIApp, host: str, token: str) -> None:
        self._app = app
        self._hosts = {host, host.replace(ADDRESS, "localhost", 1)}
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        fault = self._fault(scope["method"], scope["path"], Headers(scope=scope))
        if fault is not None:
            await _refuse(HTTPStatus.FORBIDDEN, fault)(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _fault(self, method: str, path: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if host not in self._hosts:
            return "This server answers under its own address only."
        if path != "/" and headers.get("sec-fetch-site", "none") not in _OWN:
            return "Other sites may not ask this server."
        if method in {"GET", "HEAD"}:
            return None
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return "Other sites may not write to this server."
        if not secrets.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token.encode()):
            return "The page belongs to a server that was stopped: load it again."
        return None


class _Person(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reviewer: Name


class _Asked(_Person):
    place_id: str


def make_app(session: ReviewSession, host: str, token: str) -> ASGIApp:
    """Make the application.

    Args:
        session: The review.
        host: Address and port under which it answers.
        token: Secret for writes.
    """

    async def page(request: Request) -> Response:  # noqa: ARG001 - Starlette passes it
        return HTMLResponse(render_page({"token": token, "places": None}))

    async def work(request: Request) -> Response:
        person = _Person(reviewer=request.query_params.get("reviewer", ""))
        return JSONResponse(await run_in_threadpool(session.work, person.reviewer))

    async def answer(request: Request) -> Response:
        given = Submission.model_validate(await _read_json(request))
        await run_in_threadpool(session.answer, given)
        return JSONResponse(await run_in_threadpool(session.work, given.reviewer))

    async def undo(request: Request) -> Response:
        person = _Person.model_validate(await _read_json(request))
        await run_in_threadpool(session.take_back, person.reviewer)
        return JSONResponse(await run_in_threadpool(session.work, person.reviewer))

    async def show(request: Request) -> Response:
        asked = _Asked.model_validate(await _read_json(request))
        return JSONResponse(await run_in_threadpool(session.show, asked.reviewer, asked.place_id))

    async def picture(request: Request) -> Response:
        found = await run_in_threadpool(session.picture, request.path_params["number"], request.path_params["name"])
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such picture.")
        return Response(found, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"})

    app = Starlette(
        routes=[
            Route("/", page),
            *(Route(f"/{name}", partial(_file, name=name)) for name in _FILES),
            Route("/work", work),
            Route("/answer", answer, methods=["POST"]),
            Route("/undo", undo, methods=["POST"]),
            Route("/show", show, methods=["POST"]),
            Route("/picture/{number:int}/{name}.webp", picture),
        ],
        exception_handlers={
            HTTPException: _explain_http,
            ValidationError: _explain_body,
            UnknownPlaceError: _explaining(HTTPStatus.NOT_FOUND),
            UnwritableError: _explaining(HTTPStatus.INSUFFICIENT_STORAGE),
            BadInputError: _explaining(HTTPStatus.BAD_REQUEST),
        },
    )
    return Guard(app, host, token)


async def _file(request: Request, name: str) -> Response:  # noqa: ARG001 - Starlette passes it
    return Response((PAGE_FOLDER / name).read_bytes(), media_type=_FILES[name])


async def _read_json(request: Request) -> Any:  # noqa: ANN401 - any JSON value
    """Read the body of a request, no further than is allowed."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The server takes JSON only.")
    body = b""
    try:
        async with asyncio.timeout(_PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_BODY:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"An answer has {LARGEST_BODY} bytes at most."
                    )
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The answer did not arrive: send it again.") from None
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The answer was cut off: send it again.") from None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The body is no JSON.") from None


def _refuse(status: int, fault: str) -> JSONResponse:
    return JSONResponse({"error": fault}, status)


async def _explain_http(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette passes it
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these only
    return _refuse(error.status_code, error.detail)


async def _explain_body(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette passes it
    assert isinstance(error, ValidationError)  # noqa: S101 - registered for these only
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(map(str, first["loc"])) or "the answer"
    return _refuse(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {first['msg'].removeprefix('Value error, ')}.")


def _explaining(status: HTTPStatus) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def explain(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette passes it
        return _refuse(status, str(error))

    return explain


def open_socket(port: int) -> socket.socket:
    """Listen on 127.0.0.1.

    Args:
        port: Wanted port; if it is taken, the next ones are tried, and the log says so. 0 for any.

    Raises:
        BadInputError: All of them are taken.
    """
    for tried in range(port, min(port + _PORTS, 65_536)):
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((ADDRESS, tried))
            opened.listen(256)
        except OSError:
            opened.close()
            continue
        if tried != port:
            logger.warning("Port %d is taken: the page is served on %d.", port, tried)
        return opened
    raise BadInputError(f"The ports from {port} to {port + _PORTS - 1} are taken: name another one with --port.")


def make_server(session: ReviewSession, listening: socket.socket) -> "uvicorn.Server":
    """Make the server of a review.

    Args:
        session: The review.
        listening: From :func:`open_socket`; pass it to the server's ``run``, too.
    """
    import uvicorn

    app = make_app(session, f"{ADDRESS}:{listening.getsockname()[1]}", secrets.token_urlsafe(32))
    return uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, proxy_headers=False, ws="none",
            lifespan="off", timeout_graceful_shutdown=3,
        )
    )  # fmt: skip
