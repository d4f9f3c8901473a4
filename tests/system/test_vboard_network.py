"""The network of a virtual board has the habits of the boards' drivers."""

import socket
import threading

import pytest

from tools.vboard import Board, Network

NAME = "server.example"

PRELUDE = """
import network, select, socket, time

wlan = network.WLAN(network.WLAN.IF_STA)

def raised(function, *words):
    try:
        return function(*words)
    except Exception as e:
        return "%s%r" % (type(e).__name__, e.args)

def join():
    wlan.active(True)
    wlan.connect("air", "secret")
    while not wlan.isconnected():
        time.sleep_ms(20)

def sent(address, text=b"hello", wait=500):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect(address)
    udp.send(text)
    poller = select.poll()
    poller.register(udp, select.POLLIN)
    data = udp.recv(512) if poller.poll(wait) else None
    udp.close()
    return data

"""


@pytest.fixture
def echo():
    """A server that answers with what it got, in capitals; and whom it heard."""
    with Server(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.heard = []

        def serve():
            while True:
                try:
                    data, source = server.recvfrom(512)
                except OSError:
                    return
                if not data:
                    return
                server.heard.append(source)
                server.sendto(data.upper(), source)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", server.getsockname())
        thread.join()


class Server(socket.socket):
    pass


@pytest.fixture
def run(tmp_path):
    boards = []

    def start(code, name="UNIX", **network):
        root = tmp_path / "root"
        root.mkdir()
        (root / "main.py").write_text(PRELUDE + code)
        board = Board(
            tmp_path / "flash.img", board=name, network=Network({NAME: ["127.0.0.1"]}, **network)
        )
        board.format()
        board.deploy(root)
        board.start()
        boards.append(board)
        return board

    yield start
    for board in boards:
        board.stop()


def test_a_join_takes_time_and_then_datagrams_pass(run, echo):
    board = run(
        """
wlan.active(True)
print("first", wlan.isconnected(), wlan.status() == network.STAT_IDLE, wlan.ifconfig()[0])
wlan.connect("air", "secret")
print("then", wlan.isconnected(), wlan.status() == network.STAT_CONNECTING)
join()
print("joined", wlan.status() == network.STAT_GOT_IP, wlan.ifconfig()[0], network.ipconfig("dns"))
print("echo", sent(socket.getaddrinfo("%s", %d)[0][-1]))
"""
        % (NAME, echo.getsockname()[1]),
        join_s=0.3,
    )
    board.wait_line(r"first False True 0\.0\.0\.0", 10)
    board.wait_line("then False True", 10)
    board.wait_line(r"joined True 192\.168\.4\.17 192\.168\.4\.1", 10)
    board.wait_line("echo b'HELLO'", 10)


LIES = """
join()
address = socket.getaddrinfo("127.0.0.1", %d)[0][-1]
print("echo", sent(address))
print("restart")
while True:
    time.sleep_ms(200)
    print("says", wlan.isconnected(), sent(address, wait=100))
    if False:
        pass
"""


def test_a_pico_that_was_forgotten_says_that_it_is_connected(run, echo):
    code = LIES.replace(
        "if False:\n        pass", 'wlan.connect("air", "secret") if again() else 0'
    )
    code = (
        "tries = 0\ndef again():\n    global tries\n    tries += 1\n    return tries == 8\n" + code
    )
    board = run(code % echo.getsockname()[1])
    board.wait_line("restart", 10)
    board.network.restart_access_point()
    mark = len(board.lines) + 1
    board.wait_line("says True None", 10, mark)
    end = board.wait_line("says True b'HELLO'", 10, len(board.lines))
    assert end and len(set(echo.heard)) > 1


def test_an_esp32_that_was_forgotten_joins_again_by_itself(run, echo):
    board = run(LIES % echo.getsockname()[1], name="ESP32_GENERIC-OTA", notice_s=0.3)
    board.wait_line("restart", 10)
    board.network.restart_access_point()
    board.wait_line("says False None", 10)
    board.wait_line("says True b'HELLO'", 10, len(board.lines))


@pytest.mark.parametrize(("name", "rejoins"), [("UNIX", False), ("ESP32_GENERIC-OTA", True)])
def test_who_joins_again_after_the_link_was_gone(run, echo, name, rejoins):
    board = run(LIES % echo.getsockname()[1], name=name, notice_s=0.2)
    board.wait_line("restart", 10)
    board.network.link = False
    board.wait_line("says False None", 10)
    board.network.link = True
    mark = len(board.lines)
    board.wait(lambda: len(board.lines) > mark + 8, 20)
    assert ("says True b'HELLO'" in board.lines[mark:]) == rejoins


def test_the_exceptions_of_each_driver(run):
    board = run(
        """
print("off", raised(wlan.connect, "air", "x"))
wlan.active(True)
print("none", raised(wlan.connect, None))
""",
    )
    board.wait_line(r"off OSError\(1,\)", 10)
    board.wait_line(r"none TypeError", 10)


def test_the_exceptions_of_an_esp32(run):
    board = run(
        """
print("off", raised(wlan.connect, "air", "x"))
wlan.active(True)
wlan.connect("air", "x")
print("twice", raised(wlan.connect, "air", "x"))
""",
        name="ESP32_GENERIC-OTA",
    )
    board.wait_line(r"off OSError\('Wifi Not Started',\)", 10)
    board.wait_line(r"twice OSError\('Wifi Internal State Error',\)", 10)


def test_any_refusal(run):
    board = run(
        'wlan.active(True)\nprint("said", raised(wlan.connect, "air", "x"))',
        name="ESP32_GENERIC-OTA",
        refusal=RuntimeError("Wifi Unknown Error 0x3012"),
    )
    board.wait_line(r"said RuntimeError\('Wifi Unknown Error 0x3012',\)", 10)


@pytest.mark.parametrize(("name", "code"), [("UNIX", -3), ("ESP32_GENERIC-OTA", 202)])
def test_a_wrong_password(run, name, code):
    board = run(
        """
wlan.active(True)
wlan.connect("air", "wrong")
time.sleep(1)
print("status", wlan.status(), wlan.isconnected())
""",
        name=name,
        key="secret",
    )
    line = board.wait_line("status .*", 10)
    assert line[0] in (f"status {code} False", "status 1001 False")


HANG = """
join()
print("ready")
while wlan.active() and raised(wlan.connect, "air", "secret") is None:
    time.sleep_ms(600)
print("hung", raised(wlan.connect, "air", "secret"))
print("off", raised(wlan.active, False))
if raised(wlan.active, True) is True:
    join()
    print("free")
"""


def test_a_hung_chip_is_freed_by_switching_it_off(run):
    board = run(HANG)
    board.wait_line("ready", 10)
    board.network.hang()
    board.wait_line(r"hung OSError\(110,\)", 10)
    board.wait_line("free", 10)


def test_a_chip_that_hangs_worse_is_freed_by_a_reset(run):
    board = run(HANG + "\nimport machine\ntime.sleep(1)\nmachine.reset()\n")
    board.wait_line("ready", 10)
    board.network.hang("reset")
    board.wait_line(r"off OSError\(1,\)", 10)
    board.wait_line("ready", 10, len(board.lines))
    assert "free" not in board.lines


LOOK_UP = """
def look(name):
    start = time.ticks_ms()
    said = raised(socket.getaddrinfo, name, 5683)
    print("took %%d s" %% round(time.ticks_diff(time.ticks_ms(), start) / 1000), said)
%s
look("server.example")
"""


def test_a_look_up_before_a_pico_has_joined_blocks_7_s(run):
    board = run(LOOK_UP % 'wlan.active(True)\nlook("127.0.0.1")')
    board.wait_line(r"took 0 s \[", 5)
    board.wait_line(r"took 7 s OSError\(-2,\)", 15)


def test_a_look_up_before_an_esp32_has_joined_fails_at_once(run):
    board = run(LOOK_UP % "wlan.active(True)", name="ESP32_GENERIC-OTA")
    board.wait_line(r"took 0 s OSError\(-202,\)", 5)


def test_each_dead_server_costs_7_s(run):
    board = run(LOOK_UP % "join()")
    board.network.servers += ["192.168.4.2"]
    board.network.dns = "silent"
    board.wait_line(r"took 14 s OSError\(-2,\)", 20)


def test_a_look_up_can_take_for_ever_and_the_watchdog_bites(run):
    board = run(LOOK_UP % "import machine\nmachine.WDT(timeout=3000)\nwlan.active(True)")
    board.network.endless = True
    board.wait(lambda: board.resets["watchdog"], 10)


@pytest.mark.parametrize(
    ("mode", "said"), [("unknown", r"OSError\(-2,\)"), ("empty", r"\[\]"), ("answers", r"\[\(2, ")]
)
def test_what_a_dns_server_says(run, mode, said):
    board = run(LOOK_UP % "join()", join_s=1)
    board.network.dns = mode
    board.wait_line("took 0 s " + said, 10)


QUERY = """
join()
query = b"\\x12\\x34\\x01\\x00\\x00\\x01" + bytes(6)
query += b"\\x06server\\x07example\\x00\\x00\\x01\\x00\\x01"
address = socket.getaddrinfo(network.ipconfig("dns"), 53)[0][-1]
start = time.ticks_ms()
answer = sent(address, query, 3000)
took = time.ticks_diff(time.ticks_ms(), start)
print("dns", answer and (answer[3] & 15, answer[-4:]), took >= 1000)
"""


@pytest.mark.parametrize(
    ("mode", "delay_s", "said"),
    [
        ("answers", 0, r"\(0, b'\\x7f\\x00\\x00\\x01'\) False"),
        ("answers", 1, r"\(0, b'\\x7f\\x00\\x00\\x01'\) True"),
        ("unknown", 0, r"\(3, .* False"),
        ("silent", 0, "None True"),
    ],
)
def test_port_53_of_any_address_is_the_dns_server(run, mode, delay_s, said):
    board = run(QUERY, join_s=1)
    board.network.dns = mode
    board.network.dns_delay_s = delay_s
    board.wait_line("dns " + said, 10)
