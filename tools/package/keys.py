"""The keys that sign packages: RSA, 3072 bits. A board holds the public halves, up to four."""

import hashlib
import os
from pathlib import Path

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BITS = 3072
BYTES = BITS // 8
EXPONENT = 65537
MAX_KEYS = 4
# Outside of any checkout: a key that is lost or published cannot be replaced on boards far away.
DEFAULT = Path(typer.get_app_dir("abupdate")) / "key.pem"
BOARD_FILE = "update.keys"  # its name in a board's root folder


class KeyFileError(ValueError):
    """The file holds no key that can sign packages; never tells what it holds."""


def create(path: Path) -> rsa.RSAPrivateKey:
    """Make a key and write it as PEM, readable by its owner only. FileExistsError."""
    key = rsa.generate_private_key(EXPONENT, BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return key


def load(path: Path) -> rsa.RSAPrivateKey:
    """Read a private key. KeyFileError if the file is none, OSError if it cannot be read."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise KeyFileError(f"{path} is no private key in PEM without a password") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != BITS:
        raise KeyFileError(f"{path} is no RSA key of {BITS} bits")
    if key.public_key().public_numbers().e != EXPONENT:
        raise KeyFileError(f"{path}: its public exponent is not {EXPONENT}")
    return key


def load_or_create(path: Path) -> tuple[rsa.RSAPrivateKey, bool]:
    """Return the key, and whether it was made just now."""
    return (load(path), False) if path.exists() else (create(path), True)


def advice(path: Path) -> str:
    """Return what the owner of a new key must know."""
    return (
        f"a new signing key: {path}\n"
        "keep a copy in a safe place: boards take updates from nobody else\n"
        f"its public half for the boards: .venv/bin/python -m tools.package board-keys {path}"
    )


def public_bytes(key: rsa.RSAPrivateKey) -> bytes:
    """Return the public half as boards hold it: the modulus, big-endian."""
    return key.public_key().public_numbers().n.to_bytes(BYTES, "big")


def key_id(public_key: bytes) -> bytes:
    return hashlib.sha256(public_key).digest()[:4]


def split(public_keys: bytes) -> list[bytes]:
    """Return the keys of a board's key file. KeyFileError if it is none."""
    count, rest = divmod(len(public_keys), BYTES)
    found = [public_keys[i * BYTES :][:BYTES] for i in range(count)]
    if rest or not 1 <= count <= MAX_KEYS or not all(k[0] & 0x80 and k[-1] & 1 for k in found):
        raise KeyFileError(f"not a file of 1 to {MAX_KEYS} public keys of {BITS} bits")
    return found
