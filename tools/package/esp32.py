"""An ESP32 application image (`.app-bin`, `micropython.bin`), and what is often mistaken for one.

The layout is ESP-IDF's esp_image_header_t, esp_image_segment_header_t and esp_app_desc_t
(esp_app_format.h).
"""

import hashlib
import re
import struct

from tools.package.container import PackageError

IMAGE_MAGIC = 0xE9
APP_MAGIC = 0xABCD5432
APP_MAGIC_AT = 32  # behind the image header (24 bytes) and that of the first segment (8)

CHIPS = {
    0: "esp32",
    2: "esp32s2",
    5: "esp32c3",
    9: "esp32s3",
    12: "esp32c2",
    13: "esp32c6",
    16: "esp32h2",
    18: "esp32p4",
    23: "esp32c5",
}


def chip_of_board(board: str) -> str:
    """Return the chip that a board's name tells: ESP32_GENERIC_S3 has an esp32s3."""
    match = re.search(r"(?:^|_|ESP32)(S2|S3|C2|C3|C5|C6|H2|P4)(?=_|-|$)", board)
    return "esp32" + (match[1].lower() if match else "")


def check(data: bytes, chip: str) -> None:
    """Raise PackageError unless this is a whole application image for the chip."""
    if len(data) < APP_MAGIC_AT + 4 or data[0] != IMAGE_MAGIC:
        raise PackageError("no ESP32 image: it does not begin with E9")
    (found,) = struct.unpack_from("<H", data, 12)
    if CHIPS.get(found) != chip:
        name = CHIPS.get(found, f"an unknown chip ({found})")
        raise PackageError(f"the image is for {name}, the board has {chip}; see --chip")
    if struct.unpack_from("<I", data, APP_MAGIC_AT) != (APP_MAGIC,):
        raise PackageError(
            "no application: this looks like a merged firmware.bin, which begins with the boot "
            "loader and would not start; take the .app-bin of the same build"
        )
    end = _end(data)
    if end > len(data):
        raise PackageError(f"the image is cut off: {len(data)} of {end} bytes")
    if data[23] and hashlib.sha256(data[: end - 32]).digest() != data[end - 32 : end]:
        raise PackageError("the image is damaged: its own SHA-256 does not match")


def _end(data: bytes) -> int:
    # Segments, a checksum that ends a row of 16 bytes, then a SHA-256 if the header says so.
    position = 24
    for _ in range(data[1]):
        if position + 8 > len(data):
            return position + 8
        position += 8 + struct.unpack_from("<I", data, position + 4)[0]
    return (position + 16) // 16 * 16 + 32 * bool(data[23])
