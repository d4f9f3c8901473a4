# Commands to the device (ThingsBoard: server-side RPC): handlers, replies, repetitions.
#
# A command comes again if its acknowledgement was lost, or the reply to it. It is a repetition as
# long as the server has not taken the reply; after that the same command is a new one. The server
# counts from 0 again after a restart, so the id alone tells nothing.

import asyncio
from binascii import crc32

from coap import ResponseError
from micropython import const

from . import memory

_REPEAT_MS = const(247_000)  # EXCHANGE_LIFETIME: later than that nothing is a repetition
_COMMANDS = const(10)  # known at a time: their handlers run, or the server has no reply yet
_BYTES = const(3072)  # of what came and of what goes out, all commands together; one may have more
_RESERVE = const(16384)  # bytes of free memory, below which no command is begun
_HANDLER_MS = const(60_000)
_REPLIES = const(3)  # on their way at a time: each takes some 3 KB of RAM, a waiting one 1 KB
_TRIES = const(3)  # to hand over a reply: the server is silent, or busy
_PAUSE_MS = const(2000)  # between them
_SERVER_ERROR = const(0xA0)  # 5.00; what is below is the server's last word


class Command:
    """A command that came, known by the CRC32 of its payload."""

    reply = None  # the payload; None while the handler runs
    action = None  # what is to be done once the server has the reply
    busy = True  # its handler runs, or its reply is on its way
    taken_ms = None  # when the server had taken the reply

    def __init__(self, crc, came_ms, size):
        self.crc = crc
        self.came_ms = came_ms
        self.size = size  # bytes of RAM that it holds, about


class Commands:
    """Runs the handlers of commands, each command once.

    handlers has them by method; handler_ms is how long an async one may take. codec reads commands
    and writes replies; clock is a Clock; send(id, payload) is a coroutine that has returned when
    the server has the reply; report(what, error) takes what goes wrong. refused counts commands
    that came while too many were under way, or memory was short. again_ms: for so long after its
    reply was taken the same command is still no new one.
    """

    refused = 0
    again_ms = 0

    def __init__(self, codec, clock, send, report):
        self.handlers = {}
        self.handler_ms = _HANDLER_MS
        self.codec = codec
        self._clock = clock
        self._send = send
        self.report = report
        self._recent = []  # commands, oldest first
        self._replying = 0  # replies on their way
        self._replied = asyncio.Event()

    @property
    def busy(self):
        """Whether a handler runs, or a reply is on its way."""
        return any([command.busy for command in self._recent])

    def admit(self, payload):
        """Return the Command that a payload is, or None: nothing is to be done.

        That is an empty payload (the answer to a registration), a repetition of what is busy, and
        what is beyond the bounds: the caller on the server gets no answer then, because answers
        take memory as well. What is returned is busy until obey() has ended, or done().
        """
        if not payload:
            return
        recent = self._recent
        now = self._clock.uptime_ms()
        crc = crc32(payload)
        for known in recent:
            if known.crc == crc and now - known.came_ms < _REPEAT_MS:
                if known.busy:
                    return
                if known.taken_ms is None:
                    known.busy = True
                    return known
                if now - known.taken_ms < self.again_ms:
                    return
                recent.remove(known)
                break
        size = len(payload)
        while recent and (len(recent) == _COMMANDS or self._bytes() + size > _BYTES):
            for old in recent:
                if not old.busy:  # the server never took its reply
                    recent.remove(old)
                    break
            else:
                self.refused += 1
                return
        if memory.is_short(_RESERVE):
            self.refused += 1
            return
        command = Command(crc, now, size)
        recent.append(command)
        return command

    async def take(self, payload):
        """Take a command: run its handler and send the reply; what goes wrong is reported.

        A repetition gets the reply that the command had.
        """
        command = self.admit(payload)
        if command:
            await self.obey(command, payload)

    async def obey(self, command, payload):
        """Do what an admitted command says; reports what goes wrong."""
        try:
            id = await self._run(command, payload)
            payload = None  # it may be large, and the server slow
            try:
                await self._hand_over(id, command.reply)
                if self.again_ms:
                    command.taken_ms = self._clock.uptime_ms()
                    command.reply = None
                    command.size = 0
                else:
                    self._forget(command)
            finally:
                # The server has the reply, or will not take it.
                action = command.action
                command.action = None
                if action:
                    action()
        except Exception as error:
            self.report("rpc", error)
        finally:
            self.done(command)

    def done(self, command):
        """Note that nothing more is done for a command now; its reply is kept if it has one."""
        command.busy = False
        if not command.reply and command.taken_ms is None:  # no command, or memory was short
            self._forget(command)

    async def _run(self, command, payload):
        # Run the handler unless there is a reply; return the id. What the caller sent is not
        # referred to after that, not even by what is left on obey()'s stack.
        fields = self.codec.decode("command", payload)
        if not command.reply:
            method = str(fields.get("method"))
            try:
                values = await self._handled(command, method, fields.get("params"))
                reply = self.codec.encode("reply", values)
            except Exception as error:
                # Only the kind goes out: the text may hold what nobody else is to see.
                self.report(method, error)
                reply = self.codec.encode("reply", {"error": type(error).__name__})
            command.size = len(reply)
            command.reply = reply
        return fields.get("id")

    async def _handled(self, command, method, params):
        # Return what the handler says.
        if method not in self.handlers:
            return {"error": "no such method"}
        values = self.handlers[method](params)
        if hasattr(values, "send"):  # a coroutine
            values = await asyncio.wait_for_ms(values, self.handler_ms)
        if isinstance(values, tuple):
            values, command.action = values
        if values is None:
            return {}
        return values if isinstance(values, dict) else {"error": "the handler returned no dict"}

    async def _hand_over(self, id, reply):
        while self._replying == _REPLIES:
            self._replied.clear()
            await self._replied.wait()
        self._replying += 1
        try:
            for left in range(_TRIES - 1, -1, -1):
                try:
                    return await self._send(id, reply)
                except (OSError, ResponseError) as error:
                    if not left or 0 < getattr(error, "code", 0) < _SERVER_ERROR:
                        raise
                await asyncio.sleep_ms(_PAUSE_MS)
        finally:
            self._replying -= 1
            self._replied.set()

    def _bytes(self):
        return sum([command.size for command in self._recent])

    def _forget(self, command):
        if command in self._recent:
            self._recent.remove(command)
