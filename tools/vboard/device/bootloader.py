# The boot loader of an ESP32 with two app partitions, as ESP-IDF's with rollback enabled
# (components/bootloader_support/src/bootloader_utility.c), and the part of esp_ota_ops.c that
# shares its data.
#
# otadata is two blocks, each with one entry: sequence, label (unused), state, CRC of the sequence.
# The valid entry with the higher sequence s is active and names partition (s - 1) % 2.

import hashlib
import struct
from binascii import crc32

import vboard.protocol as protocol
from micropython import const

_BLOCK = const(protocol.BLOCK)

_NEW = const(0)  # states
_PENDING_VERIFY = const(1)
_VALID = const(2)
_INVALID = const(3)
_ABORTED = const(4)

_ENTRY = const("<I20sII")
_EMPTY = const(0xFFFFFFFF)
_APPS = const(2)
_MAGIC = const(0xE9)
_APP_DESCRIPTION = const(b"\x32\x54\xcd\xab")  # at offset 32 of an app, not of a boot loader
_SEGMENTS_MAX = const(16)


class OTAData:
    """The two entries, at a byte address of the chip."""

    def __init__(self, chip, address):
        self._chip = chip
        self._address = address
        self.entries = []  # [sequence, state, CRC is right]
        buf = bytearray(32)
        for n in range(2):
            chip.read(address + n * _BLOCK, buf)
            sequence, _, state, crc = struct.unpack(_ENTRY, buf)
            self.entries.append([sequence, state, crc == _crc(sequence)])

    def active(self):
        """Return the number of the active entry, or None."""
        valid = [n for n in range(2) if self._right(n) and not self._invalid(n)]
        return max(valid, key=lambda n: self.entries[n][0]) if valid else None

    def write(self, n, sequence, state):
        self.entries[n] = [sequence, state, True]
        data = struct.pack(_ENTRY, sequence, b"\xff" * 20, state, _crc(sequence))
        self._chip.erase(self._address // _BLOCK + n)
        self._chip.program(self._address + n * _BLOCK, data)

    def select(self):
        """Return the partition to start, moving states as at a reset; None: try them all."""
        for n, (sequence, state, _) in enumerate(self.entries):
            if state == _PENDING_VERIFY:  # it was started and did not confirm itself
                self.write(n, sequence, _ABORTED)
        if self._invalid(0) and self._invalid(1):
            return 0
        n = self.active()
        if n is None:
            return None
        sequence, state, _ = self.entries[n]
        if state == _NEW:
            self.write(n, sequence, _PENDING_VERIFY)
        return (sequence - 1) % _APPS

    def started(self, app):
        """Fill in an otadata that never held anything, or nothing readable."""
        if not self._right(0) and not self._right(1):
            self.write(0, app + 1, _VALID)

    def activate(self, app):
        """Let the next reset start this partition (esp_ota_set_boot_partition)."""
        n = self.active()
        if n is None:
            self.write(0, app + 1, _NEW)
        else:
            sequence = self.entries[n][0]
            if (sequence - 1) % _APPS != app:
                sequence += 1  # the next one that names the other of two partitions
            self.write(1 - n, sequence, _NEW)

    def confirm(self):
        """Return whether there is an active entry, which is VALID then."""
        n = self.active()
        if n is None:
            return False
        if self.entries[n][1] != _VALID:
            self.write(n, self.entries[n][0], _VALID)
        return True

    def _right(self, n):
        return self.entries[n][0] != _EMPTY and self.entries[n][2]

    def _invalid(self, n):
        sequence, state, _ = self.entries[n]
        return sequence == _EMPTY or state in (_INVALID, _ABORTED)


def _crc(sequence):
    return crc32(struct.pack("<I", sequence), _EMPTY)


def verify(chip, address, size, app=False):
    """Return whether an image is whole: magic, segments, appended SHA-256 (esp_image_verify).

    A boot loader's image passes, as it does on the chip; with app=True it does not.
    """
    header = bytearray(36)
    chip.read(address, header)
    if header[0] != _MAGIC or not 1 <= header[1] <= _SEGMENTS_MAX or header[23] != 1:
        return False
    if app and header[32:36] != _APP_DESCRIPTION:
        return False
    length = 24
    segment = bytearray(8)
    for _ in range(header[1]):
        if length + 8 > size:
            return False
        chip.read(address + length, segment)
        length += 8 + struct.unpack("<I", segment[4:])[0]
    length = (length + 16) // 16 * 16  # padding and the checksum byte
    if length + 32 > size:
        return False
    h = hashlib.sha256()
    buf = bytearray(_BLOCK)
    done = 0
    while done < length:
        part = memoryview(buf)[: min(_BLOCK, length - done)]
        chip.read(address + done, part)
        h.update(part)
        done += len(part)
    expected = bytearray(32)
    chip.read(address + length, expected)
    return h.digest() == expected
