"""UF2, the form in which a Pico's boot loader takes flash: blocks that each name their address.

Source: Microsoft's UF2 specification; the families are those of the RP2040 and RP2350 data sheets.
"""

import struct
from dataclasses import dataclass

BLOCK = 512
PAYLOAD = 256  # what the boot loaders of both chips take
FLASH = 0x10000000  # the address of flash in both chips

_HEAD = struct.Struct("<8I")
_MAGICS = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
_HAS_FAMILY = 0x2000
# An RP2350's image begins with one block of this family, which is counted on its own: without it
# the chip's boot loader may erase flash that it should not (erratum E10).
_ABSOLUTE = 0xE48BFF57


@dataclass(frozen=True)
class Block:
    """What one block writes, and where. count: how many blocks its file is said to have."""

    address: int
    data: bytes
    family: int | None
    number: int
    count: int


def split(data: bytes, address: int, family: int) -> list[Block]:
    """Return the blocks that write data, padded as erased flash, at an address of the chip."""
    parts = range(0, len(data), PAYLOAD)
    return [
        Block(address + at, data[at : at + PAYLOAD].ljust(PAYLOAD, b"\xff"), family, number, 0)
        for number, at in enumerate(parts)
    ]


def encode(blocks: list[Block]) -> bytes:
    """Return the file of these blocks, numbered anew: several files become one."""
    special = [block for block in blocks if block.family == _ABSOLUTE]
    normal = [block for block in blocks if block.family != _ABSOLUTE]
    file = [_encode(block, block.number, block.count) for block in special]
    file += [_encode(block, number, len(normal)) for number, block in enumerate(normal)]
    return b"".join(file)


def decode(file: bytes) -> list[Block]:
    """Return the blocks of a file. Raises ValueError: it is no UF2, or not a whole one."""
    if len(file) < BLOCK or _HEAD.unpack_from(file)[:2] != _MAGICS:
        raise ValueError("no UF2 file; take the .uf2 from the board's page at micropython.org")
    if len(file) % BLOCK:
        raise ValueError(f"cut off: {len(file)} bytes are no whole blocks; get the file again")
    blocks = [_decode(file, at) for at in range(0, len(file), BLOCK)]
    normal = [block for block in blocks if block.family != _ABSOLUTE]
    count = normal[0].count if normal else 0
    if [(block.number, block.count) for block in normal] != [(n, count) for n in range(count)]:
        raise ValueError(f"cut off: {len(normal)} of {count} blocks; get the file again")
    return blocks


def check(blocks: list[Block], family: int, flash_size: int) -> None:
    """Raise ValueError unless all blocks are for this family and lie in this much flash."""
    for block in blocks:
        if block.family == _ABSOLUTE:
            continue
        if block.family != family:
            found = "no family" if block.family is None else f"family {block.family:#x}"
            raise ValueError(f"for another chip: {found}, the board has {family:#x}")
        end = block.address + len(block.data)
        if block.address < FLASH or end > FLASH + flash_size:
            raise ValueError(
                f"writes at {block.address:#x}, outside of the board's {flash_size} bytes of flash"
            )


def _encode(block, number, count):
    flags, family = (0, 0) if block.family is None else (_HAS_FAMILY, block.family)
    head = _HEAD.pack(*_MAGICS, flags, block.address, len(block.data), number, count, family)
    return (head + block.data).ljust(BLOCK - 4, b"\0") + struct.pack("<I", _MAGIC_END)


def _decode(file, at):
    *magics, flags, address, size, number, count, family = _HEAD.unpack_from(file, at)
    (end,) = struct.unpack_from("<I", file, at + BLOCK - 4)
    if tuple(magics) != _MAGICS or end != _MAGIC_END or size > BLOCK - _HEAD.size - 4:
        raise ValueError(f"damaged at byte {at}; get the file again")
    data = file[at + _HEAD.size : at + _HEAD.size + size]
    return Block(address, data, family if flags & _HAS_FAMILY else None, number, count)
