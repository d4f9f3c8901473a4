# A JSON object that is larger than memory, member by member as its bytes come. Sans-I/O.

import json

from coap import TransferError
from micropython import const

_VALUE = const(4096)  # bytes of a member that is kept
_TOTAL = const(16384)  # bytes of all that are
_DEPTH = const(32)  # of a value; MicroPython's parser has a small stack
_SKIPPED = const(32)  # names that are told


class Members:
    """Takes an object in pieces: values has what fits, skipped the names of what does not."""

    def __init__(self):
        self.values = {}
        self.skipped = []
        self._text = bytearray()  # of the name, or of the value, that is being read
        self._name = None
        self._depth = 0
        self._quoted = self._escaped = self._over = False
        self._left = _TOTAL

    def feed(self, data):
        """Take the next bytes. Raises TransferError for what is no object."""
        for byte in data:
            self._take(byte)

    def end(self):
        """All has come. Raises TransferError if the object is not whole."""
        if self._depth or self._quoted:
            raise TransferError("the server's JSON is cut")

    def _take(self, byte):
        if self._quoted:
            if self._escaped:
                self._escaped = False
            elif byte == 0x5C:  # a backslash
                self._escaped = True
            elif byte == 0x22:
                self._quoted = False
        elif byte == 0x22:
            self._quoted = True
        elif byte in b" \t\r\n":
            return
        elif byte in b"{[":
            self._depth += 1
            self._over = self._over or self._depth > _DEPTH
            if self._depth == 1 and byte == 0x7B:
                return
            if self._depth == 1:
                self._depth = 0  # another thing than an object
        elif byte == 0x3A and self._depth == 1 and self._name is None:
            self._name = self._parsed()
            if not isinstance(self._name, str):
                raise TransferError("the server's JSON has a name that is none")
            return
        elif byte == 0x2C and self._depth == 1:
            return self._end()
        elif byte in b"}]":
            self._depth -= 1
            if not self._depth:
                return self._end()
        if not self._depth:
            raise TransferError("the server's JSON is no object")
        # A name always has room: the next value has to be found.
        most = _VALUE if self._name is None else min(_VALUE, self._left)
        self._over = self._over or len(self._text) >= most
        try:
            if not self._over:
                self._text.append(byte)
        except MemoryError:
            self._over = True
            self._text = bytearray()

    def _end(self):
        # A comma or the last brace: the member is whole.
        if self._name is not None:
            size = len(self._text)
            try:
                if not self._over:
                    self.values[self._name] = self._parsed()
                    self._left -= size
            except MemoryError:
                self._over = True
            if self._over:
                self._text = bytearray()
                if len(self.skipped) < _SKIPPED:
                    self.skipped.append(self._name)
        self._name = None
        self._over = False

    def _parsed(self):
        text = bytes(self._text)
        self._text = bytearray()
        try:
            return json.loads(text)
        except ValueError:
            raise TransferError("the server's payload is no JSON")
