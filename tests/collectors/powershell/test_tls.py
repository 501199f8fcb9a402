from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collectors.powershell.errors import Layer, LocalConfig
from collectors.powershell.host import Host, Login, Transport
from collectors.powershell.tls import trust, with_certificate


def test_without_a_file_servers_are_verified_against_the_systems_authorities() -> None:
    context = trust(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_file_of_authorities_that_is_missing_or_no_pem_says_which_setting_names_it(
    tmp_path: Path,
) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("nonsense")
    for file in (tmp_path / "none.pem", junk):
        with pytest.raises(LocalConfig, match=file.name) as raised:
            trust(file)
        assert "IPAM_SYNC_CA_FILE" in raised.value.remedy
        assert raised.value.layer is Layer.TLS


def test_a_credential_whose_certificate_cannot_be_used_says_so_before_anybody_is_asked(
    tmp_path: Path,
) -> None:
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    for file in (None, tmp_path / "none.pem", locked):
        login = Login("mycert", "", certificate=file)
        host = Host(1, "dc1", "https://dc1.example:5986/wsman", Transport.CERTIFICATE, login)
        with pytest.raises(LocalConfig, match=r"^dc1: .*mycert"):
            with_certificate(trust(None), host)
