"""What `make sim` says of where it is, by which a board is set up."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import ifaddr
import pytest

from tests.support.processes import Program
from tools.tbsim.banner import banner, page_banner
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


# The page


def test_the_page_is_on_loopback_and_says_who_can_use_one_that_is_not(monkeypatch):
    pc(monkeypatch, eth0=["192.0.2.7"])
    assert page_banner("127.0.0.1", 8080) == ["page on http://127.0.0.1:8080"]
    assert page_banner("::1", 1) == ["page on http://[::1]:1"]
    where, who = page_banner("0.0.0.0", 8080)
    assert where == "page on http://127.0.0.1:8080 and http://192.0.2.7:8080"
    assert who == "whoever reaches the page can do all that it does"


def get(url, **headers):
    """Return status and text of a GET."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=5
        ) as told:
            return told.status, told.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_the_page_and_rest_are_there_until_ctrl_c():
    program = Program("tools.tbsim", "--port", "0", "--page-port", "0")
    try:
        end = time.monotonic() + 20
        while not (
            found := re.search(r"page on (http://127\.0\.0\.1:\d+)", "".join(program.said))
        ):
            assert time.monotonic() < end, program.said
            time.sleep(0.05)
        url = found[1]
        status, text = get(url)
        assert status == 200 and "<title>ThingsBoard simulator</title>" in text
        assert get(url + "/api/tenant/devices?pageSize=1&page=0")[0] == 401
        assert get(url, Host="evil.example")[0] == 421
    finally:
        program.ctrl_c()
    assert "Traceback" not in "".join(program.said)
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=5)


def test_without_a_page_devices_are_served_all_the_same():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = sim("PORT=0", f"PAGE={port}")
    assert run.returncode == 0, run.stderr
    said = run.stdout.replace("\n", " ")
    assert f"no page: port {port} is taken: end the program that uses it, or take another" in said
    assert f"make sim PAGE={port + 1}" in said
    assert "coap://127.0.0.1:" in said and "Traceback" not in run.stdout + run.stderr


def test_make_takes_the_pages_address():
    run = sim("PORT=0", "PAGE=0", "PAGE_HOST=192.0.2.77")
    assert "no page: 192.0.2.77 is no address of this PC" in run.stdout.replace("\n", " ")
