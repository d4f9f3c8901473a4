# A package, read as a stream, sans-I/O: the header (header.py), then the payload.
#
# The signature is checked before the manifest is parsed; the manifest, and all else that can
# refuse, before the slot changes anything.

import json
from binascii import crc32

from micropython import const

from . import Refused
from .header import MANIFEST_AT, files, length, line_end, verify

# What a file name may consist of.
_NAME = const("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")
_TAKEN = const("PACKAGE")  # the header, beside the files of an application


def parse(header):
    """Return the manifest of a header as a dict. Raises Refused if it is not well-formed.

    title, version, kind: strings. boards: list of strings. sequence: int. The contents of the
    files (header.files), one after the other, are the payload. Added are: size, that of the
    payload; header, the bytes; id, their CRC32, by which a Trial knows the package again.
    """
    try:
        manifest = json.loads(header[MANIFEST_AT : line_end(header, MANIFEST_AT)])
        texts = [manifest["title"], manifest["version"], manifest["kind"]]
        counts = [manifest["sequence"]]
        size = 0
        for name, n, _ in files(header):
            odd = name.strip(_NAME) or ".." in name or "//" in "/" + name + "/"
            if odd or name == _TAKEN:
                raise ValueError(name)
            counts.append(n)
            size += n
        for text in texts + manifest["boards"]:
            if type(text) is not str:
                raise ValueError(text)
        for n in counts:
            if type(n) is not int or n < 0:
                raise ValueError(n)
        if not size:
            raise ValueError("empty")
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise Refused("the manifest is wrong: %r" % e)
    manifest["size"] = size
    manifest["header"] = header
    manifest["id"] = crc32(header)
    return manifest


class Image:
    """One package on its way into a slot.

    offset is the next byte of the package that is wanted. size counts all of them. Feed from
    offset until it equals size; then slot.finish(). The phases, in their order:

    phase     size          offset       what is true
    header    None          0 and more   the slot was not begun: the header is not complete
    payload   that of all   below size   the header is right, the slot begun: bytes go there
    complete  that of all   size         the slot has all bytes; more would be refused

    title, version and size are those that were assigned (None: whatever the manifest says).
    """

    def __init__(self, keys, slot, title=None, version=None, size=None):
        self.offset = 0
        self.size = None
        self._keys = keys
        self._slot = slot
        self._assigned = title, version, size
        # The header has its place in memory once its length is known: parts of it that wait, and
        # are joined in the end, take twice its size.
        self._start = b""  # until then what came of it
        self._header = None
        self._filled = 0  # bytes of it

    def feed(self, offset, data):
        """Take the package's bytes from offset on, which may start before the one wanted.

        Afterwards self.offset may be beyond what was fed: a download goes on where it ended.
        Raises Refused.
        """
        data = memoryview(data)[self.offset - offset :]
        self.offset += len(data)
        try:
            if self.size is None:
                data = self._gather(data)
                header = self._verified()
                if not header:
                    return
                data = self._begin(header, data)
            if self.offset > self.size:
                raise Refused("longer than its manifest says")
            self._slot.write(data)
        except OSError as e:
            raise Refused("the flash says %r" % e)

    def _gather(self, data):
        # Put bytes into the header; return those that follow it.
        header = self._header
        if header is None:
            self._start += data
            if len(self._start) < MANIFEST_AT:
                return b""
            data = memoryview(self._start)
            self._start = b""
            self._header = header = bytearray(length(data))
        n = min(len(data), len(header) - self._filled)
        header[self._filled : self._filled + n] = data[:n]
        self._filled += n
        return data[n:]

    def _verified(self):
        # The whole header; None while bytes of it are missing.
        header = self._header
        if header is None:
            return None
        if self._filled < len(header):
            return self._stored_header()
        verify(header, self._keys)
        return header

    def _stored_header(self):
        # The slot's, if it has the same signature: a download was begun earlier. Else None.
        if not self._slot.holds(self._header[:MANIFEST_AT], False):
            return None
        header = self._slot.stored()
        try:
            verify(header, self._keys)
        except Refused:  # damaged: what is downloaded decides
            return None
        return header

    def _begin(self, header, payload):
        # Begin the slot; return what came of the payload already and is not in it.
        self._header = None
        manifest = parse(header)
        size = len(header) + manifest["size"]
        found = manifest["title"], manifest["version"], size
        for assigned, value in zip(self._assigned, found):
            if assigned not in (None, value):
                raise Refused("%s was assigned, this is %s" % (assigned, value))
        done = self._slot.begin(manifest)
        payload = payload[done:]
        self.offset = len(header) + done + len(payload)
        self.size = size
        return payload
