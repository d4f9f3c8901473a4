# Unix time without NTP: from the board's clock if somebody set it, else from the server.

import time

from micropython import const

_YEAR = const(2025)  # boards without a clock start in 2000 (ESP32) or 2021 (RP2)
_TIMEOUT_MS = const(20_000)


class Clock:
    """Unix milliseconds, once they are known. Ints only: a board's float holds seven digits."""

    def __init__(self, board=time):
        self._board = board  # the time module
        self._last = board.ticks_ms()
        self._uptime_ms = 0
        self._start_ms = None  # Unix time when uptime was 0

    def uptime_ms(self):
        """Return milliseconds since the start; right if called at least once in 6 days."""
        now = self._board.ticks_ms()
        self._uptime_ms += self._board.ticks_diff(now, self._last)
        self._last = now
        return self._uptime_ms

    def at(self, uptime_ms):
        """Return the Unix time in milliseconds of an uptime, or None while the time is unknown."""
        if self._start_ms is not None:
            return self._start_ms + uptime_ms

    def now_ms(self):
        """Return the Unix time in milliseconds, or None while it is unknown."""
        return self.at(self.uptime_ms())

    def set(self, unix_ms):
        self._start_ms = unix_ms - self.uptime_ms()

    async def sync(self, client):
        """Take the board's time, or else the server's: GET /efento/t, four bytes of seconds.

        Raises OSError and ResponseError.
        """
        board = self._board
        if board.gmtime()[0] >= _YEAR:
            epoch_s = 946684800 if board.gmtime(0)[0] == 2000 else 0
            self.set(board.time_ns() // 1_000_000 + epoch_s * 1000)
            return
        response = await client.get("efento/t", timeout_ms=_TIMEOUT_MS)
        # The second has passed by half, on the average.
        self.set(int.from_bytes(response.payload, "big") * 1000 + 500)
