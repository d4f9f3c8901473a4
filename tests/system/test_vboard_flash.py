"""The flash of the virtual board forgives nothing, and loses power where it is told to."""

import pytest

from tools.vboard import BLOCK, PAGE, Board, BoardError


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "flash.img")
    board.format()
    return board


def run(board, tmp_path, code):
    script = tmp_path / "script.py"
    script.write_text(code)
    return board.execute(script)


def test_size_is_that_of_a_pico_w(board, tmp_path):
    code = 'import os; s = os.statvfs("/"); print(s[0], s[2])'
    assert run(board, tmp_path, code) == f"{BLOCK} {board.flash.blocks}"
    assert board.flash.image.stat().st_size == 848 * 1024


def test_a_file_survives_and_wears_the_flash(board, tmp_path):
    before = sum(board.flash.wear())
    run(board, tmp_path, 'f = open("data", "wb"); f.write(bytes(range(256)) * 64); f.close()')
    assert board.read("/data") == bytes(range(256)) * 64
    assert sum(board.flash.wear()) >= before + 4


@pytest.mark.parametrize(
    "code, message",
    [
        ("chip.program(%d, b'a' * 100)", "not whole pages"),
        ("chip.program(%d + 128, b'a' * 256)", "not whole pages"),
        ("chip.program(212 * 4096, b'a' * 256)", "out of bounds"),
        ("chip.erase(-1)", "out of bounds"),
        ("chip.erase(212)", "out of bounds"),
        ("chip.read(211 * 4096 + 4000, bytearray(256))", "out of bounds"),
        ("import rp2; rp2.Flash().writeblocks(90, b'a' * 100, 0)", "not whole pages"),
        ("import rp2; rp2.Flash().writeblocks(90, b'a' * 256, 4096 * 200)", "out of bounds"),
    ],
)
def test_bounds_and_alignment(board, tmp_path, code, message):
    with pytest.raises(BoardError, match=f"fault .*{message}"):
        run(board, tmp_path, code.replace("%d", str(90 * BLOCK)))


def test_programming_only_clears_bits(board, tmp_path):
    code = "chip.erase(90)\nfor b in (b'\\x3c', b'\\x18'): chip.program(90 * 4096, b * 256)"
    run(board, tmp_path, code)
    with pytest.raises(BoardError, match="fault the page at 368640 was not erased"):
        run(board, tmp_path, "chip.program(90 * 4096, b'\\xf0' * 256)")
    assert board.flash.image.read_bytes()[90 * BLOCK :][:257] == b"\x10" * 256 + b"\xff"


def test_a_write_without_offset_erases_first(board, tmp_path):
    code = "import rp2; [rp2.Flash().writeblocks(90, b * 4096) for b in (b'a', b'b')]"
    run(board, tmp_path, code)
    assert board.flash.image.read_bytes()[90 * BLOCK :][:BLOCK] == b"b" * BLOCK
    assert board.flash.wear()[90] == 2


WRITER = """
f = open("new", "wb")
for n in range(4):
    f.write(bytes(range(1, 256)) * 16)
f.close()
"""


def differing(old, new):
    return [n for n, (a, b) in enumerate(zip(old, new)) if a != b]


def within(places, start, size):
    return all(start <= n < start + size for n in places)


def test_power_fails_at_an_operation_and_nothing_comes_after(board, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/main.py").write_text(WRITER)
    board.deploy(tmp_path / "root")

    def cut(n, half):
        other = Board(tmp_path / f"{n}{half}.img")
        board.flash.copy(other.flash.image)
        other.start(cut_at=n, half=half)
        assert other.wait_end(10).cause == "cut"
        image = other.flash.image.read_bytes()
        other.start()
        assert other.wait_end(10).cause == "repl"  # it mounts and runs
        assert len(other.read("/new")) == 4 * 255 * 16
        return image

    halves = 0
    before = cut(1, False)
    assert before == board.flash.image.read_bytes()
    for n in range(1, 14):
        half, after = cut(n, True), cut(n + 1, False)
        if whole := differing(before, after):
            erased = after[whole[0]] == 0xFF
            size = BLOCK if erased else PAGE
            start = whole[0] // size * size
            assert within(whole, start, size)
            assert within(differing(before, half), start, size // 2)
            halves += half not in (before, after)
        before = after
    assert halves > 5


def test_a_file_system_that_would_be_formatted_is_a_failure(board):
    board.flash.erase()
    board.start()
    end = board.wait_end(10)
    assert end.cause == "fault" and "does not mount" in end.detail
