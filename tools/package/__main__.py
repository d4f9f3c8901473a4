"""`python -m tools.package`: make keys, build signed update packages, look into them."""

import difflib
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools import boards, bytecode
from tools.causes import cause
from tools.package import application, container, esp32, keys

START = "app/__init__.mpy"  # what firmware/start.py imports

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
console = Console(highlight=False, soft_wrap=True)

KeyOption = Annotated[Path, typer.Option(help="the private key; made at first use")]


@app.command()
def keygen(key: Annotated[Path, typer.Argument()] = keys.DEFAULT):
    """Make a signing key, in no other one's place."""
    if key.exists():
        raise keys.KeyFileError(f"{key} is there already, and is kept; name another file")
    keys.create(key)
    console.print(escape(keys.advice(key)))


@app.command()
def board_keys(
    private: Annotated[list[Path], typer.Argument(help="1 to 4 private keys")] = (keys.DEFAULT,),
    out: Annotated[Path, typer.Option("--out", "-o")] = Path(keys.BOARD_FILE),
):
    """Write the public halves of keys as the file that a board holds."""
    content = b"".join(keys.public_bytes(keys.load(path)) for path in private)
    keys.split(content)
    out.write_bytes(content)
    console.print(f"{escape(str(out))}: copy it to the board's root folder")


@app.command()
def build(
    sources: Annotated[
        list[Path],
        typer.Argument(help="folders: application and libraries; or one .app-bin of an ESP32"),
    ],
    title: Annotated[str, typer.Option(help="as assigned in ThingsBoard")],
    version: Annotated[str, typer.Option(help="as assigned in ThingsBoard")],
    sequence: Annotated[int, typer.Option(help="boards take no lower one than they confirmed")],
    board: Annotated[list[str], typer.Option(help="sys.implementation._build; may be repeated")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the package to write")],
    key: KeyOption = keys.DEFAULT,
    chip: Annotated[str, typer.Option(help="of an ESP32 image; else by the board's name")] = "",
    extras: application.With = None,
):
    """Build a signed package."""
    if len(sources) == 1 and sources[0].is_file():
        kind = "firmware"
        image = sources[0].read_bytes()
        for name in board:
            esp32.check(image, chip or esp32.chip_of_board(name))
        files = [("micropython.bin", image)]
    else:
        kind = "app"
        files = application.collect(sources, application.needless(board, extras or ()))
    private, is_new = keys.load_or_create(key)
    if is_new:
        console.print(escape(keys.advice(key)))
    data = container.build(
        private,
        files,
        kind=kind,
        title=title,
        version=version,
        boards=board,
        sequence=sequence,
    )
    out.write_bytes(data)
    for name in board:
        builds = [boards.load(known).build for known in boards.names()]
        if name.partition("-")[0] not in [build.partition("-")[0] for build in builds]:
            near = difflib.get_close_matches(name, builds, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            console.print(f"warning: boards/ has no board that is {escape(name)}{hint}")
    if advice := container.advice(version):
        console.print(f"warning: {escape(advice)}")
    if kind == "app" and START not in dict(files):
        console.print(f"warning: there is no {START}, which boards start; name the folder app")
    console.print(f"{escape(str(out))}: {kind} {title} {version}, {len(data)} bytes")


@app.command()
def inspect(package: Path):
    """Show what a package holds."""
    found = container.parse(package.read_bytes())
    for name in ("title", "version", "kind", "sequence"):
        console.print(f"{name:9} {escape(str(found.manifest[name]))}")
    console.print(f"{'boards':9} {escape(', '.join(found.manifest['boards']))}")
    console.print(f"{'key':9} {found.key_id.hex()}")
    console.print(f"{'header':9} {len(found.header)} of {container.MAX_HEADER} bytes")
    table = Table("file", "bytes", "SHA-256")
    table.columns[1].justify = "right"
    for name, content in found.files:
        table.add_row(name, str(len(content)), container.digest(content))
    console.print(table)


@app.command()
def verify(
    package: Path,
    board_keys: Annotated[Path, typer.Option("--keys", help="a board's key file")] = None,
    key: Annotated[Path, typer.Option(help="or the private key")] = keys.DEFAULT,
):
    """Check signature and contents as a board does; exit with 1 if it would refuse."""
    public = board_keys.read_bytes() if board_keys else keys.public_bytes(keys.load(key))
    found = container.parse(package.read_bytes())
    container.verify(found, public)
    console.print(f"{escape(str(package))}: the signature and all contents are right")


def main() -> None:
    try:
        app()
    except (container.PackageError, keys.KeyFileError) as error:
        raise SystemExit(f"package: {error}") from None
    except OSError as error:
        raise SystemExit(f"package: {cause(error)}") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"package: {bytecode.fault(error)}") from None


if __name__ == "__main__":
    main()
