"""What each type of channel needs to be told in the file, and the channel that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from worker.alerts.channels import pagerduty
from worker.alerts.channels.alertmanager import KEEP, Alertmanager
from worker.alerts.channels.lines import Lines
from worker.alerts.channels.pagerduty import PagerDuty
from worker.alerts.channels.port import Channel
from worker.alerts.channels.posting import TIMEOUT, Receiver
from worker.alerts.channels.webhook import Webhook
from worker.alerts.sheet import Section, flag, text
from worker.alerts.texts import Texts
from worker.setting_values import seconds, web_url

#: Makes a channel of its name, its section of the file and the texts.  After a problem with the
#: section it may be made of stand-ins: the file is refused anyway.
Make: TypeAlias = Callable[[str, Section, Texts], Channel]

_LONGEST_TIMEOUT: Final = timedelta(minutes=1)


def _webhook(name: str, section: Section, _: Texts) -> Channel:
    secret = section.secret("secret", needed=False)
    return Webhook(_receiver(name, section, section.secret("url", plain=True)), secret)


def _alertmanager(name: str, section: Section, _: Texts) -> Channel:
    keep = section.get("keep", seconds(60), KEEP)
    username = section.get("username", text, None)
    password = section.secret("password", needed=username is not None)
    token = section.secret("token", needed=False)
    if token is not None and username is not None:
        section.wrong("token", "give a token or a username, not both.")
    receiver = _receiver(name, section, section.secret("url", plain=True))
    return Alertmanager(receiver, keep, username, password, token)


def _pagerduty(name: str, section: Section, _: Texts) -> Channel:
    key = section.secret("routing_key")
    url = section.secret("url", plain=True, needed=False) or pagerduty.URL
    return PagerDuty(_receiver(name, section, url), key or "")


def _lines(name: str, section: Section, _: Texts) -> Channel:
    return Lines(name, section.file("file"))


def _receiver(name: str, section: Section, url: str | None) -> Receiver:
    """What all that is posted shares; plain http must be allowed."""
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
    """Of one delivery, at most a minute."""
    found = section.get("timeout", seconds(1), TIMEOUT)
    if found > _LONGEST_TIMEOUT:
        section.wrong("timeout", f"may be {_LONGEST_TIMEOUT.seconds} seconds at most.")
    return found


KINDS: Final[Mapping[str, Make]] = MappingProxyType(
    {"alertmanager": _alertmanager, "log": _lines, "pagerduty": _pagerduty, "webhook": _webhook}
)
