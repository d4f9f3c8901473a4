# Packages from ThingsBoard chunk by chunk: GET /fw/TOKEN?title=..&version=..&size=..&chunk=..
#
# Several chunks are under way at a time and may come in any order.

import asyncio

from abupdate import Refused
from coap import NON


class Window:
    """Which chunk to ask for, and which comes next. Sans-I/O.

    size is the package's in bytes, chunk that of a chunk, limit how many chunks may be under way
    or wait for their turn.
    """

    def __init__(self, size, limit, chunk=1024):
        self._size = size
        self._chunk = chunk
        self.limit = limit
        self._next = 0  # the next chunk to ask for
        self._ahead = {}  # number: bytes of a chunk that came before its turn
        self.under_way = set()

    def ask(self, offset):
        """Return the number of a chunk to ask for, or None; offset: where the image stands."""
        self._next = max(self._next, offset // self._chunk)  # the slot may have what comes next
        number = self._next
        if number * self._chunk >= self._size:
            return None
        if len(self.under_way) + len(self._ahead) >= self.limit:
            return None
        if number and not offset:
            return None  # the first chunk is asked for alone: it may tell where to go on
        self._next += 1
        self.under_way.add(number)
        return number

    def came(self, number, data):
        """Take a chunk. Raises Refused for one of a wrong length."""
        self.under_way.remove(number)
        if len(data) != min(self._chunk, self._size - number * self._chunk):
            raise Refused("a chunk has a wrong length")
        self._ahead[number] = data

    def ready(self, offset):
        """Return (where it begins, bytes) of the chunk that holds offset, or None."""
        number = offset // self._chunk
        if number in self._ahead:
            return number * self._chunk, self._ahead.pop(number)


async def fetch_chunks(assignment, path, image, client, pause, progress, chunk_size):
    """Feed an Image with an assigned package; see updater.py.

    path is that of the package, chunk_size in bytes. With pause the chunks that came are written
    when none is under way any more.
    """
    size = assignment.size
    window = Window(size, client.window_limit, chunk_size)
    inbox = []  # (number of a chunk, Message or exception)
    arrived = asyncio.Event()
    tasks = {}  # number of a chunk under way: its task

    async def ask(number):
        query = (
            "title=%s" % assignment.title,
            "version=%s" % assignment.version,
            "size=%d" % chunk_size,
            "chunk=%d" % number,
        )
        try:
            outcome = await client.get(path, query=query, type=NON, bulk=True)
        except Exception as error:
            outcome = error
        inbox.append((number, outcome))
        arrived.set()

    try:
        while image.offset < size:
            while (number := window.ask(image.offset)) is not None:
                tasks[number] = asyncio.create_task(ask(number))
            while not inbox:
                arrived.clear()
                await arrived.wait()
            number, outcome = inbox.pop(0)
            del tasks[number]
            if isinstance(outcome, Exception):
                raise outcome
            window.came(number, outcome.payload)
            while not (pause and tasks) and (chunk := window.ready(image.offset)):
                image.feed(chunk[0], chunk[1])
                progress(image.offset, size)
        if not image.size:
            raise Refused("this is no update package")  # it ended within its header
    finally:
        for task in tasks.values():
            task.cancel()
