"""HTTP/1.1 as a WinRM service speaks it: requests in, responses out, nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

#: More than any request of a WinRM client. http.sys has a limit of its own.
_LONGEST_BODY: Final = 4 * 1024 * 1024
#: More than any client sends. It bounds what a broken one can make us keep.
_MOST_HEADERS: Final = 100
SOAP_TYPE: Final = "application/soap+xml;charset=UTF-8"


class BadHttp(Exception):
    """The bytes are no HTTP request. Windows (http.sys) answers 400 and closes."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. Header names are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. The length is added when it is written."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False

    def head(self) -> bytes:
        """Everything before the body."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}", "Server: Microsoft-HTTPAPI/2.0"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.content_type is not None:
            lines.append(f"Content-Type: {self.content_type}")
        lines.append(f"Content-Length: {len(self.body)}")
        if self.close:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The next request of a connection, None at its end. Raises BadHttp."""
    first_byte = await reader.read(1)
    if not first_byte:
        return None
    if (
        not first_byte.isalpha()
    ):  # TLS on a plain port has no line that one could wait for the end of
        raise BadHttp("no method")
    try:
        method, path, _ = _request_line(first_byte + await reader.readline())
        headers = await _headers(reader)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal() and int(length) <= _LONGEST_BODY):
            raise BadHttp("length")
        return HttpRequest(method, path, headers, await reader.readexactly(int(length)))
    except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise BadHttp(str(error)) from error


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        line = await reader.readline()
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            break
        headers[name.strip().lower()] = value.strip()
    raise BadHttp("header")


def _request_line(line: bytes) -> tuple[str, str, str]:
    method, path, version = line.decode("ascii", "strict").split()
    if not version.startswith("HTTP/1."):
        raise BadHttp("version")
    return method, path, version
