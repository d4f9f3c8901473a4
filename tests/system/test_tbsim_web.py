"""The simulator's web server: its thread, its start and its end."""

import asyncio
import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
from aiohttp import web

from tools.tbsim import Simulator
from tools.tbsim.web import WebServer
from tools.tbsim.web.server import ask


def hello(server: WebServer) -> None:
    async def handler(request: web.Request) -> web.Response:
        names = await ask(request, lambda: [threading.current_thread().name, *sim_names(server)])
        return web.json_response(names)

    server.app.router.add_get("/hello", handler)


def sim_names(server: WebServer) -> list[str]:
    return list(server.sim.store.devices)


def endless(server: WebServer) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await asyncio.Event().wait()
        return response

    server.app.router.add_get("/endless", handler)


@pytest.fixture
def sim():
    with Simulator(at_once=True) as sim:
        yield sim


def test_a_handler_has_its_work_done_in_the_simulators_thread(sim):
    sim.add_device("pump")
    with WebServer(sim, [hello]) as server:
        with urllib.request.urlopen(server.url + "/hello", timeout=5) as response:
            thread, device = json.load(response)
    assert device == "pump"
    assert thread == sim.call(lambda: threading.current_thread().name)


def test_it_ends_while_a_stream_is_open_and_frees_its_port(sim):
    server = WebServer(sim, [endless])
    server.start()
    with urllib.request.urlopen(server.url + "/endless", timeout=5) as response:
        assert response.read(5) == b"first"
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 5
    with WebServer(sim, [hello], port=server.port) as again:
        assert again.port == server.port
        urllib.request.urlopen(again.url + "/hello", timeout=5).close()


def test_a_port_that_is_taken_is_an_error_and_leaves_no_thread(sim):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        before = threading.active_count()
        with pytest.raises(OSError):
            WebServer(sim, port=taken.getsockname()[1]).start()
        assert threading.active_count() == before


def test_what_is_not_there_is_404(sim):
    with WebServer(sim) as server, pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(server.url + "/no", timeout=5)
    assert caught.value.code == 404
