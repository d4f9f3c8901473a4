"""The flash chip of a virtual board: an image file, and how often each block was erased."""

import struct
from pathlib import Path

from tools.vboard.protocol import BLOCK


class Flash:
    """The files of one chip; the file `<image>.wear` holds a 32-bit erase counter per block."""

    def __init__(self, image: Path, blocks: int):
        self.image = Path(image).resolve()
        self.wear_file = self.image.with_name(self.image.name + ".wear")
        self.blocks = blocks

    def erase(self) -> None:
        """Make it as it left the factory."""
        self.image.parent.mkdir(parents=True, exist_ok=True)
        self.image.write_bytes(b"\xff" * (BLOCK * self.blocks))
        self.wear_file.write_bytes(bytes(4 * self.blocks))

    def write(self, address: int, data: bytes) -> None:
        """Put data on the chip as a programmer on a bench does."""
        with self.image.open("r+b") as file:
            file.seek(address)
            file.write(data)

    def copy(self, image: Path) -> "Flash":
        """Return another chip with the same content and wear."""
        other = Flash(image, self.blocks)
        other.image.parent.mkdir(parents=True, exist_ok=True)
        other.image.write_bytes(self.image.read_bytes())
        other.wear_file.write_bytes(self.wear_file.read_bytes())
        return other

    def wear(self) -> list[int]:
        """Return how often each block was erased."""
        return list(struct.unpack(f"<{self.blocks}I", self.wear_file.read_bytes()))
