"""`make release`: what of the project goes out, in the folder `dist`.

An index as mip wants it (`mpremote mip --index URL install thingsboard`), which is a static folder
and keeps the versions that are in it already. Beside it stand the sources that a frozen image
wants, and with a key the update for boards in the field. Two runs give the same bytes.
"""

import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Annotated

import typer

from tools import boards, bytecode
from tools.package import application, container, keys
from tools.unixport import ROOT

DIST = ROOT / "dist"
LIB = ROOT / "lib"
# What is installed with a package, of the same version.
DEPENDENCIES = {"abupdate": (), "coap": (), "thingsboard": ("coap", "abupdate")}
SOURCE = "py"  # the folder of packages as source
BYTECODE = "6"  # that of bytecode, by its format
HASH = 8  # hex digits of a file's SHA-256 that name it
FROZEN = ("lib", "firmware", "boards")  # what boards/NAME/manifest.py freezes
SUMS = "SHA256SUMS"


class Refused(ValueError):
    """The release cannot be made; the text says why."""


def version() -> str:
    """Return the version of the project; pyproject.toml is the one place that has it."""
    text = (ROOT / "pyproject.toml").read_text()
    return re.search(r'^version = "(.+)"$', text, re.MULTILINE)[1]


def sources(package: str) -> list[tuple[str, Path]]:
    """Return (place on the board, file) of a package, as its package.json lists them."""
    folder = LIB / package
    listed = json.loads((folder / "package.json").read_text())
    return [(place, folder / name) for place, name in listed["urls"]]


def index(dist: Path) -> None:
    """Write the packages of this version into an index. Raises Refused."""
    number = version()
    packages, kept = [], []  # nothing is written before all is known to be right
    for package, dependencies in DEPENDENCIES.items():
        for form in (SOURCE, BYTECODE):
            files = [
                (place, path.read_bytes()) if form == SOURCE else bytecode.convert(path, place)
                for place, path in sources(package)
            ]
            listed = {
                "v": 1,
                "hashes": [[place, _hash(content)] for place, content in files],
                "deps": [[name, number] for name in dependencies],
                "version": number,
            }
            folder = dist / "package" / form / package
            text = json.dumps(listed)
            known = folder / f"{number}.json"
            if known.exists() and known.read_text() != text:
                raise Refused(
                    f"{package} {number} is in {dist} already, with other files: "
                    "raise the version in pyproject.toml"
                )
            packages.append((known, text))
            kept += [content for _, content in files]
    for content in kept:
        _keep(dist, content)
    for known, text in packages:
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(text)
        (known.parent / "latest.json").write_text(text)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:HASH]


def _keep(dist: Path, content: bytes) -> None:
    """Write a file under its hash."""
    name = _hash(content)
    path = dist / "file" / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() != content:
        raise Refused(f"two files have the hash {name}")
    path.write_bytes(content)


def archive(dist: Path) -> Path:
    """Write what a frozen image is made of, with the manifests of the boards."""
    name = f"thingsboard-coap-{version()}"
    path = dist / f"{name}.tar.gz"
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in FROZEN:
            for file in sorted((ROOT / folder).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    data = file.read_bytes()
                    info = tarfile.TarInfo(f"{name}/{file.relative_to(ROOT).as_posix()}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return path


def update(dist: Path, key: Path, sequence: int) -> Path:
    """Write the firmware's application as a signed update for all boards."""
    number = version()
    data = container.build(
        keys.load(key),
        application.collect(application.REPLACEABLE),
        kind="app",
        title="firmware",
        version=number,
        boards=sorted({boards.load(name).build for name in boards.names()}),
        sequence=sequence,
    )
    path = dist / f"firmware-{number}.bin"
    path.write_bytes(data)
    return path


def sums(dist: Path) -> None:
    """Write the SHA-256 of all that is in the folder."""
    files = sorted(path for path in dist.rglob("*") if path.is_file() and path.name != SUMS)
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(dist).as_posix()}\n"
        for path in files
    ]
    (dist / SUMS).write_text("".join(lines))


def main(
    dist: Annotated[Path, typer.Argument(help="the folder; versions in it stay")] = DIST,
    key: Annotated[Path, typer.Option(help="a private key: the update is built as well")] = None,
    sequence: Annotated[int, typer.Option(help="of the update, higher than of the last one")] = 0,
):
    """Build what goes out as a release."""
    try:
        if key and sequence < 1:
            raise Refused("an update wants --sequence, higher than that of the last one")
        if key:
            keys.load(key)  # a wrong one is told before anything is written
        dist.mkdir(parents=True, exist_ok=True)
        index(dist)
        made = [archive(dist)]
        if key:
            made.append(update(dist, key, sequence))
        sums(dist)
    except (OSError, ValueError) as error:
        raise SystemExit(f"release: {error}") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"release: {bytecode.fault(error)}") from None
    for path in made:
        print(f"{path}: {path.stat().st_size} bytes")
    for package in DEPENDENCIES:
        place = dist / "package" / BYTECODE / package / f"{version()}.json"
        hashes = json.loads(place.read_text())["hashes"]
        size = sum((dist / "file" / name[:2] / name).stat().st_size for _, name in hashes)
        print(f"{package} {version()}: {len(hashes)} files, {size} bytes of bytecode")
    print(f"mpremote mip --index URL-OF-{dist.name} install thingsboard")


if __name__ == "__main__":
    typer.run(main)
