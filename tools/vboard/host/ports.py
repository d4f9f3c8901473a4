"""What the host must know of each port that a virtual board can be."""

from dataclasses import dataclass

from tools import boards
from tools.vboard import protocol


@dataclass(frozen=True)
class Port:
    """A port and the common board of it; the board's side is a module in `device/`.

    name: as sys.platform of a real board. blocks: of 4096 bytes, in the image of the flash. unit:
    flash is programmed in multiples of so many bytes. heap: of the interpreter, as its option
    wants it, for the program alone. own: what the board's side takes beside that, in bytes, by
    whether there is a network and a clock of the board's own; a real board has none of it. clock:
    what an unset one says at power-on, in seconds since 1970. app_at: the address of the firmware
    that the board comes with; None if the image holds nothing but the file system.
    """

    name: str
    blocks: int
    unit: int
    heap: str
    own: dict[tuple[bool, bool], int]
    clock: int
    app_at: int | None = None


# A package takes about so much of the heap that it takes here (docs/figures.md).
_SCALE = 0.7


def _heap(name):
    return f"{round(boards.load(name).heap / _SCALE / 1024)}k"


# Measured (test_vboard_conditions.py). No sums of parts: tables of names grow by leaps.
_RP2_OWN = {
    (False, False): 16700,
    (False, True): 18300,
    (True, False): 20900,
    (True, True): 22550,
}
_ESP32_OWN = {
    (False, False): 20700,
    (False, True): 24150,
    (True, False): 26900,
    (True, True): 28550,
}

_2021 = 1609459200
_2000 = 946684800

# A Pico W, whose ROM programs whole pages: the 848 KiB of its file system.
RP2 = Port(protocol.RP2, blocks=212, unit=256, heap=_heap("RPI_PICO_W"), own=_RP2_OWN, clock=_2021)
# A common ESP32: the whole chip of 4 MiB, with ota_0 of partitions-4MiB-ota.csv.
ESP32 = Port(
    protocol.ESP32,
    blocks=1024,
    unit=1,
    heap=_heap("ESP32_GENERIC-OTA"),
    own=_ESP32_OWN,
    clock=_2000,
    app_at=0x10000,
)

PORTS = {port.name: port for port in (RP2, ESP32)}
