"""Windows as far as a DHCP server's answer shows it: generations, and errors in two languages.

Used by ``dhcp``.
"""

# ruff: noqa: RUF001  # French Windows writes with this apostrophe

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Generation(StrEnum):
    """A release of Windows Server."""

    WS2012 = "2012"
    WS2012R2 = "2012r2"
    WS2016 = "2016"
    WS2019 = "2019"
    WS2022 = "2022"
    WS2025 = "2025"

    @property
    def os_version(self) -> str:
        """``[Environment]::OSVersion.Version``."""
        return _VERSIONS[self][0]

    @property
    def powershell_version(self) -> str:
        """``$PSVersionTable.PSVersion``."""
        return _VERSIONS[self][1]

    @property
    def tells_types(self) -> bool:
        """Return whether it has the properties of 2012 R2: the primary, names and addresses."""
        return self is not Generation.WS2012


_VERSIONS: Final = {
    Generation.WS2012: ("6.2.9200.0", "3.0"),
    Generation.WS2012R2: ("6.3.9600.0", "4.0"),
    Generation.WS2016: ("10.0.14393.0", "5.1.14393.7254"),
    Generation.WS2019: ("10.0.17763.0", "5.1.17763.6414"),
    Generation.WS2022: ("10.0.20348.0", "5.1.20348.2849"),
    Generation.WS2025: ("10.0.26100.0", "5.1.26100.1591"),
}


class Language(StrEnum):
    """In which a server's messages are."""

    ENGLISH = "en"
    FRENCH = "fr"


class Trouble(StrEnum):
    """Why a DHCP server that lets one in cannot tell its relationships."""

    ACCESS_DENIED = "access_denied"
    WMI_DENIED = "wmi_denied"
    RPC_UNAVAILABLE = "rpc_unavailable"
    SERVICE_STOPPED = "service_stopped"
    NO_MODULE = "no_module"


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """The texts of PowerShell's error record. The message has a place for the server's name."""

    fqid: str
    category: str
    english: str
    french: str

    def message(self, language: Language, server: str) -> str:
        """In the server's language."""
        text = self.french if language is Language.FRENCH else self.english
        return text.format(server=server)


_CMDLET: Final = "Get-DhcpServerv4Failover"
_FAILED: Final = "Failed to enumerate failover relationships on DHCP server {server}."
_ECHEC: Final = "Échec de l’énumération des relations de basculement sur le serveur DHCP {server}."

ERRORS: Final = {
    Trouble.ACCESS_DENIED: ErrorRecord(
        f"WIN32 5,{_CMDLET}", "PermissionDenied", _FAILED, f"{_ECHEC} Accès refusé."
    ),
    # Unverified: the message was seen without its ids; these are those of CIM errors elsewhere.
    Trouble.WMI_DENIED: ErrorRecord(
        f"HRESULT 0x80041003,{_CMDLET}",
        "PermissionDenied",
        "Cannot connect to CIM server. Access denied",
        "Connexion au serveur CIM impossible. Accès refusé",
    ),
    Trouble.RPC_UNAVAILABLE: ErrorRecord(f"WIN32 1722,{_CMDLET}", "NotSpecified", _FAILED, _ECHEC),
    # Unverified: seen with another cmdlet.
    Trouble.SERVICE_STOPPED: ErrorRecord(f"WIN32 1753,{_CMDLET}", "NotSpecified", _FAILED, _ECHEC),
    Trouble.NO_MODULE: ErrorRecord(
        "CommandNotFoundException",
        "ObjectNotFound",
        f"The term '{_CMDLET}' is not recognized as the name of a cmdlet, function, script file, "
        "or operable program.",
        f"Le terme «{_CMDLET}» n’est pas reconnu comme nom d’applet de commande, fonction, fichier "
        "de script ou programme exécutable.",
    ),
}
