"""A package at a coap:// address on servers of others (fw_url, sw_url)."""

import re

import pytest

from tests.interop.aiocoap_server import AiocoapServer
from tests.interop.peers import LibcoapServer, coap_client
from tests.support.field import Field, told, version
from tests.support.updated import RESET, UpdatedBoard, package
from tools.tbsim import Package, Simulator

TWICE = 8192  # bytes that may be fetched again after a power cut


@pytest.fixture
def sim():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def board(sim, tmp_path, key):
    return UpdatedBoard(sim, tmp_path, key)


@pytest.fixture
def data(key):
    return package(key).data


@pytest.fixture
def server(data):
    with AiocoapServer({"app.pkg": data, "half.pkg": data[: len(data) // 2]}) as server:
        yield server


def assign(sim, board, url):
    sim.assign(board.device, Package("app", "1.1", kind="sw", url=url))


def progress(output):
    """Return the offsets that the board told."""
    return [int(done) for done in re.findall(r"done (\d+) ", output)]


def test_from_aiocoap(sim, board, server, data):
    assign(sim, board, f"coap://127.0.0.1:{server.port}/app.pkg")
    code, output = board.start()
    assert code == RESET, output
    assert board.states()[-3:] == ["DOWNLOADED", "VERIFIED", "UPDATING"]
    assert progress(output)[-1] == len(data)
    assert (board.folder / "slot_a" / "m11.py").read_bytes() == bytes([11]) * 7701


def test_from_libcoap(sim, board, data, tmp_path):
    path = tmp_path / "app.pkg"
    path.write_bytes(data)
    with LibcoapServer(tmp_path, "-d", "2") as server:
        address = f"coap://127.0.0.1:{server.port}/packages/app"
        coap_client("-m", "put", "-b", "1024", "-f", str(path), address)
        assign(sim, board, address)
        code, output = board.start()
    assert code == RESET, output
    assert (board.folder / "slot_a" / "m11.py").read_bytes() == bytes([11]) * 7701


def test_goes_on_by_block_number_after_a_power_cut(sim, board, server, data):
    assign(sim, board, f"coap://127.0.0.1:{server.port}/app.pkg?a=1&b=2")
    half = len(data) // 2
    output = board.folder / "output"
    written = lambda: max(progress(output.read_text()), default=0) > half  # noqa: E731
    code, first = board.start(until=written, block_ms=20)
    assert code is None
    code, second = board.start()
    assert code == RESET, second
    fetched = 1024 * (len(progress(first)) + len(progress(second)))
    assert fetched <= len(data) + TWICE
    assert progress(second)[0] > half - TWICE  # told by the first block


def test_the_whole_firmware(sim, tmp_path):
    field = Field(tmp_path)
    package = field.package("1.1")
    device = sim.add_device("whole", "whole")
    board = field.board(tmp_path / "whole.img", sim)
    with AiocoapServer({"app.pkg": package.data}) as server:
        url = f"coap://127.0.0.1:{server.port}/app.pkg"
        board.start()
        try:
            board.wait_line("start number", 20)
            sim.assign(device, Package(package.title, "1.1", url=url))
            board.wait(lambda: told(device, "fw_state")[-1:] == ["UPDATED"], 40, "UPDATED")
            assert version(sim, device) == "1.1"
        finally:
            board.stop()


@pytest.mark.parametrize(
    "path, reason",
    [
        ("coap://127.0.0.1:{port}/missing", "the server answered 4.04"),
        ("coap://127.0.0.1:{port}/half.pkg", "shorter than its manifest says"),
        ("coap://127.0.0.1:{port}/query", "shorter than its manifest says"),
        ("http://127.0.0.1/app.pkg", "cannot fetch http://127.0.0.1/app.pkg"),
        ("app.pkg", "cannot fetch app.pkg"),
    ],
)
def test_what_cannot_be_fetched_is_told(sim, board, server, path, reason):
    assign(sim, board, path.format(port=server.port))
    board.start(until=lambda: "FAILED" in board.states(), timeout=60)  # 4.04 may pass
    assert board.errors() == [reason]


def test_silence_is_no_refusal(sim, board, server):
    assign(sim, board, "coap://127.0.0.1:9/app.pkg")
    board.start(until=lambda: "DOWNLOADING" in board.states(), timeout=10)
    assert "FAILED" not in board.states()
    assign(sim, board, f"coap://127.0.0.1:{server.port}/app.pkg")
    code, output = board.start(timeout=30)
    assert code == RESET, output
