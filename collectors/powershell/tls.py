"""Whom we trust when a server shows its certificate, and what we show of our own."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi

from collectors.powershell.errors import Layer, LocalConfig
from collectors.powershell.host import Host
from collectors.quote import escaped


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """A context for all connections of a process: loading certificates costs more than a poll.

    With no file it trusts what the system trusts, or the certifi package where a system has no
    such store.  Raises LocalConfig.
    """
    paths = ssl.get_default_verify_paths()
    system_has_none = not (paths.cafile or paths.capath)
    file = str(ca_file) if ca_file is not None else certifi.where() if system_has_none else None
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:  # ssl.SSLError is one
        raise LocalConfig(
            f"The file of trusted certificates {escaped(str(file), 300)} cannot be used:"
            f" {_reason(error)}.",
            "Point IPAM_SYNC_CA_FILE at a PEM file with the certificates of your authorities.",
            layer=Layer.TLS,
        ) from error


def with_certificate(shared: ssl.SSLContext, host: Host) -> ssl.SSLContext:
    """A context that trusts what ``shared`` trusts and shows the certificate of the host's login.

    It stays at TLS 1.2: Windows asks for the certificate after it has read the request, which
    is a renegotiation there.  In TLS 1.3 that is post-handshake authentication, which pywinrm's
    users have found broken on Server 2022.  Raises LocalConfig.
    """
    login = host.login
    if login.certificate is None:
        raise LocalConfig(
            f"{host.name}: the credential {login.name} has no certificate to log on with.",
            "Give it certificate and key in the inventory file and import it.",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if trusted := b"".join(shared.get_ca_certs(binary_form=True)):
        context.load_verify_locations(cadata=trusted)
    else:  # a system's directory of certificates, which is read as they are needed
        context.load_default_certs()
    try:
        context.load_cert_chain(login.certificate, login.key, password=_no_passphrase)
    except (OSError, ValueError) as error:
        raise LocalConfig(
            f"{host.name}: the certificate of the credential {login.name},"
            f" {escaped(str(login.certificate), 300)}, or its key cannot be used:"
            f" {_reason(error)}.",
            "Both must be readable PEM files, the key without a passphrase and of the certificate.",
        ) from error
    return context


def _no_passphrase() -> str:
    """Without this OpenSSL would ask for one on the terminal."""
    raise ValueError("the key has a passphrase")


def _reason(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return escaped(reason, 200)
