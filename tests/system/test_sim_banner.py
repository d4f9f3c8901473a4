"""What `make sim` says of where it is, by which a board is set up."""

import json
import os
import re
import socket
import subprocess
import sys
from types import SimpleNamespace

import ifaddr
import pytest

from tools.tbsim.banner import banner
from tools.unixport import ROOT


def pc(monkeypatch, **adapters):
    """Give this PC other network adapters: a name and its addresses."""
    found = [
        SimpleNamespace(nice_name=name, ips=[SimpleNamespace(ip=ip) for ip in ips])
        for name, ips in adapters.items()
    ]
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: found)


def lines(host):
    return banner(host, 5683, "DEMO", "k", "s")


def settings(host):
    (line,) = [line for line in lines(host) if line.startswith("  {")]
    return json.loads(line)


def test_a_board_is_told_the_pcs_own_address(monkeypatch):
    pc(monkeypatch, lo=["127.0.0.1", ("::1", 0, 0)], eth0=["192.0.2.7", ("fe80::1", 0, 2)])
    assert settings("0.0.0.0") == {"server": "192.0.2.7", "port": 5683, "access_token": "DEMO"}
    assert not [line for line in lines("0.0.0.0") if "one of these" in line]


def test_of_several_addresses_each_is_named(monkeypatch):
    pc(monkeypatch, eth0=["192.0.2.7"], wlan0=["198.51.100.3"])
    text = "\n".join(lines("0.0.0.0"))
    assert "192.0.2.7 (eth0), 198.51.100.3 (wlan0)" in text


def test_a_pc_without_a_network_says_so(monkeypatch):
    pc(monkeypatch, lo=["127.0.0.1"])
    assert "no board can reach it" in "\n".join(lines("0.0.0.0"))


def test_on_loopback_it_says_how_boards_get_in():
    assert "make sim HOST=0.0.0.0" in "\n".join(lines("127.0.0.1"))
    assert settings("192.0.2.9")["server"] == "192.0.2.9"


def sim(*words):
    command = ["make", "-s", "sim", *words]
    environ = {**os.environ, "PATH": os.path.dirname(sys.executable) + ":" + os.environ["PATH"]}
    return subprocess.run(
        command, cwd=ROOT, env=environ, input="quit\n", capture_output=True, text=True, timeout=60
    )


def test_make_takes_host_and_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    run = sim("HOST=0.0.0.0", f"PORT={port}")
    assert run.returncode == 0, run.stderr
    assert f"coap://0.0.0.0:{port}" in run.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_busy_port_is_one_sentence(host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        run = sim(f"HOST={host}", f"PORT={port}")
    sentence, *make = run.stderr.splitlines()
    assert sentence.startswith(f"tbsim: port {port} is taken: end the program that uses it, or")
    assert all(re.match(r"make(\[\d+\])?: \*\*\*", line) for line in make), run.stderr


@pytest.mark.parametrize("host", ["192.0.2.77", "no.such.host.invalid", "a..b"])
def test_an_address_of_another_pc_is_one_sentence(host):
    run = sim(f"HOST={host}", "PORT=0")
    assert f"tbsim: {host} is no address of this PC" in run.stderr
    assert "Traceback" not in run.stderr
