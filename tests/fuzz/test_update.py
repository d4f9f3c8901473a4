"""Whatever a package, manifest or state file says: a board refuses it or takes it as signed."""

import json
import os
import random
from binascii import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.dual import prepare_cpython
from tools.unixport import ROOT

prepare_cpython(ROOT / "tests" / "unit")
from abupdate import Refused  # noqa: E402
from abupdate.app_slot import AppSlot  # noqa: E402
from abupdate.header import files  # noqa: E402
from abupdate.image import Image, parse  # noqa: E402
from abupdate.partition_slot import PartitionSlot  # noqa: E402
from partitions import Chip  # noqa: E402
from trial import Trial  # noqa: E402
from updates import KEY, MANIFEST, header, manifest, package, text  # noqa: E402

FILES = [("app/__init__.mpy", b"new" * 500), ("lib/b.mpy", bytes(range(256)) * 8)]
PACKAGE = package(FILES)
LENGTH = int.from_bytes(PACKAGE[4:6], "big")
CHUNK = 512
NAMES = st.text("a./~", max_size=6).map(str.encode)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


class Slot:
    """Records whether it was begun; holds nothing."""

    begun = False

    def stored(self):
        return b""

    def holds(self, header, whole=True):
        return False

    def begin(self, manifest):
        self.begun = True
        return 0

    def write(self, buf):
        pass


@settings(max_examples=300)
@given(data=st.binary(max_size=1500))
@example(data=PACKAGE[:394])
def test_any_bytes_as_a_package(data):
    slot = Slot()
    try:
        Image(KEY, slot).feed(0, data)
    except Refused as e:
        assert str(e)
    assert not slot.begun


@settings(max_examples=300)
@given(place=st.integers(0, LENGTH - 1), bits=st.integers(1, 255))
def test_any_change_of_a_signed_header(place, bits):
    data = bytearray(PACKAGE)
    data[place] ^= bits
    slot = Slot()
    try:
        Image(KEY, slot).feed(0, bytes(data))
    except Refused:
        pass
    assert not slot.begun


