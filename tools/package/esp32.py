"""An ESP32 application image (`.app-bin`, `micropython.bin`), and what is often mistaken for one.

The layout is ESP-IDF's esp_image_header_t, esp_image_segment_header_t and esp_app_desc_t
(esp_app_format.h).
"""

import re
import struct

import esptool
from esptool.bin_image import LoadFirmwareImage

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
    if not is_whole(data, chip):
        raise PackageError("the image is cut off or damaged; build or download it again")


def is_whole(data: bytes, chip: str) -> bool:
    """Return whether data begins with an image whose checksum and SHA-256, if any, are right."""
    try:
        image = LoadFirmwareImage(chip, data)
    except (esptool.FatalError, RuntimeError, struct.error, IndexError, TypeError, ValueError):
        # Damage shows as any of these in esptool's parser.
        return False
    if image.append_digest and image.stored_digest != image.calc_digest:
        return False
    return image.checksum == image.calculate_checksum()
