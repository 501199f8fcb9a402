"""How far talking with a host has come: what a failure is explained by, and when it must end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final

from collectors.powershell.deadline import Deadline
from collectors.powershell.errors import Layer
from collectors.powershell.host import Host, Transport

#: These prove who we are to a connection, not with each request; a new one begins anew.
CONNECTION_BOUND: Final = frozenset({Transport.NTLM})


class ProofResult(StrEnum):
    """Results of a proof of the password or of the certificate."""

    UNSENT = auto()
    SENT = auto()
    ACCEPTED = auto()
    REFUSED = auto()


@dataclass(slots=True)
class Attempt:
    """A conversation with a host, over one connection where the logon belongs to that.

    ``layer`` is the layer that it has reached. ``offered`` are the logon schemes that the server
    named.
    """

    host: Host
    deadline: Deadline
    layer: Layer = Layer.ADDRESS
    proof: ProofResult = ProofResult.UNSENT
    offered: tuple[str, ...] = ()

    @property
    def encrypts(self) -> bool:
        """Messages are encrypted by the logon itself: without TLS, nothing goes in plain text."""
        return self.host.transport in CONNECTION_BOUND and not self.tls

    @property
    def tls(self) -> bool:
        return self.host.url.startswith("https:")

    @property
    def proven(self) -> bool:
        """The proof was sent, whatever came of it."""
        return self.proof is not ProofResult.UNSENT
