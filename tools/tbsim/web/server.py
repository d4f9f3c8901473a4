"""The web server of a simulator: an aiohttp application in a thread of its own.

Threads. Handlers run in the web's thread and touch nothing of the simulator's. What they need of
it they have done in its thread: `await ask(request, function, *args)`. What takes longer than a
look (sim.rpc, which waits for a device) goes to a third one: `await asyncio.to_thread(...)`.
A subscriber of events runs in the simulator's thread, and hands on to the web's by
`server.loop.call_soon_threadsafe(...)`.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable

from aiohttp import web

from ..simulator import Simulator

SIMULATOR = web.AppKey("simulator", Simulator)
LARGEST_BODY = 32 << 20  # bytes; an image of a board's whole flash has 16 MB
START_S = STOP_S = 10
GRACE_S = 0.2  # for what is being answered when the server ends; an event stream never ends

Mount = Callable[["WebServer"], None]


class WebServer:
    """`with WebServer(sim, [rest.mount]) as server:` serves at server.url, by default on a free
    loopback port, server.port.

    mounts: functions that are called with this server before it starts, and add routes to
    server.app. OSError from start() if the port is taken.
    """

    def __init__(
        self, sim: Simulator, mounts: Iterable[Mount] = (), host: str = "127.0.0.1", port: int = 0
    ):
        self.sim = sim
        self.host, self.port = host, port
        self.app = web.Application(client_max_size=LARGEST_BODY)
        self.app[SIMULATOR] = sim
        self.loop = asyncio.new_event_loop()
        for mount in mounts:
            mount(self)
        # Nothing is logged of a request: it may carry credentials.
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=GRACE_S)
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Bind the socket and serve; OSError if the port is taken."""
        self._thread.start()
        try:
            self._run(self._open(), START_S)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop serving, also what never ends by itself, and end the thread."""
        self._run(self._end(), STOP_S)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP_S)
        self.loop.close()

    async def _open(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def _end(self) -> None:
        await self._runner.cleanup()
        # A handler whose client has gone does not count as a connection any more.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _run(self, coroutine, seconds: float):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)


async def ask(request: web.Request, function: Callable, *args):
    """Run a function in the simulator's thread and return what it returns, or raise its error."""
    future = request.app[SIMULATOR].submit(function, *args)
    return await asyncio.wrap_future(future)
