"""The access point of a soak and the Wi-Fi chip of its board (owner/network.py asks this side)."""

from collections.abc import Callable

from tools.soak.peer import Peer


class AccessPoint(Peer):
    """`with AccessPoint(carried) as wifi:`; carried(bool) is told whether datagrams pass.

    A board is in the network once it has asked to while the access point is on.
    """

    def __init__(self, carried: Callable[[bool], None]):
        super().__init__()
        self._carried = carried
        self._on = True  # the access point
        self._joined = False  # what the access point knows of the board
        self._believes = False  # what the chip believes of that
        self._active = False  # the chip
        self._hangs = False

    # What happens to it

    def lost(self) -> None:
        """It is out of reach, and the board notices."""
        self._on = self._joined = self._believes = False
        self._tell()

    def back(self) -> None:
        """It is there again. No board comes by itself."""
        self._on = True

    def restarted(self) -> None:
        """It has forgotten the board, whose chip goes on to say that all is well."""
        self._joined = False
        self._tell()

    def hang(self) -> None:
        """The board's chip does nothing any more until it is switched off."""
        self._hangs = True
        self._joined = self._believes = False
        self._tell()

    def answered(self, word: bytes) -> bytes:
        if word in (b"start", b"off"):
            self._hangs = self._active = False
        if word == b"on":
            self._active = True
        if word in (b"start", b"off", b"disconnect"):
            self._joined = self._believes = False
            self._tell()
        elif word == b"connect":
            if self._hangs or not self._active:
                return b"error"
            self._joined = self._believes = self._on
            self._tell()
        elif word == b"connected":
            return b"1" if self._believes else b"0"
        return b"1" if self._active else b"0"

    def _tell(self):
        self._carried(self._joined)
