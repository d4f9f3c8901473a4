"""Who may ask: no web page of somebody else's, neither by its own name nor by a form or a script.

A name of an attacker may lead to this PC (DNS rebinding), so a request must name the server by an
address, as localhost, or by the name that it listens on. A script of another page can send
requests, so those to the simulator must come from this page, or from no browser at all.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

GUARDED = "/sim/"
NO_CROSS = ("same-origin", "none")


def is_ours(host: str, listening: str) -> bool:
    """Whether a Host header may name a server that listens on this name or address."""
    try:
        name = urlsplit("//" + host).hostname or ""
        if name in ("localhost", listening.lower()):
            return True
        ip_address(name)
    except ValueError:
        return False
    return True


def is_foreign(request: web.Request) -> bool:
    """Whether a browser sends this for a page of another origin."""
    headers = request.headers
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "none")
    return origin not in (None, f"http://{request.host}") or site not in NO_CROSS


def guard(listening: str):
    """Return the middleware that refuses what others make a browser send."""

    @web.middleware
    async def checked(request: web.Request, handler) -> web.StreamResponse:
        if not is_ours(request.headers.get("Host", ""), listening):
            text = f"ask for this server by its address or as localhost, not as {request.host}\n"
            return web.Response(status=421, text=text)
        if request.path.startswith(GUARDED) and is_foreign(request):
            return web.Response(status=403, text="only the simulator's own page may do this\n")
        return await handler(request)

    return checked
