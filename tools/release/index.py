"""The libraries as an index for mip, in the layout of micropython-lib's (version 2).

`package/FORM/NAME/VERSION.json` lists a package's files by their hashes and the packages that it
needs, `latest.json` is that of the newest version, and `file/ab/abcdef12` has the content.
"""

import hashlib
import json
import re

from tools import bytecode
from tools.release.shelf import Shelf
from tools.release.version import order
from tools.unixport import LIBRARIES

SOURCE = "py"  # the folder of packages as source
BYTECODE = "6"  # that of bytecode: the version of its format, which mip asks the board for
HASH = 8  # hex digits of a file's SHA-256 that name it


def add(shelf: Shelf, version: str) -> dict[str, list[bytes]]:
    """Put the packages on the shelf; return the files of each as bytecode."""
    made = {}
    for library in LIBRARIES:
        for form, files in ((SOURCE, source(library)), (BYTECODE, compiled(library))):
            _add(shelf, form, library, version, files)
        made[library.name] = [content for _, content in files]
    return made


def source(library):
    """Return (place on the board, content) of a package, as its package.json lists them."""
    listed = json.loads((library / "package.json").read_text())
    return [(place, (library / name).read_bytes()) for place, name in listed["urls"]]


def compiled(library):
    """Return the same as bytecode."""
    listed = json.loads((library / "package.json").read_text())
    return [bytecode.convert(library / name, place) for place, name in listed["urls"]]


def needs(library):
    """Return the names of the packages that are installed with this one, as in a frozen image."""
    return re.findall(r'^require\("(.+?)"\)', (library / "manifest.py").read_text(), re.MULTILINE)


def _add(shelf, form, library, version, files):
    hashes = []
    for place, content in files:
        name = hashlib.sha256(content).hexdigest()[:HASH]
        shelf.add(f"file/{name[:2]}/{name}", content)
        hashes.append([place, name])
    deps = [[name, version] for name in needs(library)]
    listed = {"v": 1, "hashes": hashes, "deps": deps, "version": version}
    text = json.dumps(listed).encode()
    folder = f"package/{form}/{library.name}"
    shelf.add(f"{folder}/{version}.json", text)
    out = shelf.names(f"{folder}/*.*.*.json")
    if order(version) == max(order(name.split("/")[-1].removesuffix(".json")) for name in out):
        shelf.replace(f"{folder}/latest.json", text)
