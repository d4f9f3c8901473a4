"""Every sentence that a board may say on its console is findable in docs/troubleshooting.md.

A sentence is a text with a blank in it, as no key and no name has one. Where something is filled
in, the parts around it are looked for.
"""

import ast
import re

import pytest

from tests.support.files import named, python_files
from tools.unixport import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()

FILLED_IN = re.compile(r"%\.?\d*[a-z%]")
UNSAID = "_SETTINGS", "_PEM"  # what each setting expects; the form of a certificate
LEAST = 6  # characters; shorter parts are in half of all texts

LIBRARIES = {
    "thingsboard/thingsboard": "words session updater assignment provisioning url",
    "abupdate/abupdate": "header image slot app_slot partition_slot",
}
SPOKEN = python_files(ROOT / "firmware") + [
    ROOT / "lib" / folder / f"{name}.py"
    for folder, names in LIBRARIES.items()
    for name in names.split()
]


def texts(source: str) -> set[str]:
    """Return the texts of a source, without docstrings and what is UNSAID."""
    tree = ast.parse(source)
    passed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            passed.add(node.value)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in UNSAID:
            passed |= set(ast.walk(node))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in passed
    }


def fragments(text: str) -> list[str]:
    """Return the words between the places where something is filled in."""
    parts = [part.strip(" :;,.()\n") for part in FILLED_IN.split(text)]
    return [part for part in parts if len(part) >= LEAST and " " in part]


@pytest.mark.parametrize("path", SPOKEN, ids=named)
def test_what_a_board_says_is_there(path):
    page = " ".join(PAGE.split())
    told = {part for text in texts(path.read_text()) for part in fragments(text)}
    assert {part for part in told if part not in page} == set()


def test_sentences_are_found():
    source = '"""A docstring of it."""\nlog("wifi: %s, as told" % name)\nx = "no such key"\n'
    found = {part for text in texts(source) for part in fragments(text)}
    assert found == {"as told", "no such key"}
