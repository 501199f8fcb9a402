"""One POST to a receiver on the network, and what its answer means for the message.

The standard library's client suits this better than requests: there is nothing to turn off that
follows redirects, tries again, or reads proxies and passwords from the environment.
"""

from __future__ import annotations

import contextlib
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from collectors.powershell.deadline import Deadline
from collectors.powershell.route import Address, route
from collectors.quote import escaped
from worker.alerts.channels.port import Undelivered
from worker.alerts.channels.reaching import reaching, trusting, why

#: Receivers answer in a second or two. A slow one must not hold up others for long.
TIMEOUT: Final = timedelta(seconds=10)
_AGENT: Final = "ipam-sync"
_MOST_BYTES: Final = 65_536  # of an answer; what comes after that is not read
#: A longer wait that a receiver asks for is cut to this.
_LONGEST_WAIT: Final = timedelta(days=1)
#: Answers after which the same request may succeed.
_LATER: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
#: Of who passed it on and does not know what became of it.
_OF_GO_BETWEENS: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
_NAT64: Final = 0x0064_FF9B << 96  # addresses that hold an IPv4 one in their last bits
# IPv6 addresses with an IPv4 address inside are judged by that.
_WHOLE_IPV4: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Receiver:
    """An HTTP receiver and the limits for it. The URL may be a secret.

    ``channel`` is its name for sentences. ``allow_private``: addresses that are not public, such as
    this machine's, may be connected to. ``timeout`` is for the whole delivery, whatever the
    receiver does. Certificates are verified against the system's authorities and those of
    ``ca_file``.
    """

    channel: str
    url: str = field(repr=False)
    allow_private: bool = False
    ca_file: Path | None = None
    timeout: timedelta = TIMEOUT


def post(receiver: Receiver, body: bytes, headers: Mapping[str, str]) -> None:
    """Post a body. A complete 2xx answer is a delivery. Raises Undelivered."""
    with Deadline(receiver.timeout.total_seconds()) as deadline:
        try:
            status, retry_after = _posted(receiver, body, headers, deadline)
        except Undelivered:
            raise
        except (OSError, HTTPException, ValueError) as error:
            raise Undelivered(f"{_who(receiver)} {why(error, deadline)}.") from None
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    raise _refusal(_who(receiver), status, retry_after)


def authorization(
    username: str | None, password: str | None, token: str | None
) -> Mapping[str, str]:
    """The header that says who we are, if we are anybody."""
    if token is not None:
        return {"Authorization": f"Bearer {token}"}
    if username is None:
        return {}
    proof = b64encode(f"{username}:{password or ''}".encode()).decode("ascii")
    return {"Authorization": f"Basic {proof}"}


def _posted(
    receiver: Receiver, body: bytes, headers: Mapping[str, str], deadline: Deadline
) -> tuple[int, str | None]:
    parts = urlsplit(receiver.url)
    network_route = route(receiver.url, deadline)
    allowed = [a for a in network_route.addresses if receiver.allow_private or is_public(_ip(a))]
    if not allowed:
        raise Undelivered(
            f"{_who(receiver)} is at an address that is not public; if that is meant, say"
            " allow_private = true in its channel.",
            permanent=True,
        )
    client = HTTPConnection(network_route.name, network_route.port)
    client.auto_open = 0  # nothing but the address that was checked is connected to
    with reaching(deadline) as connect, contextlib.closing(client):
        client.sock = connect(allowed)
        if parts.scheme == "https":
            context = trusting(receiver.ca_file)
            client.sock = context.wrap_socket(client.sock, server_hostname=network_route.name)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            client.request("POST", target, body, {"User-Agent": _AGENT, **headers})
            answer = client.getresponse()
            _read(answer, deadline)
        except (OSError, HTTPException) as error:
            raise Undelivered(f"{_who(receiver)} {why(error, deadline)}.", unsure=True) from None
        return answer.status, answer.getheader("Retry-After")


def _read(answer: HTTPResponse, deadline: Deadline) -> None:
    """The answer to its end, or as much of it as anybody should send."""
    bytes_left = _MOST_BYTES
    while bytes_left > 0 and (piece := answer.read1(bytes_left)):
        bytes_left -= len(piece)
    if deadline.over:
        raise TimeoutError
    if bytes_left > 0 and answer.length:
        raise ConnectionResetError  # it ended before it was whole


def _ip(address: Address) -> IPv4Address | IPv6Address:
    return ip_address(str(address[1][0]).partition("%")[0])


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """True if it is an address of the internet, and hides no other one in itself."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if 0 <= int(address) - _NAT64 < _WHOLE_IPV4:
        inner.append(IPv4Address(int(address) - _NAT64))
    hidden = [address_inside for address_inside in inner if address_inside is not None]
    if hidden:
        return all(is_public(address_inside) for address_inside in hidden)
    return address.is_global and not address.is_multicast and not address.is_site_local


def _who(receiver: Receiver) -> str:
    """Return the channel and the host. The rest of the URL may be a secret."""
    with contextlib.suppress(ValueError):
        return f"{escaped(receiver.channel)}: {escaped(urlsplit(receiver.url).hostname or '?')}"
    return f"{escaped(receiver.channel)}: its receiver"


def _refusal(who: str, status: int, retry_after: str | None) -> Undelivered:
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        sentence, is_unsure = f"{who} answered with {status}.", status in _OF_GO_BETWEENS
        return Undelivered(sentence, retry_after=patience(retry_after), unsure=is_unsure)
    note = "; redirects are not followed" if status < HTTPStatus.BAD_REQUEST else ""
    return Undelivered(f"{who} answered with {status}{note}.", permanent=True)


def patience(header: str | None) -> timedelta | None:
    """Return the wait that a Retry-After header asks for, at most a day, or None.

    The header has seconds or a date.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        retry_at = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = retry_at if retry_at.tzinfo is not None else retry_at.replace(tzinfo=UTC)
    wait = aware - datetime.fromtimestamp(time.time(), UTC)
    return min(max(wait, timedelta(0)), _LONGEST_WAIT)
