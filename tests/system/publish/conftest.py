"""A server with twelve devices, what may be wrong with it, and the tool that publishes there."""

import sys

import keyring
import keyring.backend
import keyring.errors
import pytest
from aiohttp import web

from tests.system.publish.scene import made
from tools.publish import __main__ as publish
from tools.publish import credentials, run
from tools.tbsim import Simulator
from tools.tbsim.web import WebServer, rest


class Faults:
    """What a server does wrong with requests whose path has some words in it."""

    def __init__(self):
        self.lost: dict[str, int] = {}  # part of "METHOD path": how many connections are cut
        self.answers: dict[str, list[web.Response]] = {}
        self.seen: list[str] = []

    def mount(self, server: WebServer) -> None:
        @web.middleware
        async def faulty(request, handler):
            line = f"{request.method} {request.path}"
            self.seen.append(line)
            for part, left in self.lost.items():
                if part in line and left:
                    self.lost[part] -= 1
                    request.transport.abort()
                    # It is not carried out: that would come after what the test does next.
                    raise web.HTTPServiceUnavailable()
            for part, responses in self.answers.items():
                if part in line and responses:
                    return responses.pop(0)
            return await handler(request)

        server.app.middlewares.append(faulty)


class Memory(keyring.backend.KeyringBackend):
    """A keyring that lasts as long as a test."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.kept: dict = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        raise keyring.errors.PasswordDeleteError


class Locked(Memory):
    def get_password(self, service, username):
        raise keyring.errors.NoKeyringError

    def set_password(self, service, username, password):
        raise keyring.errors.NoKeyringError


@pytest.fixture
def sim():
    with Simulator(at_once=True) as sim:
        for number in range(12):
            sim.add_device(f"pump-{number:02}")
        yield sim


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def server(sim, faults):
    with WebServer(sim, [rest.mount, faults.mount]) as server:
        yield server


@pytest.fixture
def package(key, tmp_path):
    return made(key, tmp_path / "package.bin")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No credentials, no keyring, and no patience."""
    monkeypatch.setattr(run, "LOOK_S", 0.02)
    for name in (credentials.API_KEY, credentials.USER, credentials.PASSWORD):
        monkeypatch.delenv(name, raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(Locked())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def user(monkeypatch):
    monkeypatch.setenv(credentials.USER, rest.USER)
    monkeypatch.setenv(credentials.PASSWORD, rest.PASSWORD)


@pytest.fixture
def tool(monkeypatch, capsys):
    """Return a function that runs the tool and returns exit code, and all that it said."""

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["publish", *map(str, words)])
        code: object = 0
        try:
            publish.main()
        except SystemExit as error:
            code = error.code
        told = capsys.readouterr()
        said = told.out + told.err + (code if isinstance(code, str) else "")
        assert "Traceback" not in said and rest.PASSWORD + '"' not in said
        return (code if isinstance(code, int) else 1), said.strip()

    return run


@pytest.fixture
def answers(sim):
    """{device name: telemetry}: what a device says as soon as a package is assigned to it."""
    answers: dict[str, dict] = {}
    tell = sim.store.on_shared_change

    def heard(device, updated, deleted):
        tell(device, updated, deleted)
        if device.name in answers and "fw_version" in updated:
            device.add_points(sim.store.clock_ms(), answers[device.name])

    sim.store.on_shared_change = heard
    return answers
