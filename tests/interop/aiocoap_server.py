"""A server made of aiocoap, with the resources that libcoap's lacks."""

import asyncio
import hashlib
import threading

from aiocoap import CHANGED, CONFLICT, CONTENT, Context, Message
from aiocoap.error import RenderableError
from aiocoap.numbers import OptionNumber
from aiocoap.optiontypes import OpaqueOption
from aiocoap.resource import ObservableResource, Resource, Site

from tests.interop.peers import TIMEOUT_S, free_port

SEPARATE_S = 0.5  # aiocoap sends the empty ACK after 0.1 s
TICK_S = 0.4
UNKNOWN_CRITICAL = OpaqueOption(OptionNumber(2049), b"?")


class Echo(Resource):
    """Gives back what it is sent, by the same blocks."""

    async def render_post(self, request):
        return Message(code=CHANGED, payload=request.payload)


class Slow(Resource):
    async def render_get(self, request):
        await asyncio.sleep(SEPARATE_S)
        return Message(code=CONTENT, payload=b"late")


class Fetch(Resource):
    async def render_fetch(self, request):
        return Message(code=CONTENT, payload=hashlib.sha256(request.payload).digest())


class Query(Resource):
    async def render_get(self, request):
        return Message(code=CONTENT, payload="|".join(request.opt.uri_query).encode())


class Conflict(RenderableError):
    def to_message(self):
        return Message(code=CONFLICT, payload=b"not now")


class Refuse(Resource):
    async def render_get(self, request):
        raise Conflict


class Critical(Resource):
    """Answers with an option that no client knows and none may ignore."""

    async def render_get(self, request):
        response = Message(code=CONTENT, payload=b"x")
        response.opt.add_option(UNKNOWN_CRITICAL)
        return response


class Tick(ObservableResource):
    """Counts, and notifies of each number."""

    number = 0

    def tick(self):
        self.number += 1
        self.updated_state()

    async def render_get(self, request):
        return Message(code=CONTENT, payload=str(self.number).encode())


class File(Resource):
    def __init__(self, content: bytes):
        super().__init__()
        self.content = content

    async def render_get(self, request):
        return Message(code=CONTENT, payload=self.content)


class AiocoapServer:
    """`with AiocoapServer() as server:` serves on server.port, in a thread.

    files are served besides, by name.
    """

    def __init__(self, files: dict[str, bytes] | None = None):
        self.files = files or {}
        self.port = free_port()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.open(), self.loop).result(TIMEOUT_S)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.close(), self.loop).result(TIMEOUT_S)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(TIMEOUT_S)
        self.loop.close()

    async def open(self):
        self.counter = Tick()
        resources = {
            "echo": Echo(),
            "slow": Slow(),
            "fetch": Fetch(),
            "query": Query(),
            "refuse": Refuse(),
            "critical": Critical(),
            "tick": self.counter,
        }
        site = Site()
        resources |= {name: File(content) for name, content in self.files.items()}
        for name, resource in resources.items():
            site.add_resource([name], resource)
        self.context = await Context.create_server_context(
            site, bind=("127.0.0.1", self.port), transports=["simplesocketserver"]
        )
        self.ticker = asyncio.ensure_future(self.tick())

    async def tick(self):
        while True:
            await asyncio.sleep(TICK_S)
            self.counter.tick()

    async def close(self):
        self.ticker.cancel()
        await self.context.shutdown()
