# Commands to the device (ThingsBoard: server-side RPC): handlers, replies, repetitions.

from binascii import crc32

from micropython import const

_REPEAT_MS = const(247_000)  # EXCHANGE_LIFETIME: the same command again within it is a repetition
_REPLIES = const(8)  # kept for repetitions; no more commands than that run at a time


class Command:
    """A command that came: reply is None while its handler runs.

    action is what is still to be done once the server has the reply, or None.
    """

    reply = action = None

    def __init__(self, crc, came_ms):
        self.crc = crc
        self.came_ms = came_ms


class Commands:
    """Runs the handlers of commands, each command once.

    codec reads commands and writes replies; clock is a Clock; send(id, payload) is a coroutine
    that has returned when the server has the reply; report(what, error) takes what a handler
    raises.
    """

    def __init__(self, codec, clock, send, report):
        self._codec = codec
        self._clock = clock
        self._send = send
        self._report = report
        self._handlers = {}
        self._recent = []  # commands, oldest first

    def on(self, method, handler):
        """Let handler(params), a function or a coroutine function, answer commands of a method."""
        self._handlers[method] = handler

    async def take(self, payload):
        """Take a command: run its handler and send the reply; what goes wrong is reported.

        A repetition gets the reply that the command had; while that still runs, it gets nothing.
        """
        try:
            await self._answer(payload)
        except Exception as error:
            self._report("rpc", error)

    async def _answer(self, payload):
        id, method, params = self._codec.read_command(payload)
        crc = crc32(payload)
        command = self._find(crc)
        if not command:
            command = self._begin(crc)
            if not command:
                await self._send(id, self._codec.reply({"error": "busy"}))
                return
            command.reply, command.action = await self._run(method, params)
        elif not command.reply:
            return  # the first of them will reply
        await self._send(id, command.reply)
        action = command.action
        if action:
            command.action = None
            action()

    def _find(self, crc):
        now = self._clock.uptime_ms()
        for command in self._recent:
            if command.crc == crc and now - command.came_ms < _REPEAT_MS:
                return command

    def _begin(self, crc):
        # None if the place of the oldest command is needed while that still runs.
        recent = self._recent
        if len(recent) == _REPLIES:
            if not recent[0].reply:
                return None
            recent.pop(0)
        command = Command(crc, self._clock.uptime_ms())
        recent.append(command)
        return command

    async def _run(self, method, params):
        # The reply's payload, and what is to be done after it.
        values = {"error": "no such method"}
        action = None
        try:
            if method in self._handlers:
                values = self._handlers[method](params)
                if hasattr(values, "send"):  # a coroutine
                    values = await values
                if isinstance(values, tuple):
                    values, action = values
                if values is None:
                    values = {}
                elif not isinstance(values, dict):
                    values = {"error": "the handler returned no dict"}
            return self._codec.reply(values), action
        except Exception as error:
            # Only the kind goes out: the text may hold what nobody else is to see.
            self._report(method, error)
            return self._codec.reply({"error": type(error).__name__}), None