@settings(max_examples=500)
@given(text=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_manifest(text):
    with pytest.raises(Refused):
        parse(bytes(MANIFEST) + text)


@settings(max_examples=500)
@given(lines=st.lists(st.binary(max_size=80) | NAMES.map(lambda name: name + b" 1 x")))
def test_any_list_of_files(lines):
    begin = text(manifest([]))
    try:
        header = bytes(MANIFEST) + begin + b"".join(line + b"\n" for line in lines)
        parse(header)
    except Refused:
        return
    for name, size, _ in files(header):
        assert type(size) is int and size >= 0
        path = os.path.normpath(os.path.join("/slot_a", name)) + "/"
        assert path.startswith("/slot_a/")


@settings(max_examples=500)
@given(key=st.sampled_from(["title", "version", "kind", "boards", "sequence"]), value=JSON)
def test_any_value_in_a_manifest(key, value):
    m = manifest(FILES)
    m[key] = value
    try:
        found = parse(bytes(MANIFEST) + text(m))
    except Refused:
        return
    assert type(found["sequence"]) is int and found["sequence"] >= 0
    assert all(type(found[name]) is str for name in ("title", "version", "kind"))
    assert all(type(board) is str for board in found["boards"])


def board(root):
    trial = Trial(os, root)
    return trial, trial.start()


@settings(max_examples=150)
@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, (len(PACKAGE) - 1) // CHUNK),
            st.sampled_from(["other", "short", "long", "empty", "wrong", "cut off", "reset"]),
        ),
        max_size=4,
    ),
    seed=st.integers(0, 1000),
)
def test_chunks_that_are_not_the_right_ones(tmp_path_factory, changes, seed):
    """Never a wrong byte activated, never anything but Refused."""
    root = str(tmp_path_factory.mktemp("board")) + "/"
    other = package([(name, content[::-1]) for name, content in FILES])  # the same version
    chunks = {n: PACKAGE[n * CHUNK : (n + 1) * CHUNK] for n in range(len(PACKAGE) // CHUNK + 1)}
    dice = random.Random(seed)
    todo = dict(changes)
    trial, _ = board(root)
    slot = AppSlot(trial, "VBOARD")
    image = Image(KEY, slot)
    try:
        while image.offset != image.size:
            n = image.offset // CHUNK
            how = todo.pop(n, "")
            data = chunks[n]
            if how == "other":
                data = other[n * CHUNK : (n + 1) * CHUNK]
            elif how == "short":
                data = data[: dice.randrange(1, len(data) + 1)]
            elif how == "long":
                data += dice.randbytes(10)
            elif how == "empty":
                data = b""
            elif how == "wrong":
                data = dice.randbytes(len(data))
            elif how in ("cut off", "reset"):
                slot.abort()
                if how == "reset":
                    trial, _ = board(root)
                    slot = AppSlot(trial, "VBOARD")
                image = Image(KEY, slot)
                continue
            image.feed(n * CHUNK, data)
        slot.finish()
        slot.activate()
    except Refused as e:
        assert str(e)
        assert board(root)[1] == root + "factory"
        return
    trial, folder = board(root)
    assert folder == root + "slot_a"
    for name, content in FILES:
        with open(folder + "/" + name, "rb") as f:
            assert f.read() == content


FACTORY = {"slot": "factory", "id": 0, "title": "", "version": "", "sequence": 0}
RECORD = {"run": FACTORY, "back": FACTORY, "on_trial": False, "tries": 0, "floor": 0}
RECORD |= {"error": "", "failed": 0, "reason": ""}
STATE = json.dumps({"app": RECORD, "firmware": RECORD}).encode()


@settings(max_examples=300)
@given(data=st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
@example(data=STATE)
@example(data=STATE + b"\x00" * 4)
def test_any_state_file(tmp_path_factory, data):
    root = str(tmp_path_factory.mktemp("board")) + "/"
    with open(root + "trial.state", "wb") as f:
        f.write(data)
    trial, folder = board(root)
    assert folder == root + "factory" and not trial.unconfirmed()


@settings(max_examples=300, deadline=None)
@given(text=st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_state_file_with_a_right_crc(tmp_path_factory, text):
    root = str(tmp_path_factory.mktemp("board")) + "/"
    with open(root + "trial.state", "wb") as f:
        f.write(text + crc32(text).to_bytes(4, "big"))
    trial, folder = board(root)
    assert folder == root + "factory" and not trial.unconfirmed()


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["app", "firmware"]),
    field=st.sampled_from([*RECORD, *FACTORY]),
    value=JSON | st.sampled_from(["slot_a", "../etc", True, 3]),
)
def test_any_value_in_a_state(tmp_path_factory, kind, field, value):
    """A state that is believed, or counts as lost: each start has a folder, and none crashes."""
    root = str(tmp_path_factory.mktemp("board")) + "/"
    state = json.loads(STATE)
    record = state[kind] if field in RECORD else state[kind]["run"]
    record[field] = value
    text = json.dumps(state).encode()
    with open(root + "trial.state", "wb") as f:
        f.write(text + crc32(text).to_bytes(4, "big"))
    chip = Chip()
    for _ in range(5):
        trial, folder = board(root)
        assert folder.startswith(root) and trial.spare in ("slot_a", "slot_b")
        PartitionSlot(trial, "VBOARD", chip.boot())
        trial.crashed("x")
    assert Trial(os, root).start(suspect=True) == root + "factory"  # nothing else is whole


@settings(max_examples=200)
@given(text=st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_folder_beside_a_lost_state(tmp_path_factory, text):
    root = str(tmp_path_factory.mktemp("board")) + "/"
    os.mkdir(root + "slot_b")
    with open(root + "slot_b/PACKAGE", "wb") as f:
        f.write(bytes(MANIFEST) + text)
    assert board(root)[1] == root + "factory"


@settings(max_examples=100)
@given(key=st.sampled_from(["title", "version", "sequence"]), value=JSON)
def test_a_folder_of_strange_types_beside_a_lost_state(tmp_path_factory, key, value):
    root = str(tmp_path_factory.mktemp("board")) + "/"
    for slot, changes in (("slot_a", {key: value}), ("slot_b", {})):
        os.mkdir(root + slot)
        with open(root + slot + "/PACKAGE", "wb") as f:
            f.write(header({**manifest([]), **changes}))
    trial, folder = board(root)
    assert folder.startswith(root)
    board(root)
