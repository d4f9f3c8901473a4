"""An ESP32 application image (`.app-bin`) that a boot loader takes, with nothing in it to run.

The format is ESP-IDF's: esp_image_header_t, one segment that begins with esp_app_desc_t, padding
with a checksum byte, SHA-256 of all that.
"""

import hashlib
import random
import struct

CHIP_ESP32 = 0
_MAGIC = 0xE9
_DESCRIPTION_MAGIC = 0xABCD5432
_CHECKSUM_SEED = 0xEF
_LOAD_ADDRESS = 0x3F400020  # flash mapped as data
_ENTRY_ADDRESS = 0x40080000


def app_image(version: str, size: int = 65536, chip_id: int = CHIP_ESP32) -> bytes:
    """Return an image of about this many bytes; the same for the same arguments."""
    description = struct.pack(
        "<II8x32s32s16s16s32s32s80x",
        _DESCRIPTION_MAGIC,
        0,
        version.encode(),
        b"micropython",
        b"00:00:00",
        b"Jan  1 2026",
        b"v5.5.1",
        hashlib.sha256(version.encode()).digest(),
    )
    body = random.Random(version).randbytes(max(0, size - 320) // 4 * 4)
    segment = description + body
    header = struct.pack("<BBBBI", _MAGIC, 1, 2, 0x20, _ENTRY_ADDRESS)
    header += struct.pack("<4xHBHH4xB", chip_id, 0, 0, 0xFFFF, 1)
    image = header + struct.pack("<II", _LOAD_ADDRESS, len(segment)) + segment
    checksum = _CHECKSUM_SEED
    for byte in segment:
        checksum ^= byte
    image += bytes(-(len(image) + 1) % 16) + bytes([checksum])
    return image + hashlib.sha256(image).digest()
