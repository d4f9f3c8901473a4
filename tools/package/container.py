"""The update container, written and read on the host; docs/updates.md draws it byte by byte."""

import hashlib
import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tools.package import keys

MAGIC = b"ABU1"
KEY_ID_AT = 6
SIGNATURE_AT = 10
MANIFEST_AT = SIGNATURE_AT + keys.BYTES
MAX_HEADER = 8192

KINDS = ("app", "firmware")
NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
NUMBER = re.compile(r"-?[0-9]*\.?[0-9]+")  # what ThingsBoard takes for one, in ASCII
TAKEN = "PACKAGE"  # the header, beside the files of an application


class PackageError(ValueError):
    """The package cannot be built, or is not what it claims; the text tells a person why."""


@dataclass
class Container:
    """A package taken apart. files are (name, content), in their order."""

    header: bytes
    manifest: dict
    files: list[tuple[str, bytes]]

    @property
    def key_id(self) -> bytes:
        return self.header[KEY_ID_AT:SIGNATURE_AT]

    @property
    def signature(self) -> bytes:
        return self.header[SIGNATURE_AT:MANIFEST_AT]

    @property
    def signed(self) -> bytes:
        return self.header[:SIGNATURE_AT] + self.header[MANIFEST_AT:]


def build(
    key: rsa.RSAPrivateKey,
    files: list[tuple[str, bytes]],
    *,
    kind: str,
    title: str,
    version: str,
    boards: list[str],
    sequence: int,
) -> bytes:
    """Return the signed container; the same arguments give the same bytes.

    files are (name, content); for firmware just one. PackageError if it cannot be expressed.
    """
    for what, text in (("title", title), ("version", version)):
        if text != text.strip() or (what == "version" and len(text.split()) > 1):
            raise PackageError(f"the {what} {text!r} has a blank; ThingsBoard's must be the same")
    check(files, kind=kind, title=title, version=version, boards=boards, sequence=sequence)
    fields = {"boards": boards, "kind": kind, "sequence": sequence}
    fields |= {"title": title, "version": version}
    lines = [json.dumps(fields, separators=(",", ":"), ensure_ascii=False)]
    lines += [f"{name} {len(content)} {digest(content)}" for name, content in files]
    manifest = "".join(line + "\n" for line in lines).encode()
    length = MANIFEST_AT + len(manifest)
    if length > MAX_HEADER:
        excess = length - MAX_HEADER
        raise PackageError(f"{len(files)} files: the manifest is {excess} bytes too long")
    start = MAGIC + length.to_bytes(2, "big") + keys.key_id(keys.public_bytes(key))
    signature = key.sign(start + manifest, padding.PKCS1v15(), SHA256())
    return start + signature + manifest + b"".join(content for _, content in files)


def check(files, *, kind, title, version, boards, sequence) -> None:
    """Raise PackageError for what a board would refuse."""
    if kind not in KINDS:
        raise PackageError(f"the kind is {kind!r}, not one of {', '.join(KINDS)}")
    if not title or not version:
        raise PackageError("a package needs a title and a version")
    if not boards or not all(boards):
        raise PackageError("a package needs the name of at least one board")
    if sequence < 0:
        raise PackageError(f"the sequence is {sequence}, below 0")
    if kind == "firmware" and len(files) != 1:
        raise PackageError(f"firmware is one image, not {len(files)}")
    if not any(content for _, content in files):
        raise PackageError("the package has no content")
    names = {name for name, _ in files}
    if twice := repeated([name for name, _ in files]):
        raise PackageError(f"the file {twice} is there twice")
    if alike := repeated([name.lower() for name in names]):
        raise PackageError(f"two names differ by case only: {alike} in small letters")
    for name in sorted(names):
        if not NAME.fullmatch(name) or ".." in name or "." in name.split("/"):
            raise PackageError(f"the name {name!r}: only A-Z a-z 0-9 _ - . and / between them")
        if name == TAKEN:
            raise PackageError(f"the name {name} is taken")
        if any(other.startswith(name + "/") for other in names):
            raise PackageError(f"{name!r} is both a file and a folder")


def repeated(names: list[str]) -> str:
    """Return the first name that comes more than once, "" if none does."""
    return min((name for name, n in Counter(names).items() if n > 1), default="")


def advice(version: str) -> str:
    """Return what is unwise about a version, or "".

    A board reports its version as text. The server keeps text that reads as a number as that
    number, and then shows another version than the assigned one.
    """
    if not NUMBER.fullmatch(version):
        return ""
    stored = json.dumps(float(version) if "." in version else int(version))
    kept = f"ThingsBoard keeps what boards report of it as {stored}"
    return f"version {version} reads as a number, and {kept}; three parts are text, like 1.10.0"


def parse(data: bytes) -> Container:
    """Take a container apart. PackageError if it is none, or its contents do not match.

    The signature is not checked: that is verify().
    """
    length = int.from_bytes(data[4:6], "big")
    if data[:4] != MAGIC or not MANIFEST_AT < length <= MAX_HEADER:
        raise PackageError("this is no update package")
    if len(data) < length:
        raise PackageError(f"the header is cut off: {len(data)} of {length} bytes are there")
    header = data[:length]
    try:
        first, *lines = header[MANIFEST_AT:].decode().split("\n")[:-1]
        manifest = json.loads(first)
        entries = [(name, int(size), sha) for name, size, sha in map(str.split, lines)]
        fields = {k: manifest[k] for k in ("kind", "title", "version", "boards", "sequence")}
        texts = (fields["kind"], fields["title"], fields["version"], *fields["boards"])
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a text is none")
        if not isinstance(fields["boards"], list) or type(fields["sequence"]) is not int:
            raise TypeError("boards is no list, or sequence no number")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PackageError(f"the manifest is wrong: {error!r}") from error
    files = []
    position = length
    for name, size, sha in entries:
        content = data[position : position + size]
        if digest(content) != sha:
            raise PackageError(f"{name} does not match its SHA-256, or is cut off")
        files.append((name, content))
        position += size
    if position != len(data):
        raise PackageError(f"{len(data) - position} bytes follow the end")
    check(files, **fields)
    return Container(header, manifest, files)


def verify(container: Container, public_keys: bytes) -> None:
    """Check the signature against a board's key file. PackageError if it does not hold."""
    for key in keys.split(public_keys):
        if keys.key_id(key) == container.key_id:
            numbers = rsa.RSAPublicNumbers(keys.EXPONENT, int.from_bytes(key, "big"))
            try:
                numbers.public_key().verify(
                    container.signature, container.signed, padding.PKCS1v15(), SHA256()
                )
            except InvalidSignature:
                raise PackageError("its signature is wrong") from None
            return
    raise PackageError("signed with a key that is not in the key file")


def digest(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()
