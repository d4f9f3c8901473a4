"""What the host must know of a virtual board: that of boards/, and what its port adds."""

from dataclasses import dataclass, replace

from tools import boards
from tools.vboard import protocol

# What takes 0.55 to 0.7 bytes on a board takes one here (docs/figures.md).
HEAP_SCALE = 0.7
APP_AT = 0x10000  # the address of the first application, in all partition tables of MicroPython


@dataclass(frozen=True)
class Port:
    """A port; the board's side is a module in `device/`.

    name: as sys.platform of a real board. unit: flash is programmed in multiples of so many bytes.
    own: what the board's side takes of the heap beside the program, in bytes, by whether there is
    a network and a clock of the board's own; a real board has none of it. clock: what an unset one
    says at power-on, in seconds since 1970. drift_ppm: by how much its timer is fast in a sleep.
    deep_sleep: it is more than light sleep and a reset, the clock goes on through all resets and
    the RTC has memory.
    """

    name: str
    unit: int
    own: dict[tuple[bool, bool], int]
    clock: int
    drift_ppm: float
    deep_sleep: bool = False


@dataclass(frozen=True)
class Model:
    """A board of boards/ as a virtual one.

    build: what its sys.implementation._build says. wifi: the driver. blocks: of 4096 bytes, in the
    image of the flash, which is the file system alone on an RP2 and the whole chip on an ESP32.
    heap: bytes, for the program alone. vfs_at: where the file system begins there. apps: how many
    partitions hold an application, 0 without partitions. chip_id: of images for it.
    """

    port: Port
    build: str
    wifi: str
    blocks: int
    heap: int
    vfs_at: int = 0
    apps: int = 0
    chip_id: int = 0


# Measured (test_vboard_conditions.py). No sums of parts: tables of names grow by leaps.
_UNIX_OWN = {
    (False, False): 18750,
    (False, True): 20240,
    (True, False): 22910,
    (True, True): 26060,
}
_RP2_OWN = {  # with a module `sys` that tells the board's name, as below
    (False, False): 19900,
    (False, True): 21200,
    (True, False): 23930,
    (True, True): 27230,
}
_ESP32_OWN = {
    (False, False): 26250,
    (False, True): 28000,
    (True, False): 30650,
    (True, True): 32450,
}

_2021 = 1609459200
_2000 = 946684800

# The ROM of an RP2 programs whole pages.
#
# A Pico W sleeps by its crystal, which is right within 30 ppm. An ESP32 without a second crystal
# sleeps by an RC oscillator: users report 20 to 30 minutes in 10 to 15 hours.
RP2 = Port(protocol.RP2, unit=256, own=_RP2_OWN, clock=_2021, drift_ppm=30)
UNIX = replace(RP2, own=_UNIX_OWN)
ESP32 = Port(
    protocol.ESP32, unit=1, own=_ESP32_OWN, clock=_2000, drift_ppm=20_000, deep_sleep=True
)


def model(name: str) -> Model:
    """Return a board of boards/ by its name. ValueError if there is none.

    UNIX has the interpreter's own name, and the Wi-Fi of a Pico W.
    """
    board = boards.load(name)
    heap = round(board.heap / HEAP_SCALE)
    wifi = board.wifi or boards.load("RPI_PICO_W").wifi
    if board.port == "unix":
        return Model(UNIX, protocol.INTERPRETERS, wifi, board.filesystem.block_count, heap)
    if board.port == "rp2":
        return Model(RP2, board.build, wifi, board.filesystem.block_count, heap)
    return Model(
        ESP32,
        board.build,
        wifi,
        board.flash_size // protocol.BLOCK,
        heap,
        vfs_at=board.filesystem.offset,
        apps=2 if "firmware" in board.update else 1,
        chip_id=board.chip_id,
    )
