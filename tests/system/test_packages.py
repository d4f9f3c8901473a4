"""What `mip` installs is what the libraries consist of."""

import json

import pytest

from tools.unixport import ROOT


@pytest.mark.parametrize("library", ["coap", "thingsboard", "abupdate"])
def test_package_json_lists_every_module(library):
    folder = ROOT / "lib" / library
    listed = json.loads((folder / "package.json").read_text())["urls"]
    files = [*folder.glob("*.py"), *(folder / library).glob("*.py")]
    modules = {str(path.relative_to(folder)) for path in files if path.name != "manifest.py"}
    assert {target for target, _ in listed} == modules
    assert all((folder / source).is_file() and source == target for target, source in listed)
