"""The layout of a package stands in abupdate/header.py, and the room that a board wants of its
flash in other modules of the device; who cannot import them says the same.
"""

from tests.support.dual import prepare_cpython
from tools.board import room
from tools.package import container, keys
from tools.unixport import ROOT

prepare_cpython(ROOT / "firmware")
import settings  # noqa: E402
import trial  # noqa: E402
from abupdate import app_slot, header  # noqa: E402


def test_the_tool():
    assert container.MAGIC == header._MAGIC and len(container.MAGIC) == header._LENGTH_AT
    assert container.KEY_ID_AT == header._KEY_ID_AT
    assert container.SIGNATURE_AT == header._SIGNATURE_AT
    assert container.MANIFEST_AT == header.MANIFEST_AT
    assert container.MAX_HEADER == header._BYTES_MAX
    assert keys.BYTES == header._KEY_BYTES


def test_what_no_update_replaces():
    assert trial._MANIFEST_AT == header.MANIFEST_AT
    listed = bytes(header.MANIFEST_AT) + b"{}\na/b 12 x=\nc 0 y=\n"
    assert (
        list(trial._files(listed))
        == list(header.files(listed))
        == [("a/b", 12, "x="), ("c", 0, "y=")]
    )
    assert settings._KEY_BYTES == header._KEY_BYTES


def test_the_room_for_updates():
    assert room.SLEEPERS_JOURNAL == settings._JOURNAL
    assert room.FOLDER == app_slot._FOLDER and room.BESIDE == app_slot._SPARE + 1


def test_a_signature_is_as_long_as_a_key():
    assert header.MANIFEST_AT - header._SIGNATURE_AT == header._KEY_BYTES
