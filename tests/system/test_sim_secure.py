"""`make sim SECURE=1`: what it says a board is to be given is all that a board needs."""

import json
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.processes import Program
from tools.tbsim import secured
from tools.tbsim.banner import secure_banner
from tools.unixport import LIBRARIES, environment, micropython

REPORT = """
import asyncio, sys, coap
from coap.dtls import Security
port, path, *files = sys.argv[1:]
async def main():
    security = Security(*[open(name, "rb").read() for name in files])
    client = await coap.connect("127.0.0.1", int(port), security=security)
    print((await client.post(path, b'{"n":1}', timeout_ms=9000)).code)
asyncio.run(main())
"""
CREATED = str(0x41)


class Sim:
    """A simulator with its certificates in a folder; settings, own: what it says."""

    def __init__(self, folder: Path):
        self.folder = folder
        ports = "--port", "0", "--secure-port", "0", "--no-page"
        self.program = Program("tools.tbsim", "--secure", "--certificates", str(folder), *ports)
        try:
            self._read_banner()
        except BaseException:
            self.close()
            raise

    def _read_banner(self) -> None:
        end = time.monotonic() + 20
        while not any(line.startswith("quit ") for line in self.program.said):
            assert time.monotonic() < end and self.program.process.poll() is None, self.said()
            time.sleep(0.02)
        (line,) = re.findall(r'^  (\{.*"trusted".*\})$', self.said(), re.MULTILINE)
        self.settings = json.loads(line)
        (line,) = re.findall(r'^  ("certificate".*)$', self.said(), re.MULTILINE)
        self.own = json.loads("{%s}" % line)

    def said(self) -> str:
        return "".join(self.program.said)

    def report(self, path: str, *names: str) -> str:
        """Return the code that a board is told that has these files and sends telemetry."""
        files = [self.folder / name for name in (self.settings["trusted"], *names)]
        script = self.folder.with_suffix(".py")  # too long for an argument
        script.write_text(REPORT)
        command = [micropython(), script, str(self.settings["port"]), path, *files]
        run = subprocess.run(
            command, env=environment(*LIBRARIES), capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def close(self) -> None:
        self.program.ctrl_c()


def test_a_board_with_what_it_says_is_served_also_after_another_start(tmp_path):
    folder = tmp_path / "certificates"
    sim = Sim(folder)
    try:
        token = sim.settings["access_token"]
        assert sim.settings["server"] == "coaps://127.0.0.1"
        assert sim.report(f"api/v1/{token}/telemetry") == CREATED
    finally:
        sim.close()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    sim = Sim(folder)
    try:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        assert sim.report("api/v1/telemetry", *sim.own.values()) == CREATED
    finally:
        sim.close()
    assert {path.name for path in folder.iterdir() if path.stat().st_mode & 0o077} <= {
        "ca.cert.pem",
        "ca.cert.der",
        "board.cert.pem",
        "board.cert.der",
    }


def refused(*words: str) -> str:
    program = Program("tools.tbsim", "--port", "0", "--no-page", "--secure", *words)
    assert program.process.wait(20) == 1
    program.ctrl_c()
    return "".join(program.said).strip().splitlines()[-1]


def test_what_keeps_it_from_dtls_is_one_sentence(tmp_path):
    folder = tmp_path / "certificates"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        said = refused("--secure-port", str(port), "--certificates", str(folder))
    assert said.startswith(f"tbsim: port {port} is taken") and f"SECURE_PORT={port + 1}" in said
    (folder / "ca.cert.pem").write_text("nothing")
    said = refused("--secure-port", "0", "--certificates", str(folder))
    assert said == (
        f"tbsim: {folder}/ca.cert.pem: no certificate; remove {folder}, and others are made"
    )
    (folder / "ca.cert.pem").unlink()
    said = refused("--secure-port", "0", "--certificates", str(folder))
    assert said == f"tbsim: {folder}/ca.cert.pem: No such file or directory"


@pytest.mark.parametrize("plain, told", [(5683, None), (7000, 7000)])
def test_a_board_is_told_where_the_time_is(plain, told):
    lines = secure_banner("192.0.2.7", 5684, plain, "DEMO", Path("keys"), "ca", "board")
    assert json.loads(lines[2]).get("time_port") == told


def test_the_servers_certificate_is_for_all_addresses(monkeypatch):
    monkeypatch.setattr(secured, "own_addresses", lambda: {"192.0.2.7": "eth0"})
    assert secured.hosts("0.0.0.0") == ("192.0.2.7", "127.0.0.1", "localhost")
    assert secured.hosts("127.0.0.1") == ("127.0.0.1", "localhost")
