"""The version of the project. pyproject.toml has it; other files repeat it, and are held to it."""

import json
import re
from pathlib import Path

from tools.release import Refused
from tools.unixport import LIBRARIES, ROOT

MAIN = "pyproject.toml"
APPLICATION = "firmware/app/__init__.py"
NAMES = ("manifest.py", "package.json")  # of each library
# Three numbers: the newest is found by them, and ThingsBoard takes 1.0 for a number.
FORM = re.compile(r"\d+\.\d+\.\d+")


def current(root: Path = ROOT) -> str:
    """Return the version. Raises Refused if it has another form, or a file repeats another one."""
    version = _written(root / MAIN, r'^version = "(.*)"$')
    if not FORM.fullmatch(version or ""):
        raise Refused(f"{MAIN}: version has three numbers, like 1.2.0, and not {version!r}")
    for name, other in _repeated(root):
        if other != version:
            raise Refused(f"{name} has version {other}, and {MAIN} has {version}: make them equal")
    return version


def order(version: str) -> list[int]:
    """Return what sorts versions, so that 0.10.0 comes after 0.9.0."""
    return [int(part) for part in version.split(".")]


def _repeated(root):
    yield APPLICATION, _written(root / APPLICATION, r'^VERSION = "(.*)"$')
    for library in LIBRARIES:
        manifest, package = (f"lib/{library.name}/{name}" for name in NAMES)
        yield manifest, _written(root / manifest, r'version="(.*?)"')
        yield package, json.loads((root / package).read_text()).get("version")


def _written(path, pattern):
    found = re.search(pattern, path.read_text(), re.MULTILINE)
    return found[1] if found else None
