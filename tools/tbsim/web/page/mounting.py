"""Adds the page to a web server."""

import base64
import hashlib
import re
import secrets
from pathlib import Path

from aiohttp import web

from ..server import WebServer
from .actions import ACTIONS, answered
from .datagrams import Datagrams
from .guard import GUARDED, guard
from .readings import Newest
from .stream import DATAGRAMS, NEWEST, OPEN, RUN, stream

PAGE = Path(__file__).with_name("page.html")


def policy(html: str) -> str:
    """Return the content security policy of a page: its own script and style, by their hashes, and
    nothing from anywhere else.
    """
    hashes = {}
    for name in ("script", "style"):
        (text,) = re.findall(f"<{name}>(.*?)</{name}>", html, re.DOTALL)
        digest = hashlib.sha256(text.encode()).digest()
        hashes[name] = f"'sha256-{base64.b64encode(digest).decode()}'"
    return (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; "
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def mount(server: WebServer) -> None:
    """Serve the page at /, and guard all that the server serves."""
    app = server.app
    html = PAGE.read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": policy(html),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html", headers=headers)

    app[DATAGRAMS] = Datagrams(server.sim.store, server.sim.resources.known)
    app[NEWEST] = Newest()
    app[OPEN] = set()
    app[RUN] = secrets.token_hex(8)
    server.sim.subscribe(app[DATAGRAMS].record)
    app.middlewares.append(guard(server.host))
    app.router.add_get("/", page)
    app.router.add_get(GUARDED + "events", stream)
    for name, action in ACTIONS.items():
        app.router.add_post(GUARDED + name, answered(action))
