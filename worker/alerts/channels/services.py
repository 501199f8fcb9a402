"""Microsoft Teams, Slack and a hundred other services of people, by the Apprise library.

The library says of a failure no more than that there was one, so each may be tried again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Final

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from apprise.plugins.base import NotifyBase
from apprise.result import AppriseResultStatus

from collectors.quote import escaped
from reconcile.model.findings import Event, Severity
from worker.alerts.channels.port import Undelivered
from worker.alerts.channels.posting import TIMEOUT
from worker.alerts.message import Alert, Message, loudest
from worker.alerts.templates import Medium, Texts, for_markdown

_LOUD: Final = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}
_MEDIA: Final = {
    NotifyFormat.TEXT: Medium.PLAIN,
    NotifyFormat.HTML: Medium.HTML,
    NotifyFormat.MARKDOWN: Medium.MARKDOWN,
}


class ServiceUnknown(Exception):
    """There is no service for a URL, or something is missing in it. The URL is not repeated."""


@dataclass(frozen=True, slots=True)
class Service:
    """A channel over an Apprise ``plugin``. Its URL is a secret."""

    for_people: ClassVar[bool] = True
    refresh: ClassVar[None] = None

    name: str
    plugin: NotifyBase = field(repr=False)
    texts: Texts = field(repr=False)
    timeout: timedelta = TIMEOUT

    def deliver(self, message: Message) -> None:
        title, body, form = self._written(message)
        sender = Apprise()
        sender.add(self.plugin)
        result = sender.notify(
            body=body,
            title=title,
            notify_type=_type(message),
            body_format=form,
            timeout=self.timeout.total_seconds(),
        )
        if not result:
            problem = "did not answer in time"
            if result.status is not AppriseResultStatus.TIMEOUT:
                problem = "did not take the message, or could not be reached"
            service = escaped(str(self.plugin.service_name))
            raise Undelivered(f"{escaped(self.name)}: {service} {problem}.", unsure=True)

    def _written(self, message: Message) -> tuple[str, str, NotifyFormat]:
        """Title, body, and what the body is written in: what the service likes best of ours.

        A title may be read as Markdown or HTML, or as neither, and only the service knows: where it
        is not plain text the title is a part of the body.
        """
        form = self.plugin.resolve_format(NotifyFormat.TEXT)
        subject, body = self.texts.subject(message), self.texts.body(message, _MEDIA[form])
        if form is NotifyFormat.MARKDOWN:
            return "", f"**{for_markdown(subject)}**\n\n{body}", form
        return (subject if form is NotifyFormat.TEXT else ""), body, form


def service(name: str, url: str, texts: Texts, timeout: timedelta) -> Service:
    """The service at an Apprise URL. Raises ServiceUnknown."""
    # It logs URLs that it does not understand; what matters comes back as a result.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = AppriseAsset(app_id="ipam-sync", app_desc="ipam-sync", app_url="", http_redirects=False)
    plugin = Apprise.instantiate(url, asset=asset)
    if not isinstance(plugin, NotifyBase):
        raise ServiceUnknown
    plugin.redirects = False
    plugin.retry = 0
    plugin.optional = False  # a failure of its kind would pass for a success
    plugin.socket_connect_timeout = timeout.total_seconds()
    plugin.socket_read_timeout = timeout.total_seconds()
    return Service(name, plugin, texts, timeout)


def _type(message: Message) -> NotifyType:
    if isinstance(message, Alert) and message.event is Event.RESOLVED:
        return NotifyType.SUCCESS
    return _LOUD[loudest(message)]
