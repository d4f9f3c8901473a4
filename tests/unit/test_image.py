# The container as a stream: into a slot that notes what it is told.


from abupdate import Refused
from abupdate.image import Image, parse
from updates import KEY, MANIFEST, header, manifest, package, refusal, text

FILES = [("app/__init__.mpy", b"a" * 700), ("coap/block.mpy", bytes(range(256)) * 5)]
PACKAGE = package(FILES)
LENGTH = int.from_bytes(PACKAGE[4:6], "big")
PAYLOAD = PACKAGE[LENGTH:]


class Slot:
    def __init__(self, there=0, stored=b"", fails=None):
        self.there = there
        self.held = stored
        self.fails = fails
        self.begun = None
        self.got = b""

    def stored(self):
        return self.held

    def holds(self, header, whole=True):
        return self.held == header if whole else self.held[: len(header)] == header

    def begin(self, manifest):
        if isinstance(self.fails, Refused):
            raise self.fails
        self.begun = manifest
        return self.there

    def write(self, buf):
        if self.fails:
            raise self.fails
        self.got += bytes(buf)


def feed(image, data, size):
    # As an updater does: the piece that holds the byte wanted. Return how many were fed.
    n = 0
    while image.offset != image.size:
        start = image.offset // size * size
        image.feed(start, data[start : start + size])
        n += 1
        assert n <= len(data) // size + 1
    return n


def test_pieces_of_any_size():
    for size in (1, 7, 394, 1024, LENGTH, LENGTH + 1, 10_000):
        slot = Slot()
        feed(Image(KEY, slot, "thermo", "1.1", len(PACKAGE)), PACKAGE, size)
        assert slot.got == PAYLOAD
        assert slot.begun["title"] == "thermo" and slot.begun["sequence"] == 2
        assert slot.begun["header"] == PACKAGE[:LENGTH]
        assert slot.begun["size"] == len(PAYLOAD)


def test_sizes_are_known_when_the_header_is_complete():
    image = Image(KEY, Slot())
    image.feed(0, PACKAGE[: LENGTH - 1])
    assert image.size is None
    image.feed(LENGTH - 1, PACKAGE[LENGTH - 1 : LENGTH])
    assert image.size == len(PACKAGE) and image.offset == LENGTH


def test_resumed_where_the_slot_says():
    for there in (0, 1, 699, 1500, len(PAYLOAD)):
        for size in (100, 512, 5000):
            slot = Slot(there)
            feed(Image(KEY, slot), PACKAGE, size)
            assert slot.got == PAYLOAD[there:], (there, size)


def test_a_stored_header_is_not_fetched_again():
    slot = Slot(len(PAYLOAD), PACKAGE[:LENGTH])
    image = Image(KEY, slot)
    image.feed(0, PACKAGE[:400])
    assert image.offset == image.size == len(PACKAGE) and slot.got == b""


def test_a_stored_header_of_another_package_is_ignored():
    other = package(FILES, version="1.0")
    slot = Slot(0, other[: int.from_bytes(other[4:6], "big")])
    image = Image(KEY, slot)
    image.feed(0, PACKAGE[:400])
    assert image.size is None
    image.feed(400, PACKAGE[400:])
    assert slot.got == PAYLOAD


def test_a_damaged_stored_header_is_verified_too_and_fetched_again():
    damaged = bytearray(PACKAGE[:LENGTH])
    damaged[-3] ^= 1
    for stored in (bytes(damaged), PACKAGE[: LENGTH - 1], PACKAGE[:LENGTH] + b"x"):
        image = Image(KEY, Slot(0, stored))
        image.feed(0, PACKAGE[:400])
        assert image.size is None and image.offset == 400
        image.feed(400, PACKAGE[400:])
        assert image.offset == image.size == len(PACKAGE)


def test_no_package():
    for data in (b"ABU2" + PACKAGE[4:], b"\xe9" * 5000, bytes(394), b"ABU1\x01\x8a" + bytes(400)):
        assert refusal(Image(KEY, Slot()).feed, 0, data) == "this is no update package"
    long = b"ABU1\x20\x01" + PACKAGE[6:]
    assert refusal(Image(KEY, Slot()).feed, 0, long) == "this is no update package"


