"""What `make bench` measures of an update is what happened; the figures themselves vary."""

import random

import pytest

from tools.measure.bench import download, heap, large, scene
from tools.tbsim import Package, Simulator

BLOCKS = scene.PACKAGE_BYTES // scene.BLOCK


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    scene.prepare(folder)
    return folder


def test_a_clean_update(folder):
    for _ in range(8):  # a machine that pauses adds repetitions: one run without is enough
        run = download.ours(folder, 0, 1)
        if run.datagrams == 2 * BLOCKS:
            break
    assert run.datagrams == 2 * BLOCKS
    round_trips = BLOCKS / 3  # a window of 3
    assert round_trips * 0.050 < run.seconds < run.installed_s < 30
    # Each block is written once, and a few are for folders.
    assert BLOCKS / 4 < run.erases < BLOCKS
    assert run.cpu_s > download.without_update(folder) > 0


def test_smallest_heap():
    assert heap.smallest(lambda kib: kib >= 100) in (100 * 1024, 101 * 1024)


def test_a_download_into_no_flash():
    data = random.Random(2).randbytes(20 * 1024 + 1)
    with Simulator() as sim:
        device = sim.add_device("large", large.TOKEN)
        sim.assign(device, Package(large.TITLE, large.VERSION, data))
        large.ours(sim.port, data)
        run = download.seen(sim, 0)
        assert run.datagrams >= 2 * 21 and 0 < run.seconds < 10
        with pytest.raises(download.DownloadError):
            large.ours(sim.port, data[1:])
