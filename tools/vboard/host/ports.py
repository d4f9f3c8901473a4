"""What the host must know of each port that a virtual board can be."""

from dataclasses import dataclass

from tools.vboard import protocol


@dataclass(frozen=True)
class Port:
    """A port and the common board of it; the board's side is a module in `device/`.

    name: as sys.platform of a real board. blocks: of 4096 bytes, in the image of the flash. unit:
    flash is programmed in multiples of so many bytes. heap: of the interpreter, as its option
    wants it. app_at: the address of the firmware that the board comes with; None if the image
    holds nothing but the file system.
    """

    name: str
    blocks: int
    unit: int
    heap: str
    app_at: int | None = None


# What takes 0.55 to 0.7 bytes on a board takes one here (docs/figures.md), so this is less than
# what a Pico W has, and a Pico W has the least.
_HEAP = "176k"

# A Pico W, whose ROM programs whole pages: the 848 KiB of its file system.
RP2 = Port(protocol.RP2, blocks=212, unit=256, heap=_HEAP)
# A common ESP32: the whole chip of 4 MiB, with ota_0 of partitions-4MiB-ota.csv.
ESP32 = Port(protocol.ESP32, blocks=1024, unit=1, heap=_HEAP, app_at=0x10000)

PORTS = {port.name: port for port in (RP2, ESP32)}