def test_a_header_of_8192_bytes():
    m = text(manifest(FILES))
    m = m.replace(b"}", b" " * (8192 - MANIFEST - len(m)) + b"}", 1)
    slot = Slot()
    feed(Image(KEY, slot), header(m) + PAYLOAD, 1024)
    assert slot.got == PAYLOAD


def test_the_slot_is_not_asked_before_the_signature_is_right():
    forged = bytearray(PACKAGE)
    forged[LENGTH - 1] ^= 1
    slot = Slot()
    assert refusal(Image(KEY, slot).feed, 0, bytes(forged)) == "its signature is wrong"
    assert refusal(Image(bytes(384), slot).feed, 0, PACKAGE).startswith("signed with an unknown")
    assert slot.begun is None


def test_it_must_be_what_was_assigned():
    for assigned in (
        ("thermos", None, None),
        ("therm", None, None),
        (None, "1.10", None),
        (None, "1.", None),
        (None, None, len(PACKAGE) + 1),
    ):
        slot = Slot()
        text = refusal(Image(KEY, slot, *assigned).feed, 0, PACKAGE)
        wrong = [str(a) for a in assigned if a][-1]
        assert "%s was assigned" % wrong in text and slot.begun is None


def test_bytes_after_the_end():
    slot = Slot()
    assert refusal(Image(KEY, slot).feed, 0, PACKAGE + b"x") == "longer than its manifest says"
    assert slot.got == b""


def test_what_a_slot_says_is_passed_on():
    assert refusal(Image(KEY, Slot(fails=Refused("no"))).feed, 0, PACKAGE) == "no"
    text = refusal(Image(KEY, Slot(fails=OSError(28))).feed, 0, PACKAGE)
    assert text.startswith("the flash says") and "28" in text


def wrong(**changes):
    # How a manifest with these changes is refused.
    m = manifest(FILES)
    m.update(changes)
    said = refusal(parse, bytes(MANIFEST) + text(m))
    return said and said.startswith("the manifest is wrong")


def test_manifests_of_wrong_types():
    assert not wrong()
    for key in ("title", "version", "kind", "boards", "sequence"):
        for value in (None, 1.5, {}, "x", ["x"], [None], -1):
            fits = key in ("title", "version", "kind") and value == "x"
            assert wrong(**{key: value}) or fits or (key, value) == ("boards", ["x"]), (key, value)
    for odd in (b"", b"[]", b"{}", b"{", b"1", b'"x"', b"\xff\xfe"):
        for end in (b"", b"\n", b"\na 1 x\n"):
            said = refusal(parse, bytes(MANIFEST) + odd + end)
            assert said.startswith("the manifest is wrong"), odd


def test_lines_that_are_no_files():
    whole = text(manifest([])) + b"a 1 x\n"
    assert parse(bytes(MANIFEST) + whole)["size"] == 1
    for odd in (b"a 1 x", b"\n", b"a 1\n", b"a 1 x y\n", b"a  1 x\n", b"a x 1\n", b"\xff 1 x\n"):
        said = refusal(parse, bytes(MANIFEST) + whole + odd)
        assert said and said.startswith("the manifest is wrong"), odd


def test_sizes_that_are_no_sizes():
    for size in (-1, 1.0, True, None, "", "0x1"):
        assert wrong(files=[["a", size, "x"]]), size
    assert wrong(files=[["a", -5, ""], ["b", 10, ""]])


def test_names_outside_the_folder():
    for name in (
        "", "/", "/main.py", "a/", "a//b", "..", "../main.py", "a/../../b", "a\\b", "é",
        "a b", "a\x00", "a:b", "PACKAGE",
    ):  # fmt: skip
        assert wrong(files=[[name, 1, "x"]]), name
    for name in ("a", "a.mpy", "a/b_c/d-e.F", "0", "a/PACKAGE"):
        assert not wrong(files=[[name, 1, "x"]]), name
