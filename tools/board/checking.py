"""A settings.json, read as the board will: by the firmware's own checker, here on the host.

The host adds what a board has no room for: line and column of what is no JSON, and the known name
that is nearest to an unknown one.
"""

import difflib
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest import mock

from tools import certificates
from tools.boards import Board
from tools.unixport import ROOT

FIRMWARE = ROOT / "firmware"
FILES = "trusted", "certificate", "key"  # settings that name a file beside settings.json


def read(path: Path, board: Board) -> dict:
    """Return the settings in a file, for a board.

    OSError; ValueError, whose text names the file, the place and the cure. No text
    has a value in it: that may be a secret.
    """
    if not path.exists():
        raise ValueError(
            f"{path}: no such file; make settings BOARD={board.name} OUT={path} makes it"
        )
    content = path.read_bytes()
    folder = f"{path.parent}/"
    checker = load_checker(board)
    # Only what this file says counts, so there are no credentials and no keys.
    checker.FILE, checker.CREDENTIALS, checker.KEYS = str(path), os.devnull, os.devnull
    checker.FOLDER = folder
    values, fault = None, ""
    try:
        values = json.loads(content)
    except json.JSONDecodeError as error:
        place = f"{path}: line {error.lineno}, column {error.colno}"
        fault = f"{place}: no JSON: {error.msg}"
    except (ValueError, RecursionError):
        fault = f"{path}: no JSON"
    try:
        checker.load()
    except checker.SettingsError as error:
        raise ValueError(fault or f"{error}{hint(values, checker)}") from None
    if fault:  # a board reads some of what is no JSON, but not each does
        raise ValueError(fault)
    _check_certificates(values, path)
    return values


def named_files(values: dict, folder: Path) -> dict[str, bytes]:
    """Return the files that settings name, which lie beside them, by name."""
    return {name: (folder / name).read_bytes() for name in names(values)}


def names(values: dict) -> list[str]:
    """Return the names of the files that settings name, as far as they can be any."""
    given = [values.get(setting) for setting in FILES]
    return [name.strip() for name in given if isinstance(name, str) and "/" not in name if name]


def _check_certificates(values, path):
    # The firmware looks only at their first bytes.
    trusted, certificate, key = ((values.get(setting) or "").strip() for setting in FILES)
    try:
        if trusted:
            certificates.load_certificate(path.with_name(trusted))
        if certificate:
            certificates.load(path.with_name(certificate), path.with_name(key))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def load_checker(board: Board) -> ModuleType:
    """Return firmware/settings.py as a module of its own, which runs as on a board."""
    wifi = 0 if board.wifi else None
    facts = SimpleNamespace(
        watchdog_max_s=board.watchdog_max_s,
        wifi_interface=wifi,
        led=board.led,
        journal=board.journal,
    )
    micropython = SimpleNamespace(const=lambda value: value)
    spec = importlib.util.spec_from_file_location("settings", FIRMWARE / "settings.py")
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(
        sys.modules, {"board": SimpleNamespace(board=facts), "micropython": micropython}
    ):
        spec.loader.exec_module(module)
    return module


def hint(values: object, checker: ModuleType) -> str:
    """Return the known name nearest to the first that is unknown, as the end of a sentence."""
    known = checker._SETTINGS
    unknown = [name for name in values if name not in known] if isinstance(values, dict) else []
    near = difflib.get_close_matches(unknown[0], known, 1) if unknown else []
    return f"; did you mean {near[0]}?" if near else ""
