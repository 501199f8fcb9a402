"""How pywinrm is told to log on; for Kerberos and CredSSP this is all that is tested."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from collectors.powershell.conversation import Arguments, arguments
from collectors.powershell.errors import Layer, LocalConfig
from collectors.powershell.host import Host, Login, Transport

HTTP = "http://dc1.corp.example:5985/wsman"
HTTPS = "https://dc1.corp.example:5986/wsman"


def _host(transport: Transport, url: str = HTTPS, login: Login | None = None) -> Host:
    return Host(1, "dc1", url, transport, login or Login("main", "CORP\\svc", "secret"))


@pytest.fixture
def with_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the packages of the extras were installed."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None))


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", {}.get)


def _expected(transport: Transport, url: str) -> Arguments:
    return Arguments(
        endpoint=url,
        transport=transport.value,
        username="CORP\\svc",
        password="secret",  # noqa: S106 - of a test
        cert_pem=None,
        cert_key_pem=None,
        message_encryption="auto" if url == HTTPS else "always",
        proxy="",
    )


@pytest.mark.usefixtures("with_extras")
@pytest.mark.parametrize("transport", [Transport.NTLM, Transport.KERBEROS, Transport.CREDSSP])
@pytest.mark.parametrize("url", [HTTP, HTTPS])
def test_without_tls_these_transports_always_encrypt_their_messages(
    transport: Transport, url: str
) -> None:
    assert arguments(_host(transport, url), "secret") == _expected(transport, url)


def test_basic_goes_through_tls() -> None:
    assert arguments(_host(Transport.BASIC), "secret") == _expected(Transport.BASIC, HTTPS)


@pytest.mark.usefixtures("with_extras")
def test_kerberos_needs_no_password_for_the_ticket_comes_from_the_environment() -> None:
    host = _host(Transport.KERBEROS, login=Login("main", "svc@CORP.EXAMPLE"))
    told = arguments(host, None)
    assert (told["username"], told["password"]) == ("svc@CORP.EXAMPLE", None)


def test_a_certificate_brings_its_key_or_has_it_in_the_same_file() -> None:
    cert, key = Path("cert.pem"), Path("key.pem")
    both = arguments(
        _host(Transport.CERTIFICATE, login=Login("c", "", certificate=cert, key=key)), None
    )
    one = arguments(_host(Transport.CERTIFICATE, login=Login("c", "", certificate=cert)), None)
    assert (both["cert_pem"], both["cert_key_pem"]) == ("cert.pem", "key.pem")
    assert (one["cert_pem"], one["cert_key_pem"]) == ("cert.pem", "cert.pem")


@pytest.mark.parametrize("transport", [Transport.BASIC, Transport.CERTIFICATE])
def test_a_transport_that_shows_its_secret_is_refused_without_tls(transport: Transport) -> None:
    with pytest.raises(LocalConfig, match="without TLS") as raised:
        arguments(_host(transport, HTTP), "secret")
    assert raised.value.layer is Layer.LOGIN
    assert "secret" not in raised.value.message.replace("the secret", "")


@pytest.mark.usefixtures("without_extras")
@pytest.mark.parametrize("transport", [Transport.KERBEROS, Transport.CREDSSP])
def test_a_missing_extra_says_how_to_install_it(transport: Transport) -> None:
    with pytest.raises(LocalConfig) as raised:
        arguments(_host(transport), "secret")
    assert raised.value.remedy == f"Install it: pip install 'ipam-sync[{transport}]'"
    assert not raised.value.retry


@pytest.mark.usefixtures("with_extras")
@pytest.mark.parametrize("transport", [Transport.NTLM, Transport.BASIC, Transport.CREDSSP])
def test_a_credential_without_the_password_that_its_transport_needs_is_not_tried(
    transport: Transport,
) -> None:
    with pytest.raises(LocalConfig, match="the credential main has no password"):
        arguments(_host(transport), None)
