"""What each type of channel needs to be told in the file, and the channel that comes of it."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from worker.alerts.channels import pagerduty
from worker.alerts.channels.alertmanager import KEEP, Alertmanager
from worker.alerts.channels.lines import Lines
from worker.alerts.channels.mail import Mail, Security
from worker.alerts.channels.pagerduty import PagerDuty
from worker.alerts.channels.port import Channel
from worker.alerts.channels.posting import TIMEOUT, Receiver
from worker.alerts.channels.webhook import Webhook
from worker.alerts.templates import Texts
from worker.alerts.toml_section import Section, flag, text, texts
from worker.config.parsers import number, seconds, web_url, word

#: Makes a channel of its name, its section of the file and the texts.  After a problem with the
#: section it may be made of stand-ins: the file is refused anyway.
Make: TypeAlias = Callable[[str, Section, Texts], Channel]

#: What is only told of incidents, which a change is not.
FOR_INCIDENTS: Final = (Alertmanager, PagerDuty)

#: Within the time for which a deliverer claims a delivery.
_LONGEST_TIMEOUT: Final = timedelta(minutes=1)


def _webhook(name: str, section: Section, _: Texts) -> Channel:
    secret = section.secret("secret", needed=False)
    return Webhook(_receiver(name, section, section.secret("url", plain=True)), secret)


def _alertmanager(name: str, section: Section, _: Texts) -> Channel:
    retention = section.get("keep", seconds(60), KEEP)
    username = section.get("username", text, None)
    password = section.secret("password", needed=username is not None)
    token = section.secret("token", needed=False)
    if token is not None and username is not None:
        section.wrong("token", "give a token or a username, not both.")
    receiver = _receiver(name, section, section.secret("url", plain=True))
    return Alertmanager(receiver, retention, username, password, token)


def _pagerduty(name: str, section: Section, _: Texts) -> Channel:
    key = section.secret("routing_key")
    url = section.secret("url", plain=True, needed=False) or pagerduty.URL
    return PagerDuty(_receiver(name, section, url), key or "")


def _mail(name: str, section: Section, own: Texts) -> Channel:
    security = section.get("security", word(Security), Security.STARTTLS)
    username = section.get("username", text, None)
    password = section.secret("password", needed=username is not None)
    allow_plain = section.get("allow_plain", flag, False)
    if security is Security.NONE and not (allow_plain and username is None):
        section.wrong("security", "none needs allow_plain = true, and no username.")
    if not f"{username}{password}".isascii():
        section.wrong("password", "username and password must be ASCII.")
    return Mail(
        name,
        section.need("host", host, ""),
        section.get("port", number(1, 65_535), _PORTS[security]),
        security,
        section.need("from", mailbox, _NOBODY),
        section.need("to", mailboxes, ()),
        own,
        username,
        password,
        section.file("ca_file"),
        timeout(section),
    )


#: The usual ports of submission, SMTPS and SMTP.
_PORTS: Final = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_NOBODY: Final = Address(addr_spec="nobody@localhost")


def host(value: object) -> str:
    """A name or an address."""
    if not re.fullmatch(r"[0-9A-Za-z._:-]+", text(value)):
        raise ValueError("give the name or address of a server.")
    return text(value)


def mailbox(value: object) -> Address:
    """``ops@corp.example``, or ``Network team <ops@corp.example>``."""
    mail = EmailMessage()
    try:
        mail["To"] = text(value)
        addresses = mail["To"].addresses
    except (IndexError, ValueError):  # what the library makes of some mistakes
        addresses = ()
    if len(addresses) != 1 or mail["To"].defects or not _is_reachable(addresses[0]):
        raise ValueError("give a mail address such as ops@corp.example.")
    return Address(addresses[0].display_name, addr_spec=addresses[0].addr_spec)


def _is_reachable(box: Address) -> bool:
    return bool(box.username and box.domain) and box.addr_spec.isascii()


def mailboxes(value: object) -> tuple[Address, ...]:
    """Parse one or several mailboxes."""
    return tuple(mailbox(text) for text in texts(value))


def _service(name: str, section: Section, own: Texts) -> Channel:
    url, within = section.secret("url"), timeout(section)
    if importlib.util.find_spec("apprise") is None:
        section.wrong("type", _NO_APPRISE)
        return Lines(name, None)
    from worker.alerts.channels.services import ServiceUnknown, service

    try:
        return service(name, url or _ANY_SERVICE, own, within)
    except ServiceUnknown:
        section.wrong("url", "Apprise knows no such service, or something is missing in the URL.")
        return service(name, _ANY_SERVICE, own, within)


_ANY_SERVICE: Final = "json://localhost"
_NO_APPRISE: Final = (
    f"apprise needs the Apprise library, and {sys.prefix} has none. Install ipam-sync[apprise] "
    "there (docs/how-to/install.md shows how), or use a channel of another type."
)


def _lines(name: str, section: Section, _: Texts) -> Channel:
    return Lines(name, section.file("file"))


def _receiver(name: str, section: Section, url: str | None) -> Receiver:
    """Return the settings that all posting channels share. Plain http must be allowed."""
    allow_http = section.get("allow_http", flag, False)
    receiver = Receiver(
        channel=name,
        url=url or "",
        allow_private=section.get("allow_private", flag, False),
        ca_file=section.file("ca_file"),
        timeout=timeout(section),
    )
    if url is not None and not _is_usable(url):
        section.wrong("url", "this is no URL, or one with a user; write https://host/path.")
    elif url is not None and not allow_http and urlsplit(url).scheme == "http":
        section.wrong("url", "must begin with https, or say allow_http = true.")
    return receiver


def _is_usable(url: str) -> bool:
    try:
        return bool(web_url(url)) and url.isascii() and " " not in url and urlsplit(url).port != 0
    except ValueError:  # its text may quote the URL
        return False


def timeout(section: Section) -> timedelta:
    """Return the timeout of a delivery, at most a minute."""
    limit = section.get("timeout", seconds(1), TIMEOUT)
    if limit > _LONGEST_TIMEOUT:
        section.wrong("timeout", f"may be {_LONGEST_TIMEOUT.seconds} seconds at most.")
    return limit


KINDS: Final[Mapping[str, Make]] = MappingProxyType(
    {
        "alertmanager": _alertmanager,
        "apprise": _service,
        "email": _mail,
        "log": _lines,
        "pagerduty": _pagerduty,
        "webhook": _webhook,
    }
)
