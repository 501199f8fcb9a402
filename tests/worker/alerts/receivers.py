"""A receiver of HTTP posts that behaves as it is told, and remembers what it got."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from collectors.simulator.authority import Authority
from tests.processes import PATIENCE_SECONDS


@dataclass
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)


@dataclass
class Manner:
    """How to answer: ``fault`` is one of stall, drip, drop, half, huge and garbage; None is well."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    fault: str | None = None
    think_seconds: float = 0.0


@dataclass
class Post:
    """The receiver: where it is, how it answers, what it got."""

    url: str
    manner: Manner
    got: list[Got] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    sent_bytes: int = 0

    @property
    def documents(self) -> list[Any]:
        return [got.document for got in self.got]


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def handle_error(self, *_: object) -> None:
        """Callers hang up; nobody reads it."""


@contextmanager
def receiving(manner: Manner | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Post]:
    """A receiver on this machine."""
    post = Post("", manner or Manner())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            post.got.append(Got(self.path, dict(self.headers.items()), body))
            _answer(self, post)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        post.url = f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield post
        finally:
            post.over.set()
            server.shutdown()
            thread.join()


def _answer(handler: BaseHTTPRequestHandler, post: Post) -> None:
    manner = post.manner
    post.over.wait(manner.think_seconds)
    match manner.fault:
        case "stall":
            post.over.wait(PATIENCE_SECONDS)
        case "drop":
            handler.connection.shutdown(socket.SHUT_RDWR)
        case "garbage":
            handler.wfile.write(b"\x00\xffnothing like HTTP\r\n\r\n")
        case "drip":
            _drip(handler, post)
        case "half":
            _head(handler, manner, {"Content-Length": "1000"})
            handler.wfile.write(b"{")
        case "huge":
            _head(handler, manner, {"Content-Length": str(10**12)})
            _pour(handler, post)
        case _:
            _head(handler, manner, {"Content-Length": str(len(manner.body)), **manner.headers})
            handler.wfile.write(manner.body)


def _drip(handler: BaseHTTPRequestHandler, post: Post) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
        if post.over.wait(0.05):
            return
        handler.wfile.write(bytes([byte]))


def _pour(handler: BaseHTTPRequestHandler, post: Post) -> None:
    while not post.over.is_set():
        handler.wfile.write(b"x" * 65_536)
        post.sent_bytes += 65_536


def _head(handler: BaseHTTPRequestHandler, manner: Manner, headers: dict[str, str]) -> None:
    handler.send_response(manner.status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def server_tls(authority: Authority, directory: Path) -> ssl.SSLContext:
    """What a server on 127.0.0.1 shows."""
    chain, key = directory / "server.pem", directory / "key.pem"
    chain.write_bytes(authority.server("localhost", "127.0.0.1"))
    key.write_bytes(authority.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context
