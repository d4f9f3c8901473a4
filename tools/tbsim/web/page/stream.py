"""What is new, as server-sent events: one stream for each browser, of which STREAMS may be open.

An event's name is that of a part of `View.look`, its data JSON. A browser that reads slowly gets
fewer looks, and nothing waits for it.
"""

import asyncio
import json
import time

from aiohttp import web

from ..server import SIMULATOR, ask
from .datagrams import Datagrams
from .readings import Newest
from .view import View

EVERY_S = 0.25  # a look
ALIVE_S = 10.0  # without a word for so long, a comment tells whether the browser is still there
STREAMS = 16
DATAGRAMS = web.AppKey("datagrams", Datagrams)
NEWEST = web.AppKey("newest", Newest)
OPEN = web.AppKey("open", set)
RUN = web.AppKey("run", str)  # drawn at each start: numbers of datagrams begin again


async def stream(request: web.Request) -> web.StreamResponse:
    """Tell what is new until the browser goes. query: device, find and after, as of View; run, the
    run that `after` is of.
    """
    app, query = request.app, request.query
    streams, run = app[OPEN], app[RUN]
    if len(streams) >= STREAMS:
        return web.Response(status=503, text=f"{STREAMS} pages are open; close one\n")
    after = query.get("after", "")
    view = View(
        app[SIMULATOR],
        app[DATAGRAMS],
        app[NEWEST],
        query.get("device", ""),
        query.get("find", ""),
        int(after) if after.isdecimal() and query.get("run") == run else 0,
    )
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    streams.add(view)
    try:
        await response.prepare(request)
        # A browser's clock may be another one, and its page that of an earlier run.
        hello = json.dumps({"now_ms": time.time_ns() // 1_000_000, "run": run})
        await response.write(f"event: hello\ndata: {hello}\n\n".encode())
        await tell(request, response, view)
    except ConnectionError:
        pass  # the browser went
    finally:
        streams.discard(view)
    return response


async def tell(request: web.Request, response: web.StreamResponse, view: View) -> None:
    """Write events until the browser is gone."""
    told = time.monotonic()
    while request.transport and not request.transport.is_closing():
        parts = await ask(request, view.look)
        text = "".join(f"event: {name}\ndata: {data}\n\n" for name, data in parts)
        if text or time.monotonic() - told > ALIVE_S:
            await response.write(text.encode() or b":\n\n")
            told = time.monotonic()
        await asyncio.sleep(EVERY_S)
