"""A certificate authority for simulated servers and their clients, made anew in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: Longer than any demo or test runs.
_LIFE: Final = timedelta(days=30)
#: Certificates begin a day early, so that a clock that is behind accepts them.
_DAY: Final = timedelta(days=1)
#: X.520 limits a common name to 64 characters.
_LONGEST_COMMON_NAME: Final = 64


class Authority:
    """An issuer of certificates. All servers share a key, because making thousands takes long."""

    def __init__(self, name: str = "ipam-sync simulated fleet") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        current_time = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(current_time - _DAY)
            .not_valid_after(current_time + _LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """Its own certificate, to be trusted."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key that all servers share."""
        return _private(self._leaf_key)

    def server(
        self, name: str, address: str, *, expired: bool = False, self_signed: bool = False
    ) -> bytes:
        """A certificate (PEM) for a server of this name and address, with ``key_pem``."""
        alternatives: list[x509.GeneralName] = [x509.DNSName(_ascii(name))]
        if address:
            alternatives.append(x509.IPAddress(ip_address(address)))
        builder = self._builder(name, ExtendedKeyUsageOID.SERVER_AUTH, expired=expired)
        builder = builder.public_key(self._leaf_key.public_key()).add_extension(
            x509.SubjectAlternativeName(alternatives), critical=False
        )
        issuer, key = (_name(name), self._leaf_key) if self_signed else (self._name, self._key)
        return _pem(builder.issuer_name(issuer).sign(key, hashes.SHA256()))

    def client(self, username: str) -> tuple[bytes, bytes]:
        """A certificate and its own key (PEM) that a user logs on with."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(username, ExtendedKeyUsageOID.CLIENT_AUTH, expired=False)
        builder = builder.public_key(key.public_key()).issuer_name(self._name)
        return _pem(builder.sign(self._key, hashes.SHA256())), _private(key)

    def write(self, directory: Path) -> Path:
        """Put ``pem`` into a file of the directory."""
        path = directory / "ca.pem"
        path.write_bytes(self.pem)
        return path

    def _builder(
        self, name: str, usage: x509.ObjectIdentifier, *, expired: bool
    ) -> x509.CertificateBuilder:
        current_time = datetime.now(UTC)
        ends = current_time - timedelta(hours=1) if expired else current_time + _LIFE
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .serial_number(x509.random_serial_number())
            .not_valid_before(current_time - _DAY)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common[:_LONGEST_COMMON_NAME] or "server")]
    )


def _ascii(name: str) -> str:
    return name.encode("idna" if not name.isascii() else "ascii").decode("ascii")


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
