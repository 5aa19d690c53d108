"""A server on loopback that answers truly, until it is told to fail."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

FOREVER = 10**9
#: A status, or a way in which a connection fails.
Kind = int | Literal["hang", "cut", "drip", "drop"]
#: Headers that belong to one connection, not to what is passed on.
_OF_THE_CONNECTION = {"connection", "transfer-encoding", "keep-alive", "date", "server", "content-length"}


@dataclass
class Fault:
    """What goes wrong, and how often.

    Attributes:
        path: Pattern of the addresses that it befalls.
        kind: A status; ``hang``: nothing comes; ``cut``: the connection breaks in the middle of the body; ``drip``: the
            body comes a byte at a time; ``drop``: the connection breaks before the answer.
        times: How many requests it befalls.
        headers: Of an answer with a status.
    """

    path: str
    kind: Kind
    times: int = FOREVER
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What the origin answers."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Asked:
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


ChipSource = Callable[[Asked], Reply]


class FaultyServer:
    """Passes requests on to an origin, and injects faults on the way back.

    Args:
        origin: Answers requests.

    Attributes:
        asked: The requests that came.
        most_in_flight: The most requests that were unanswered at one time.
        pause: Seconds before each answer.
        headers: Headers of each good answer, beside those of the origin.
    """

    def __init__(self, origin: ChipSource) -> None:
        self.origin = origin
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.in_flight = self.most_in_flight = 0
        self.pause = 0.0
        self.headers: dict[str, str] = {}
        self.closing = threading.Event()
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                with suppress(ConnectionError), owner.counted():  # whoever asked has lost patience
                    owner.handle(self)

            do_GET = do_POST = do_PUT = do_HEAD = handle_any  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, path: str, kind: Kind, times: int = FOREVER) -> None:
        """Let requests for addresses that match a pattern fail."""
        self.faults.append(Fault(path, kind, times))

    def count(self, path: str) -> int:
        """How many requests came for addresses that match a pattern."""
        return sum(re.search(path, asked.path) is not None for asked in self.asked)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the requests that are in flight, each of which takes a pause at least."""
        with self._lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            time.sleep(self.pause)
            yield
        finally:
            with self._lock:
                self.in_flight -= 1

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        asked = Asked(handler.command, handler.path, dict(handler.headers.items()), body)
        fault = self._next_fault(asked)
        if fault is None:
            reply = self.origin(asked)
            _send(handler, Reply(reply.status, {**reply.headers, **self.headers}, reply.body))
        elif isinstance(fault.kind, int):
            _send(handler, Reply(fault.kind, fault.headers, b"it is not to be"))
        else:
            handler.close_connection = True
            if fault.kind == "hang":
                self.closing.wait(30)
            elif fault.kind != "drop":
                reply = self.origin(asked)
                _send(handler, Reply(reply.status, reply.headers, b""), length=len(reply.body))
                if fault.kind == "cut":
                    handler.wfile.write(reply.body[: len(reply.body) // 2])
                else:
                    self._drip(handler, reply.body)

    def _drip(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        for position in range(len(body)):
            if self.closing.wait(0.05):
                return
            handler.wfile.write(body[position : position + 1])
            handler.wfile.flush()

    def _next_fault(self, asked: Asked) -> Fault | None:
        with self._lock:
            self.asked.append(asked)
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.path, asked.path):
                    fault.times -= 1
                    return fault
        return None

    @contextmanager
    def running(self) -> Iterator["FaultyServer"]:
        """Listen for as long as the block lasts."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()


def files(folder: Path) -> ChipSource:
    """Serve a folder, also in ranges, as object stores do."""

    def answer(asked: Asked) -> Reply:
        path = folder / unquote(urlsplit(asked.path).path).lstrip("/")
        if not path.is_file():
            return Reply(404, {}, b"nothing here")
        content = path.read_bytes()
        kind = {
            "Content-Type": "application/json" if path.suffix == ".json" else "image/tiff",
            "Accept-Ranges": "bytes",
        }
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("Range", ""))
        if wanted is None:
            return Reply(200, kind, content)
        first, last = int(wanted[1]), min(int(wanted[2] or len(content) - 1), len(content) - 1)
        if first >= len(content):
            return Reply(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
        span = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        return Reply(206, kind | span, content[first : last + 1])

    return answer


def passed_on(host: str, port: int) -> ChipSource:
    """Pass requests on to another server, as they came: it sees the address that the client asked."""

    def answer(asked: Asked) -> Reply:
        connection = HTTPConnection(host, port, timeout=30)
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in {"connection"}}
        connection.request(asked.method, asked.path, body=asked.body or None, headers=headers)
        response = connection.getresponse()
        body = response.read()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _OF_THE_CONNECTION}
        connection.close()
        return Reply(response.status, kept, body)

    return answer


def _send(handler: BaseHTTPRequestHandler, reply: Reply, length: int | None = None) -> None:
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(reply.body) if length is None else length))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(reply.body)
