"""Asks for the settings of a board, checks them as the board will, and writes them there."""

import ast
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tools import boards
from tools.board import checking, doubts
from tools.board.link import connected
from tools.package import application

FILE = "settings.json"
# What the application that runs has in its app/; nothing if it is frozen, or there is none.
RUNS = """
try:
    import os, trial
    print(os.listdir('/' + trial.Trial(os).state['app']['run']['slot'] + '/app'))
except (ImportError, OSError):
    print([])
"""
Find = Callable[[str], bytes | None]
SECRETS = ("wifi_password", "access_token", "provision_secret")
WIFI = ("wifi_ssid", "wifi_password")
# Asked for always; the others only by --all, or if they are there.
USUAL = ("server", *WIFI, "access_token", "provision_key", "provision_secret", "interval")
PROVISIONING = ("provision_key", "provision_secret")


def ask(
    board: boards.Board,
    values: dict,
    all_names: bool,
    prompt: Callable[..., str] = typer.prompt,
    tell: Callable[[str], None] = print,
    find: Find = lambda name: None,
) -> dict:
    """Ask for settings until they pass the firmware's checker; return them.

    find(name) returns the content of a file that they name, None if there is none.
    """
    values = dict(values)
    expected = {name: text for name, (*_, text) in checking.load_checker(board)._SETTINGS.items()}
    for name in expected:
        if all_names or name in values or name in USUAL:
            if wanted(name, board, values):
                answer(name, expected[name], values, prompt)
    while True:
        fault = check(board, values, find)
        if not fault:
            return values
        tell(fault)
        named = [name for name in expected if f": {name}:" in fault]
        if not named:
            raise ValueError(fault)
        values.pop(named[0], None)  # what was refused is nothing to keep
        answer(named[0], expected[named[0]], values, prompt)


def wanted(name: str, board: boards.Board, values: dict) -> bool:
    """Whether a setting has a meaning beside those that are known by now."""
    if name.startswith("wifi_") and not board.wifi:
        return False
    return not (name in PROVISIONING and values.get("access_token"))


def answer(name: str, expected: str, values: dict, prompt: Callable[..., str]) -> None:
    """Ask for one setting; Enter keeps what there is, and a single hyphen removes it."""
    known = values.get(name, "")
    secret = name in SECRETS
    text = f"{name} ({expected})"
    if known != "":
        text += " [kept]" if secret else f" [{shown(known)}]"
    given = prompt(text, default="", show_default=False, hide_input=secret).strip()
    if given == "-":
        values.pop(name, None)
    elif given:
        values[name] = parsed(given, secret)


def shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def parsed(text: str, secret: bool) -> object:
    # A number or a list is meant as such; a secret is text, whatever it looks like.
    if not secret and text[0] in "[-0123456789":
        try:
            return json.loads(text)
        except ValueError:
            pass
    return text


def check(board: boards.Board, values: dict, find: Find) -> str:
    """Return what the firmware's checker says of settings, "" if nothing."""
    with tempfile.TemporaryDirectory() as folder:  # that nobody else reads
        path = Path(folder) / FILE
        path.write_text(json.dumps(values))
        for name in checking.names(values):
            content = find(name)
            if content is not None:
                (path.parent / name).write_bytes(content)
        try:
            checking.read(path, board)
        except ValueError as error:
            return str(error).replace(str(path), FILE).replace(folder + "/", "")
    return ""


def main(
    board: Annotated[str, typer.Option(help=", ".join(boards.names()))],
    port: Annotated[str, typer.Option(help="of the board; found if there is one board")] = "",
    out: Annotated[Path, typer.Option(help="write to this file, and to no board")] = None,
    all: Annotated[bool, typer.Option("--all", help="ask for all of them")] = False,
    files: Annotated[Path, typer.Option(help="where the files are that settings name")] = Path(),
):
    """Ask for the settings of a board and write them; Enter keeps what there is, - removes it."""
    kind = boards.load(board)
    if out:
        values = {}
        if not out.parent.is_dir() or out.is_dir():  # told before anything is asked
            raise ValueError(f"{out}: expected a file in a folder that is there")
        if out.exists():
            values = known(out.read_bytes())
            if values is None:
                raise ValueError(f"{out}: no JSON object; correct it, or name another file")
        values = ask(kind, values, all, find=lambda name: content_of(out.parent / name))
        write(out, values)
        print(f"{out}: written")
        tell_doubts(values, kind, str(out), lambda name: content_of(out.parent / name))
        return
    with connected(port) as link:
        link.check(kind)
        values = known(link.read("/" + FILE) or b"{}")
        if values is None:
            print(f"{FILE} of the board is no JSON object; its settings begin anew")
            values = {}

        def find(name):
            here = content_of(files / name)
            return link.read("/" + name) if here is None else here

        values = ask(kind, values, all, find=find)
        for name in checking.names(values):
            link.replace("/" + name, find(name))
        link.replace("/" + FILE, json.dumps(values, indent=2).encode())
        tell_doubts(values, kind, FILE, find)
        lacks = lacking(values, ast.literal_eval(link.execute(RUNS)))
    if lacks:
        missing = " and ".join(lacks)
        print(f"the firmware there has no code for {missing}: make deploy BOARD={board}")
    print("written; the board restarts with them")


def lacking(values: dict, names: list[str]) -> list[str]:
    """Return what settings want and an application lacks. names: of the files in its app/."""
    there = {f"app/{name}" for name in names}
    if "app/__init__.mpy" not in there:  # frozen, it has all
        return []
    return [
        extra.value
        for extra in sorted(application.wanted(values))
        if not there.issuperset(_modules(extra))
    ]


def _modules(extra: application.Extra) -> list[str]:
    return [name for name in application.EXTRAS[extra] if name.startswith("app/")]


def tell_doubts(values: dict, board: boards.Board, file: str, find: Find) -> None:
    for line in doubts.of(values, board, file, find):
        print(line)


def content_of(path: Path) -> bytes | None:
    """Return what is in a file, None if it is none."""
    return path.read_bytes() if path.is_file() else None


def known(content: bytes) -> dict | None:
    """Return what a file of settings has, None if it is none."""
    try:
        values = json.loads(content)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def write(path: Path, values: dict) -> None:
    """Write a file that only its owner reads; an interruption leaves the one before."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps(values, indent=2) + "\n")
    new.replace(path)
