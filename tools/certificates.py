"""Keys and certificates for DTLS: `python -m tools.certificates --help`.

What a board loads is DER: an EC key on P-256 and its certificate. What ThingsBoard takes is the
certificate as PEM text, of which it keeps the SHA3-256 as the device's credentials. It checks no
CA: a self-signed certificate does (docs/security.md).
"""

import base64
import datetime
import hashlib
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from tools.causes import cause

DAYS = 20 * 365  # boards have no way to a new certificate but an owner
CLOCK_BEHIND = datetime.timedelta(days=1)  # of a board whose clock was set roughly

app = typer.Typer(no_args_is_help=True, add_completion=False)


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_der(self) -> bytes:
        return self.key.private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def credentials_id(self) -> str:
        """What ThingsBoard keeps: SHA3-256 of the base64 text without header and newlines."""
        return hashlib.sha3_256(base64.b64encode(self.der)).hexdigest()


def make(
    name: str,
    issuer: Identity | None = None,
    hosts: tuple[str, ...] = (),
    is_ca: bool = False,
    begins: datetime.datetime | None = None,
    days: int = DAYS,
) -> Identity:
    """Return a new key with its certificate, self-signed unless there is an issuer.

    hosts are names and addresses of a server. begins is in UTC, a day ago if left out.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = begins or datetime.datetime.now(datetime.timezone.utc) - CLOCK_BEHIND
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    signer = issuer.key if issuer else key
    return Identity(key, builder.sign(signer, hashes.SHA256()))


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not host or not all(c.isalnum() or c in "-.*" for c in host) or not host.isascii():
        raise ValueError(
            f"--host {host!r}: neither a name in ASCII nor an address, without a port"
        )
    return x509.DNSName(host)


def load(certificate: Path, key: Path) -> Identity:
    """Read a certificate and its key, PEM or DER. Raises ValueError, which names the file."""
    return check(
        load_certificate(certificate), _read_key(key), f"{key}: not the key of {certificate}"
    )


def check(certificate: x509.Certificate, key, misfit: str) -> Identity:
    """Return both as an Identity. Raises ValueError unless they belong together."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is no EC key; with RSA a handshake takes a board half a minute")
    if key.public_key() != certificate.public_key():
        raise ValueError(misfit)
    return Identity(key, certificate)


def load_certificate(path: Path) -> x509.Certificate:
    """Read a certificate, PEM or DER. Raises ValueError, which names the file."""
    data = path.read_bytes()
    try:
        if data.startswith(b"-----"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError:
        raise ValueError(f"{path}: no certificate") from None


def _read_key(path: Path):
    data = path.read_bytes()
    try:
        if data.startswith(b"-----"):
            return load_pem_private_key(data, None)
        return load_der_private_key(data, None)
    except (ValueError, TypeError):
        raise ValueError(f"{path}: no private key, or one with a password") from None


def write(identity: Identity, folder: Path, stem: str) -> list[Path]:
    """Write STEM.key.der and .cert.der for a board, .cert.pem for the server, .key.pem to keep.

    Raises FileExistsError: no key is overwritten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        ".key.pem": identity.key_pem.encode(),
        ".key.der": identity.key_der,
        ".cert.pem": identity.pem.encode(),
        ".cert.der": identity.der,
    }
    paths = [folder / (stem + suffix) for suffix in contents]
    taken = [path for path in paths if path.exists()]
    if taken:
        raise FileExistsError(f"{taken[0]} is there already; nothing was written")
    for path, data in zip(paths, contents.values(), strict=True):
        mode = 0o600 if ".key." in path.name else 0o644
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
    return paths


Folder = Annotated[Path, typer.Option(help="where the files go")]
Issuer = Annotated[Path, typer.Option(help="folder/STEM of a CA made here; else self-signed")]


def _issuer(path: Path | None) -> Identity | None:
    if not path:
        return None
    certificate = path.with_name(path.name + ".cert.pem")
    issuer = load(certificate, path.with_name(path.name + ".key.pem"))
    # Boards would refuse what it signs, far from here.
    try:
        constraints = issuer.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        is_ca = constraints.value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    if not is_ca:
        raise ValueError(f"{certificate}: not that of a CA; `certificates ca` makes one")
    return issuer


@app.command()
def ca(name: str, folder: Folder = Path(".")):
    """Make a CA; boards trust what it signs."""
    _made(make(name, is_ca=True), folder, name)


@app.command()
def server(
    name: str,
    host: Annotated[list[str], typer.Option(help="a name or address of the server; several")],
    issuer: Issuer = None,
    folder: Folder = Path("."),
):
    """Make the server's key and certificate; ThingsBoard takes the two .pem files."""
    _made(make(name, _issuer(issuer), tuple(host)), folder, name)


@app.command()
def device(name: str, issuer: Issuer = None, folder: Folder = Path(".")):
    """Make a device's key and certificate, and print what the server wants to know."""
    identity = make(name, _issuer(issuer))
    _made(identity, folder, name)
    print("\nThingsBoard: device, Manage credentials, X.509, and paste:\n")
    print(identity.pem)
    print(f"It keeps of that the credentials id {identity.credentials_id}")


def _made(identity: Identity, folder: Path, stem: str) -> None:
    for path in write(identity, folder, stem):
        print(path)


def main():
    try:
        app()
    except (OSError, ValueError) as error:
        raise SystemExit(f"certificates: {cause(error)}") from None


if __name__ == "__main__":
    main()
