"""Certificates and users of a virtual OPC UA PLC.

Rule: a secured PLC takes signed and encrypted connections only, from clients whose certificate lies in its trust
folder, with the user and password that were made at its first start. Nothing here is for a real plant's PLC.
"""

from __future__ import annotations

import datetime
import hmac
import secrets
from pathlib import Path
from typing import Any

import msgspec
from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.truststore import TrustStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devices.virtual_plc.files import read_if_there, write_whole
from wcs.plant.model import Record

SERVER_URI = "urn:wcs:virtual-plc"
CLIENT_URI = "urn:wcs:site"  # the certificate's application URI must equal the client's
VALID_DAYS = 3650
KEY_BITS = 2048


class PlcUser(Record):
    """Who may connect to a secured virtual PLC."""

    user: str
    password: str


class PlcSecurity:
    """Security of one data folder.

    For the PLCs: `server.der`, `server.pem`, `trusted/` (clients that may connect) and `user.json`.
    For the site: `client.der`, `client.pem` and `servers/` (PLCs that it may trust).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trusted = folder / "trusted"
        self.servers = folder / "servers"

    def prepare(self) -> None:
        """Make what is missing: two self-signed certificates, the trust folder and a user with a random password."""
        self.trusted.mkdir(parents=True, exist_ok=True)
        self.servers.mkdir(exist_ok=True)
        for name, uri in (("server", SERVER_URI), ("client", CLIENT_URI)):
            if not (self.folder / f"{name}.der").exists():
                _make_certificate(self.folder, name, uri)
        (self.trusted / "client.der").write_bytes((self.folder / "client.der").read_bytes())
        (self.servers / "server.der").write_bytes((self.folder / "server.der").read_bytes())
        if read_if_there(self.folder / "user.json") is None:
            user = PlcUser(user="wcs", password=secrets.token_urlsafe(16))
            write_whole(self.folder / "user.json", msgspec.json.encode(user))

    def user(self) -> PlcUser:
        """The one user."""
        return msgspec.json.decode((self.folder / "user.json").read_bytes(), type=PlcUser)

    def users(self) -> OneUser:
        """What the server asks about users."""
        return OneUser(self.user())


class OneUser(UserManager):
    """asyncua's user manager: one name, one password, no anonymous."""

    def __init__(self, user: PlcUser) -> None:
        self._user = user

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        """The role of whoever presents himself; None: refused."""
        if username != self._user.user or password is None:
            return None
        if not hmac.compare_digest(password.encode(), self._user.password.encode()):
            return None
        return User(role=UserRole.User, name=username)


async def secure(server: Server, security: PlcSecurity | None) -> None:
    """Set up the server's endpoints: open without `security`, else Basic256Sha256 sign and encrypt only."""
    if security is None:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        return
    server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    server.set_identity_tokens([ua.UserNameIdentityToken])
    await server.load_certificate(security.folder / "server.der")
    await server.load_private_key(security.folder / "server.pem")
    trust = TrustStore([security.trusted], [])
    await trust.load()
    options = CertificateValidatorOptions.TRUSTED_VALIDATION | CertificateValidatorOptions.PEER_CLIENT
    server.set_certificate_validator(CertificateValidator(options, trust).validate)


def _make_certificate(folder: Path, name: str, uri: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri)])
    now = datetime.datetime.now(datetime.UTC)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]), False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.pem").touch(mode=0o600)
    (folder / f"{name}.pem").write_bytes(pem)
    (folder / f"{name}.der").write_bytes(certificate.public_bytes(serialization.Encoding.DER))


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
