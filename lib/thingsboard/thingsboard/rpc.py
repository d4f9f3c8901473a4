# Commands to the device (ThingsBoard: server-side RPC): handlers, replies, repetitions.

from binascii import crc32

from micropython import const

_REPEAT_MS = const(247_000)  # EXCHANGE_LIFETIME: the same command again within it is a repetition
_REPLIES = const(8)  # kept for repetitions; no more commands than that run at a time


class Command:
    """A command that came, known by the CRC32 of its payload."""

    reply = None  # the payload; None while the handler runs
    action = None  # what is to be done once the server has the reply

    def __init__(self, crc, came_ms):
        self.crc = crc
        self.came_ms = came_ms


class Commands:
    """Runs the handlers of commands, each command once.

    handlers has them by method. codec reads commands and writes replies; clock is a Clock;
    send(id, payload) is a coroutine that has returned when the server has the reply;
    report(what, error) takes what goes wrong.
    """

    def __init__(self, codec, clock, send, report):
        self.handlers = {}
        self.codec = codec
        self._clock = clock
        self._send = send
        self.report = report
        self._recent = []  # commands, oldest first

    async def take(self, payload):
        """Take a command: run its handler and send the reply; what goes wrong is reported.

        A repetition gets the reply that the command had; while that still runs, it gets nothing.
        An empty payload is the answer to a registration.
        """
        if not payload:
            return
        try:
            fields = self.codec.decode("command", payload)
            command = Command(crc32(payload), self._clock.uptime_ms())
            for known in self._recent:
                if known.crc == command.crc and command.came_ms - known.came_ms < _REPEAT_MS:
                    command = known
            if command not in self._recent:
                await self._begin(command, str(fields.get("method")), fields.get("params"))
            if not command.reply:
                return  # it still runs, and will reply
            await self._send(fields.get("id"), command.reply)
            action = command.action
            if action:
                command.action = None
                action()
        except Exception as error:
            self.report("rpc", error)

    async def _begin(self, command, method, params):
        recent = self._recent
        if len(recent) == _REPLIES:
            if not recent[0].reply:  # its place is needed, and it still runs
                command.reply = self.codec.encode("reply", {"error": "busy"})
                return
            recent.pop(0)
        recent.append(command)
        try:
            values = {"error": "no such method"}
            if method in self.handlers:
                values = self.handlers[method](params)
                if hasattr(values, "send"):  # a coroutine
                    values = await values
                if isinstance(values, tuple):
                    values, command.action = values
                if values is None:
                    values = {}
                elif not isinstance(values, dict):
                    values = {"error": "the handler returned no dict"}
            command.reply = self.codec.encode("reply", values)
        except Exception as error:
            # Only the kind goes out: the text may hold what nobody else is to see.
            self.report(method, error)
            command.reply = self.codec.encode("reply", {"error": type(error).__name__})
