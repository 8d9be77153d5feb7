"""Certificates for brokers that speak TLS: right ones, and ones that a client must refuse.

PEM with the key in PKCS#8, which is how Kafka reads them.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority"]

_DAY: Final = timedelta(days=1)


class Authority:
    """Signs certificates. Each is a file of its key, its own certificate and the authority's."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory: Final = directory
        self._name: Final = _named(name)
        self._key: Final = ec.generate_private_key(ec.SECP256R1())
        self._certificate: Final = (
            _begun(self._name, self._key, issuer=self._name, ends_in=_DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_SIGNS, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.file: Final = directory / f"{name}.pem"
        self.file.write_bytes(_pem(self._certificate))

    def sign(self, name: str, *hosts: str, ends_in: timedelta = _DAY) -> Path:
        """A certificate for these host names and addresses; with `ends_in` below zero it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _begun(_named(name), key, issuer=self._name, ends_in=ends_in)
            .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts or (name,)]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        file = self._directory / f"{name}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(secret + _pem(certificate) + _pem(self._certificate))
        return file


_SIGNS: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _begun(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, issuer: x509.Name, ends_in: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * _DAY)
        .not_valid_after(now + ends_in)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
