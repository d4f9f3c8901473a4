"""The manifests that freeze this project, by the rules of MicroPython's build."""

import json

import pytest

from tests.support.field import DEPLOYED, Field, told, version
from tests.support.manifests import Manifest, ManifestError
from tools import boards, bytecode
from tools.package import keys
from tools.unixport import ROOT, board_name, mpy_cross
from tools.vboard import Board

LIBRARIES = sorted((ROOT / "lib").glob("*/manifest.py"))

# What stands for MicroPython's own manifests; each freezes what no image can start without.
STOCK = {
    "esp32": "ports/esp32/boards/manifest.py",
    "rp2": "ports/rp2/boards/BOARD/manifest.py",
    "unix": "ports/unix/variants/standard/manifest.py",
}


@pytest.fixture
def variables(tmp_path):
    """Return a function from a port to the variables of a build in a tree of MicroPython."""

    def tree(port):
        manifest = tmp_path / STOCK[port]
        manifest.parent.mkdir(parents=True)
        manifest.write_text('freeze("$(PORT_DIR)/modules")')
        modules = tmp_path / "ports" / port / "modules"
        modules.mkdir()
        (modules / "_boot.py").write_text("import vfs\n")
        folder = tmp_path / "ports" / port
        return {"MPY_DIR": tmp_path, "PORT_DIR": folder, "BOARD_DIR": folder / "boards/BOARD"}

    return tree


@pytest.mark.parametrize("name", boards.names())
def test_a_board_freezes_the_whole_product(variables, tmp_path, name):
    files = Manifest(variables(boards.load(name).port)).run(boards.FOLDER / name / "manifest.py")
    assert files.pop("_boot.py")  # else MicroPython would not mount the flash
    product = [*ROOT.glob("firmware/**/*.py"), *ROOT.glob("lib/*/*/*.py")]
    assert set(files.values()) == {*product, ROOT / "lib/abupdate/trial.py"}
    assert {"main.py", "boot.py", "trial.py", "app/__init__.py", "coap/client.py"} <= files.keys()
    for number, path in enumerate(files.values()):
        mpy_cross(path, tmp_path / f"{number}.mpy")


@pytest.mark.parametrize(
    "library, takes",
    [
        ("coap", {"coap"}),
        ("thingsboard", {"coap", "thingsboard", "abupdate", "trial.py"}),
        ("abupdate", {"abupdate", "trial.py"}),
    ],
)
def test_a_library_takes_along_what_it_imports(tmp_path, library, takes):
    manifest = tmp_path / "manifest.py"
    manifest.write_text(f'add_library("tb", "{ROOT}/lib")\nrequire("{library}")\n')
    files = Manifest({}).run(manifest)
    assert {name.split("/")[0] for name in files} == takes
    for name, path in files.items():
        assert path.is_relative_to(ROOT / "lib") and path.as_posix().endswith("/" + name)


def test_no_manifest_is_left_out():
    assert {path.parent.name for path in LIBRARIES} == {"coap", "thingsboard", "abupdate"}
    assert (
        sorted(path.parent.name for path in boards.FOLDER.glob("*/manifest.py")) == boards.names()
    )


@pytest.mark.parametrize(
    "text, fault",
    [
        ('metadata(version="1")\nmetadata(version="1")', "Duplicate call to metadata"),
        ('require("coap")', "Package 'coap' not found in any known library"),
        ('module("no.py")', "Cannot stat"),
        ('module("here.py")\nmodule("here.py")', "here.py is named twice"),
        (f'include("{ROOT}/lib/coap")\ninclude("{ROOT}/lib/abupdate")', "Duplicate call"),
        ("frieze()", "frieze"),
    ],
)
def test_a_manifest_that_micropython_would_refuse(tmp_path, text, fault):
    (tmp_path / "here.py").write_text("")
    manifest = tmp_path / "manifest.py"
    manifest.write_text(text)
    with pytest.raises(ManifestError, match=f"manifest.py: .*{fault}"):
        Manifest({}).run(manifest)


@pytest.mark.parametrize("name", boards.names())
def test_each_board_has_a_page(name):
    page = (boards.FOLDER / name / "README.md").read_text()
    board = boards.load(name)
    assert page.startswith(f"# {board.product}\n")
    assert f"BOARD={name}" in page
    if board.port != "unix":
        assert f"https://micropython.org/download/{board.image.split('-')[0]}/" in page
        assert "hardware" in page


@pytest.fixture
def frozen(sim, variables, tmp_path):
    """A board whose file system has settings, facts and keys alone.

    The rest is in /lib, behind the root and a package's folder in sys.path, as frozen code is.
    main.py and boot.py are in the root: the virtual board starts no frozen ones.
    """
    field = Field(tmp_path / "field")
    files = Manifest(variables("unix")).run(boards.FOLDER / "UNIX" / "manifest.py")
    root = tmp_path / "root"
    root.mkdir()
    for name in ("main.py", "boot.py"):
        (root / name).write_bytes(files.pop(name).read_bytes())
    compiled = [bytecode.convert(path, name) for name, path in files.items()]
    bytecode.write(compiled, root / "lib")
    settings = {"server": sim.host, "port": sim.port, "access_token": "board", "interval": 1}
    (root / "settings.json").write_text(json.dumps(settings))
    (root / "board.json").write_text(json.dumps(boards.by_build(board_name()).facts))
    (root / keys.BOARD_FILE).write_bytes(keys.public_bytes(field.key))
    board = Board(tmp_path / "board.img")
    board.format()
    board.deploy(root, compiled=False)
    yield field, board
    board.stop()


def test_a_package_goes_before_frozen_code_and_back(sim, frozen):
    field, board = frozen
    device = sim.add_device("board", "board")
    board.start()
    board.wait_line("start number", 20)
    assert version(sim, device) == DEPLOYED
    sim.assign(device, field.package("2.0"))
    board.wait(lambda: told(device, "fw_state")[-1:] == ["UPDATED"], 60, "UPDATED")
    assert version(sim, device) == "2.0"
    assert sim.rpc(device, "getInfo")["coap"] == "2.0"  # its libraries as well
    sim.assign(device, field.package("3.0", sequence=3, fault="\n\nraise RuntimeError('bad')\n"))
    board.wait(lambda: told(device, "fw_state")[-1:] == ["FAILED"], 90, "FAILED")
    assert version(sim, device) == "2.0"
