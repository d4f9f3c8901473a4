"""The REST server: down, busy, or another one than was thought."""

import asyncio
import socket

import pytest
from aiohttp import web

from tools.publish import server as there
from tools.tbsim.web import WebServer


@pytest.mark.parametrize(
    "url, told",
    [
        ("demo.example", "give its address"),
        ("coap://demo.example", "give its address"),
        ("http://me:secret@demo.example", "has a password in it"),
        ("http://demo.example:99999", "port"),
        ("http://demo..example", "is no address"),
        ("http://me:secret@[::1", "is no address"),
    ],
)
def test_an_address_that_is_none(user, package, tool, url, told):
    code, said = tool("roll-out", package, "--server", url, "--device", "*")
    assert code == 1 and told in said and "secret" not in said and "\n" not in said


def test_a_server_that_is_down(user, package, tool):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    code, said = tool("roll-out", package, "--server", url, "--device", "*")
    assert code == 1 and said == f"publish: logging in: {url} is not reached: Connection refused"


def test_https_where_there_is_only_http(server, user, tool):
    url = server.url.replace("http://", "https://")
    code, said = tool("fleet", "--server", url)
    assert code == 1 and said == (
        f"publish: logging in: {url} speaks no TLS with this PC; give http:// if it has none"
    )


def test_a_server_that_is_none_of_thingsboards(sim, user, tool):
    def mount(server):
        async def page(request):
            return web.Response(text="<html>", content_type="text/html")

        server.app.router.add_route("*", "/{path:.*}", page)

    with WebServer(sim, [mount]) as server:
        code, said = tool("fleet", "--server", server.url)
    assert code == 1 and said.endswith("answers, but not as ThingsBoard does")


def test_a_redirect_is_told_and_not_followed(sim, user, tool):
    def mount(server):
        async def away(request):
            raise web.HTTPMovedPermanently("https://other.example/api/auth/login")

        server.app.router.add_route("*", "/{path:.*}", away)

    with WebServer(sim, [mount]) as server:
        code, said = tool("fleet", "--server", server.url)
    assert code == 1 and "https://other.example" in said


def test_an_answer_without_what_it_must_have(server, faults, user, tool):
    faults.answers["/api/tenant/deviceInfos"] = [web.json_response({"devices": []})]
    code, said = tool("fleet", "--server", server.url)
    assert code == 1 and said.endswith("answers, but not as ThingsBoard does")


def test_a_server_that_hangs(sim, user, tool, monkeypatch):
    monkeypatch.setattr(there, "ANSWER_S", 0.2)

    def mount(server):
        async def silent(request):
            await asyncio.sleep(30)

        server.app.router.add_route("*", "/{path:.*}", silent)

    with WebServer(sim, [mount]) as server:
        code, said = tool("fleet", "--server", server.url)
    assert code == 1 and said == f"publish: logging in: {server.url} does not answer"


def test_a_busy_server_is_asked_again(server, faults, user, tool):
    busy = web.json_response({"message": "slow"}, status=429, headers={"Retry-After": "0"})
    faults.answers["/api/tenant/deviceInfos"] = [busy]
    assert tool("fleet", "--server", server.url)[0] == 0
