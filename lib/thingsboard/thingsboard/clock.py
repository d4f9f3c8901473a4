# Unix time without NTP: the board's clock and the server's, weighed against each other.
#
# Where the two agree the board's counts, as it has milliseconds; else the server's does. A jump
# that only one of them tells of is believed when a second look finds it again; until then the
# time is unknown, so that records wait for it.

import asyncio
import time

from micropython import const

YEAR = const(2025)  # of the build: no clock that shows an earlier one was ever set
_YEAR_S = const(31556952)
_EPOCH_2000_S = const(946684800)

_TIMEOUT_MS = const(20_000)
_FRESH_TIMEOUT_MS = const(5000)  # telemetry waits for that look
_FRESH_MS = const(4000)  # so old may a look be when telemetry is sent
_SECOND_LOOK_MS = const(30_000)  # after the first that told of a jump

_EXACT_MS = const(2000)  # the server tells whole seconds: less is no difference
_NEAR_MS = const(60_000)  # as clocks differ that were both set
_DRIFT = const(10)  # a tenth of what was counted asleep: slow oscillators may be so wrong
_ZONE_MS = const(900_000)  # time zones differ by quarters of an hour
_ZONE_MAX_MS = const(14 * 3600_000)


class Clock:
    """Unix milliseconds, once they are known. Ints only: a board's float holds seven digits."""

    def __init__(self, board=time):
        self._board = board  # the time module
        self._last = board.ticks_ms()
        self._uptime_ms = 0
        self._start_ms = None  # Unix time when uptime was 0
        self._wrong_ms = 0  # how far the board's clock is ahead of the server's
        self._jump_ms = None  # another _start_ms that one look told of; None without a doubt
        self._jumped = 0  # uptime of that look
        self._answered = None  # uptime of the server's last answer; None after a failure
        self._board_ms = 0  # what the board's clock showed then; it goes on even if never set
        self._stops = False  # whether the ticks were seen to stand still, as in light sleep
        self._near_ms = _NEAR_MS  # less is drift, more is a jump
        self._slept = False  # the board's clock has gone on by a slow oscillator

    def uptime_ms(self):
        """Return milliseconds since the start; right if called at least once in 6 days."""
        now = self._board.ticks_ms()
        self._uptime_ms += self._board.ticks_diff(now, self._last)
        self._last = now
        return self._uptime_ms

    def at(self, uptime_ms):
        """Return the Unix time in milliseconds of an uptime; None while unknown or in doubt."""
        if self._start_ms is not None and self._jump_ms is None:
            return self._start_ms + uptime_ms

    def now_ms(self):
        """Return the Unix time in milliseconds; None while it is unknown or in doubt."""
        return self.at(self.uptime_ms())

    def resume(self, uptime_ms, start_ms, unsure_ms):
        """Go on through a deep sleep: uptime, and the time if it was known, are what they were.

        uptime_ms: at the end of the sleep; start_ms: what at(0) returned before, or None;
        unsure_ms: for how long, asleep for the most part, nobody has looked at the server's time.
        That may differ by a tenth of it, and counts more than the board's from now on.
        """
        self._slept = True
        self.uptime_ms()  # what went by until now is part of that sleep
        self._uptime_ms = uptime_ms
        self._start_ms = start_ms
        self._near_ms = _NEAR_MS + unsure_ms // _DRIFT

    def set(self, unix_ms):
        self._start_ms = unix_ms - self.uptime_ms()
        self._jump_ms = None

    async def sync(self, client, timeout_ms=_TIMEOUT_MS):
        """Look at the board's time and the server's: GET /efento/t, four bytes of seconds.

        Returns whether that is settled; else look again in 30 s or more: a jump waits for a
        second look, or there was only the board's time. Without that raises what client.get()
        does, and ValueError for an answer that is no time.
        """
        begun = self.uptime_ms()
        try:
            response = await client.get("efento/t", timeout_ms=timeout_ms)
            server_ms = _read(response.payload)
        except Exception:
            self._answered = None
            board_ms = self._board_start_ms()
            if board_ms is None:
                if self._start_ms is not None:
                    self._jump_ms = None  # a doubt that nobody can settle ends
                raise
            self._take(board_ms - self._wrong_ms, self._start_ms is None)
            return False
        now = self.uptime_ms()
        self._answered = now
        self._board_ms = self._board.time_ns() // 1_000_000
        # The answer was on its way for about half of the time, and its second half over.
        self._weigh(server_ms + 500 + (now - begun) // 2 - now)
        return self._jump_ms is None

    async def refresh(self, client):
        """Look at the server's time if the ticks may have stopped since the last look.

        For the moment before telemetry is sent: in light sleep the ticks of some boards stand
        still. As long as the board's clock has gone on with them they have not; else only the
        server can tell. After a look that failed it does nothing until a sync() has gone well, and
        it raises nothing. A doubt it waits for.
        """
        while self._answered is not None:
            now = self.uptime_ms()
            if self._jump_ms is not None:
                await asyncio.sleep_ms(max(0, self._jumped + _SECOND_LOOK_MS - now))
            elif now - self._answered < _FRESH_MS or self._went_on(now):
                break
            try:
                await self.sync(client, _FRESH_TIMEOUT_MS)
            except Exception:
                pass  # the loop ends

    def _went_on(self, now):
        # Whether the board's clock says that the ticks have gone on since the last look.
        board_ms = self._board.time_ns() // 1_000_000 - self._board_ms
        return abs(board_ms - (now - self._answered)) <= _EXACT_MS

    def _board_start_ms(self):
        # When the board was started, by its own clock; None if that was never set.
        board = self._board
        if board.gmtime()[0] >= YEAR:
            epoch_s = _EPOCH_2000_S if board.gmtime(0)[0] == 2000 else 0
            return board.time_ns() // 1_000_000 + epoch_s * 1000 - self.uptime_ms()

    def _weigh(self, server_ms):
        # Decide between the clocks; server_ms is when the board was started, by the server's.
        board_ms = self._board_start_ms()
        if board_ms is None or self._slept:
            self._take(server_ms, self._start_ms is None)
            return
        wrong_ms = board_ms - server_ms
        if abs(wrong_ms) <= _NEAR_MS:
            self._wrong_ms = 0
            self._take(board_ms, True)
            return
        agreed = abs(wrong_ms - self._wrong_ms) <= _NEAR_MS  # it is as wrong as it was
        self._take(server_ms, agreed or self._start_ms is None and _is_zone(wrong_ms))
        if self._jump_ms is None:
            self._wrong_ms = wrong_ms

    def _take(self, start_ms, sure):
        # Believe a time, leave it, or doubt.
        known_ms = self._start_ms
        jump_ms = self._jump_ms
        self._jump_ms = None
        ahead_ms = None if known_ms is None else start_ms - known_ms
        if ahead_ms is not None and abs(ahead_ms) <= _EXACT_MS:
            return
        near = ahead_ms is not None and abs(ahead_ms) <= self._near_ms
        ahead = ahead_ms is not None and ahead_ms > 0
        if not (sure or near or ahead and self._stops):
            again = jump_ms is not None and abs(start_ms - jump_ms) <= _NEAR_MS
            if ahead and jump_ms is not None and start_ms > jump_ms > known_ms:
                again = True  # asleep once more
            if not again or self.uptime_ms() - self._jumped < _SECOND_LOOK_MS:
                if again:
                    self._jump_ms = jump_ms
                elif jump_ms is None or known_ms is None:
                    self._jump_ms = start_ms
                    self._jumped = self.uptime_ms()
                return  # else two looks told of two times: what is known stays
        self._stops = self._stops or ahead and not near
        self._start_ms = start_ms
        self._near_ms = _NEAR_MS


def _read(payload):
    # The server's Unix time in milliseconds. Raises ValueError if it is none.
    seconds = int.from_bytes(payload, "big")
    if len(payload) != 4 or 1970 + seconds // _YEAR_S < YEAR:
        raise ValueError("the server's time is none")
    return seconds * 1000


def _is_zone(ms):
    # Whether a clock that is so wrong shows local time.
    off_ms = (ms + _NEAR_MS) % _ZONE_MS
    return abs(ms) <= _ZONE_MAX_MS + _NEAR_MS and off_ms <= 2 * _NEAR_MS
