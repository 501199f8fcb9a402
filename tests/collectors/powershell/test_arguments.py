"""How pywinrm is told to log on, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.powershell.conversation import Arguments, arguments
from collectors.powershell.errors import Layer, LocalConfig
from collectors.powershell.host import Host, Login, Transport

HTTP = "http://dc1.corp.example:5985/wsman"
HTTPS = "https://dc1.corp.example:5986/wsman"


def _host(transport: Transport, url: str = HTTPS, login: Login | None = None) -> Host:
    return Host(1, "dc1", url, transport, login or Login("main", "CORP\\svc", "secret"))


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


@pytest.mark.parametrize("url", [HTTP, HTTPS])
def test_without_tls_ntlm_always_encrypts_its_messages(url: str) -> None:
    assert arguments(_host(Transport.NTLM, url), "secret") == _expected(Transport.NTLM, url)


def test_basic_goes_through_tls() -> None:
    assert arguments(_host(Transport.BASIC), "secret") == _expected(Transport.BASIC, HTTPS)


@pytest.mark.parametrize("url", [HTTP, HTTPS])
@pytest.mark.parametrize("secret", ["secret", None])
def test_kerberos_is_not_tried_and_says_that_it_does_not_work_yet(
    url: str, secret: str | None
) -> None:
    with pytest.raises(LocalConfig, match="kerberos does not work yet") as raised:
        arguments(_host(Transport.KERBEROS, url), secret)
    assert raised.value.layer is Layer.LOGIN
    assert "ntlm" in raised.value.remedy
    assert not raised.value.retry


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


@pytest.mark.parametrize("transport", [Transport.NTLM, Transport.BASIC])
def test_a_credential_without_the_password_that_its_transport_needs_is_not_tried(
    transport: Transport,
) -> None:
    with pytest.raises(LocalConfig, match="the credential main has no password"):
        arguments(_host(transport), None)
