# The update container, read as a stream, sans-I/O (docs/updates.md draws it byte by byte):
#
#   magic 4 | header length 2 | key id 4 | signature 384 | manifest | payload
#   `------------- header: at most 4096 bytes -----------------'
#
# The signature covers the header without itself. It is checked before the manifest is parsed; the
# manifest, and all else that can refuse, before the slot changes anything.

import json

from micropython import const

from . import Refused
from .verify import verify

_HEADER_MAX = const(4096)
_SIGNATURE = const(10)
_MANIFEST = const(394)
_NAME = const("abcdefghijklmnopqrstuvwxyz0123456789_./")  # what a file name may consist of


def parse(header):
    """Return the manifest of a header as a dict. Raises Refused if it is not well-formed.

    title, version, kind: strings. boards: list of strings. sequence: int. files: list of
    [name, bytes, SHA-256 in base64]; their contents, one after the other, are the payload.
    Added are: size, that of the payload; header, the bytes; id, an int no other package has.
    """
    try:
        m = json.loads(header[_MANIFEST:])
        "".join([m["title"], m["version"], m["kind"]] + m["boards"])
        _count(m["sequence"])
        size = 0
        for name, n, _ in m["files"]:
            if name.strip(_NAME) or ".." in name or "//" in "/" + name + "/":
                raise ValueError(name)
            size += _count(n)
        if not size:
            raise ValueError("empty")
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise Refused("the manifest is wrong: %r" % e)
    m["size"] = size
    m["header"] = header
    m["id"] = int.from_bytes(header[_SIGNATURE : _SIGNATURE + 7], "big")
    return m


def _count(n):
    if type(n) is not int or n < 0:
        raise ValueError(n)
    return n


class Image:
    """One container on its way into a slot.

    offset is the next byte of the container that is wanted; size counts all of them, and is None
    until the header is complete. Feed from offset until it equals size; then slot.finish().

    title, version and size are those that were assigned (None: whatever the manifest says).
    """

    def __init__(self, keys, slot, title=None, version=None, size=None):
        self.offset = 0
        self.size = None
        self._keys = keys
        self._slot = slot
        self._assigned = title, version, size
        self._head = bytearray()  # all bytes so far, while the header is incomplete

    def feed(self, offset, data):
        """Take the container's bytes from offset on, which may start before the one wanted.

        Afterwards self.offset may be beyond what was fed: a download goes on where it ended.
        Raises Refused.
        """
        data = memoryview(data)[self.offset - offset :]
        self.offset += len(data)
        try:
            if not self.size:
                data = self._open(data)
                if not self.size:
                    return
            if self.offset > self.size:
                raise Refused("longer than its manifest says")
            self._slot.write(data)
        except OSError as e:
            raise Refused("the flash says %r" % e)

    def _open(self, data):
        # Take bytes of the header. When it is complete, set size and return the payload's bytes.
        head = self._head
        head.extend(data)
        if len(head) < _MANIFEST:
            return
        length = head[4] << 8 | head[5]
        if head[:4] != b"ABU1" or not _MANIFEST < length <= _HEADER_MAX:
            raise Refused("this is no update package")
        if len(head) < length:
            # An equal signature means an equal header: that of a download begun earlier.
            stored = self._slot.stored()
            if stored[:_MANIFEST] != head[:_MANIFEST]:
                return
            try:
                verify(stored, self._keys)
            except Refused:  # damaged: what is downloaded decides
                return
            head = stored
        header = bytes(head[:length])
        verify(header, self._keys)
        m = parse(header)
        size = length + m["size"]
        for assigned, value in zip(self._assigned, (m["title"], m["version"], size)):
            if assigned not in (None, value):
                raise Refused("%s was assigned, this is %s" % (assigned, value))
        start = length + self._slot.begin(m)
        data = memoryview(head)[start:]
        self.offset = start + len(data)
        self.size = size
        self._head = None
        return data
