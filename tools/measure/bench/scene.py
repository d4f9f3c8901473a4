"""What all downloads have in common: a package of the application, and a board that takes it."""

import random
from pathlib import Path

from tools import bytecode
from tools.board import DEVICE
from tools.package import application, container, keys
from tools.tbsim import Package
from tools.unixport import LIBRARIES, ROOT
from tools.vboard import Board

TITLE, VERSION, BOARD, TOKEN = "app", "1.1", "VBOARD", "TOKEN"
BLOCK = 1024
PACKAGE_BYTES = 128 * 1024
FILLER = 12_000


def prepare(folder: Path) -> None:
    """Fill a folder with `package` and `board.img`, the flash of a board without any update."""
    key_file = folder / "key.pem"
    key_file.unlink(missing_ok=True)
    key = keys.create(key_file)
    (folder / "package").write_bytes(build(key))
    root = folder / "root"
    for source in (Path(__file__).with_name("device"), DEVICE):
        bytecode.copy_tree(source, root)
    trial = ROOT / "lib" / "abupdate" / "trial.py"
    bytecode.write([bytecode.convert(trial, trial.name)], root)
    for library in LIBRARIES:
        bytecode.copy_tree(library / library.name, root / "lib" / library.name)
    (root / keys.BOARD_FILE).write_bytes(keys.public_bytes(key))
    board = Board(folder / "board.img")
    board.format()
    board.deploy(root, compiled=False)


def build(key) -> bytes:
    """Return a package of PACKAGE_BYTES: the firmware's application, and noise."""
    files = application.collect(application.REPLACEABLE)
    names = {"kind": "app", "title": TITLE, "version": VERSION, "boards": [BOARD]}
    noise = random.Random(1).randbytes(PACKAGE_BYTES)

    def package(last):
        more = [(f"app/{n}.bin", noise[:size]) for n, size in enumerate([FILLER] * 3 + [last])]
        return container.build(key, files + more, sequence=1, **names)

    last = FILLER
    for _ in range(2):  # its size may get another number of digits
        last += PACKAGE_BYTES - len(package(last))
    data = package(last)
    assert len(data) == PACKAGE_BYTES, "no size of the last file fits: change FILLER"
    return data


def package(folder: Path) -> Package:
    return Package(TITLE, VERSION, (folder / "package").read_bytes())
