"""Signed and encrypted connections to an OPC UA server that has to prove who it is.

Rule: the server's certificate is checked before user and password leave us.
"""

from __future__ import annotations

import logging
from pathlib import Path

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.truststore import TrustStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError
from cryptography import x509

from devices.drivers.carriage import CarriageLost, OtherSecurity, WrongServerCertificate, WrongUser
from wcs.plant.model import Record
from wcs.plant.site_file import PlcAccess, Security, read_secret

APPLICATION_URI = "urn:wcs:site"

_CERTIFICATE_REFUSALS = (
    StatusCodes.BadCertificateInvalid,
    StatusCodes.BadCertificateTimeInvalid,
    StatusCodes.BadCertificateUriInvalid,
    StatusCodes.BadCertificateUseNotAllowed,
    StatusCodes.BadCertificateUntrusted,
    StatusCodes.BadCertificateRevoked,
)
_SECURITY_REFUSALS = (StatusCodes.BadSecurityPolicyRejected, StatusCodes.BadSecurityModeRejected)
_NO_ENDPOINT = "No matching endpoints"  # asyncua has no code for it
_USER_REFUSALS = (
    StatusCodes.BadIdentityTokenInvalid,
    StatusCodes.BadIdentityTokenRejected,
    StatusCodes.BadUserAccessDenied,
)


class OpcUaSecurity(Record):
    """Basic256Sha256, sign and encrypt: our certificate, whom we trust, and who we are."""

    certificate: Path
    private_key: Path
    trust_dir: Path
    user: str
    password: str

    def __repr__(self) -> str:
        return f"OpcUaSecurity(certificate={self.certificate}, trust_dir={self.trust_dir}, user={self.user})"


def security_of(access: PlcAccess) -> OpcUaSecurity | None:
    """What a site file says of a PLC's protection, the password read from where it is; None: no protection."""
    if access.security is Security.NONE:
        return None
    return OpcUaSecurity(
        certificate=Path(access.certificate),
        private_key=Path(access.private_key),
        trust_dir=Path(access.trust_dir),
        user=access.user,
        password=read_secret(access.password),
    )


async def protect(client: Client, security: OpcUaSecurity) -> None:
    """Prepare a client that is not connected yet; asks the server for its certificate."""
    client.application_uri = _application_uri(security.certificate)
    logging.getLogger("asyncuagds.validate").setLevel(logging.CRITICAL)  # a refusal is raised, not logged
    trust = TrustStore([security.trust_dir], [security.trust_dir / "crl"])
    await trust.load()
    options = CertificateValidatorOptions.TRUSTED_VALIDATION | CertificateValidatorOptions.PEER_SERVER
    client.certificate_validator = CertificateValidator(options, trust)
    client.set_user(security.user)
    client.set_password(security.password)
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        certificate=security.certificate,
        private_key=security.private_key,
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )


def refusal(error: UaError, *, secured: bool) -> CarriageLost:
    """What an OPC UA error at connecting, with our security or without any, means for the person who reads it."""
    code = getattr(error, "code", None)
    if code in _SECURITY_REFUSALS or str(error).startswith(_NO_ENDPOINT):
        return OtherSecurity("it has no Basic256Sha256, sign and encrypt" if secured else "it asks for security")
    if code in _CERTIFICATE_REFUSALS:
        return WrongServerCertificate(str(error))
    if code in _USER_REFUSALS:
        return WrongUser(str(error))
    return CarriageLost(str(error) or type(error).__name__)


def _application_uri(certificate: Path) -> str:
    """The application URI in our own certificate: the server compares it with what the client says."""
    data = certificate.read_bytes()
    loaded = x509.load_pem_x509_certificate(data) if data.startswith(b"-----") else x509.load_der_x509_certificate(data)
    try:
        names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return APPLICATION_URI
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), APPLICATION_URI)
