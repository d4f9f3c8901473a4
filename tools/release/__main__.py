"""Build what goes out as a release."""

import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from tools import bytecode
from tools.causes import cause
from tools.package import application
from tools.release import index, sources, update
from tools.release.shelf import Shelf
from tools.release.version import current
from tools.unixport import ROOT


def main(
    dist: Annotated[Path, typer.Argument(help="the folder; versions in it stay")] = ROOT / "dist",
    key: Annotated[Path, typer.Option(help="a private key: the update is built as well")] = None,
    sequence: Annotated[int, typer.Option(help="of the update, higher than of the last one")] = 0,
    extras: application.With = None,
):
    """Build what goes out as a release."""
    try:
        lines = build(dist, key, sequence, extras or ())
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"release: {bytecode.fault(error)}") from None
    except (OSError, ValueError) as error:
        raise SystemExit(f"release: {cause(error)}") from None
    for line in lines:
        print(line)


def build(
    dist: Path,
    key: Path | None = None,
    sequence: int = 0,
    extras: Collection[application.Extra] = (),
) -> list[str]:
    """Make all parts and write them; return lines about them. Raises what main() catches."""
    if extras and not key:
        raise update.Refused("WITH is for an update, which wants KEY= and SEQUENCE= as well")
    version = current()
    shelf = Shelf(dist)
    packages = index.add(shelf, version)
    name = f"thingsboard-coap-{version}"
    files = {f"{name}.tar.gz": sources.archive(name)}
    if key:
        files[f"{update.TITLE}-{version}.bin"] = update.build(key, version, sequence, extras)
    for name, content in files.items():
        shelf.add(name, content)
    shelf.write()
    lines = [f"{dist / name}: {len(content)} bytes" for name, content in files.items()]
    for name, contents in packages.items():
        size = sum(len(content) for content in contents)
        lines.append(f"{name} {version}: {len(contents)} files, {size} bytes of bytecode")
    if not key:
        lines.append("no update for boards in the field: KEY= names the key that signs one")
    lines.append(f"mpremote mip install --index URL-OF-{dist.name} thingsboard")
    return lines


if __name__ == "__main__":
    typer.run(main)
