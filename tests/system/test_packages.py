"""What `mip` installs is what the libraries consist of."""

import json

import pytest

from tests.support.files import python_files
from tools.unixport import ROOT

NOT_INSTALLED = {"manifest.py"}  # for those who freeze the library


@pytest.mark.parametrize("library", ["coap", "thingsboard", "abupdate"])
def test_package_json_lists_every_module(library):
    folder = ROOT / "lib" / library
    listed = json.loads((folder / "package.json").read_text())["urls"]
    modules = {str(path.relative_to(folder)) for path in python_files(folder)} - NOT_INSTALLED
    assert {target for target, _ in listed} == modules
    assert all((folder / source).is_file() and source == target for target, source in listed)
