"""The network of a virtual board: what its `network` and `socket` ask, and what its datagrams do.

The board's real sockets send to ports of this process, one for each address that getaddrinfo()
was asked for. From there datagrams go on to that address as long as the chip is in the network.
Port 53 of any address is the DNS server. Only UDP passes.
"""

import heapq
import ipaddress
import itertools
import json
import selectors
import socket
import threading
import time

from tools.vboard.host import chip as chips
from tools.vboard.host.dns import DNS, SILENT

DNS_PORT = 53
LOOK_UP_S = 7.0  # lwIP repeats its question after 1, 1, 2 and 3 seconds (dns.c)
_TICK_S = 0.05
_FLOWS = 64  # of source ports of the board; the oldest goes
_DATAGRAM = 65535

_METHODS = ("active", "connect", "disconnect", "isconnected", "status", "config", "ifconfig")


class Network:
    """The conditions that a board meets; they may be changed while it runs.

    link: whether the access point is in reach. dns: "answers" (names), "silent", "unknown" (no
    name exists) or "empty"; dns_delay_s: how late. names: the addresses of each name. servers: the
    DNS servers that DHCP gives, each of which getaddrinfo() waits 7 s for. endless:
    getaddrinfo() never returns where it would raise (RP2 with MicroPython 1.26 and 1.27). air:
    what a join needs and takes (`chip.Air`).
    """

    def __init__(self, names: dict[str, list[str]] | None = None, **air):
        self.air = chips.Air(**air)
        self.servers = [chips.GATEWAY]
        self.endless = False
        self.joins = 0  # so far
        self.lost = 0  # datagrams that did not pass
        self.passed = 0
        self._dns = DNS(dict(names or {}))
        self._lock = threading.RLock()
        self._chip: chips.Chip | None = None
        self._board: socket.socket | None = None  # the line to the interpreter
        self._asked = b""
        self._doors: dict[tuple[str, int], socket.socket] = {}  # (address, port): ours
        self._flows: dict[tuple[socket.socket, tuple], socket.socket] = {}
        self._late: list = []  # (due, number, what to do)
        self._numbers = itertools.count()
        self._selector = selectors.DefaultSelector()
        self._thread: threading.Thread | None = None

    # Conditions

    @property
    def link(self) -> bool:
        return self.air.reach

    @link.setter
    def link(self, reach: bool) -> None:
        with self._lock:
            self.air.reach = reach

    @property
    def dns(self) -> str:
        return self._dns.mode

    @dns.setter
    def dns(self, mode: str) -> None:
        self._dns.set_mode(mode)

    @property
    def dns_delay_s(self) -> float:
        return self._dns.delay_s

    @dns_delay_s.setter
    def dns_delay_s(self, delay_s: float) -> None:
        self._dns.delay_s = delay_s

    @property
    def names(self) -> dict[str, list[str]]:
        return self._dns.names

    def restart_access_point(self) -> None:
        """It is there again at once, and has forgotten the board."""
        with self._lock:
            self.air.generation += 1

    def hang(self, until: str = chips.SWITCHED_OFF) -> None:
        """The chip does nothing any more, until it is switched off or (chip.RESET) the board is
        reset.
        """
        with self._lock:
            if self._chip:
                self._chip.hung = until

    @property
    def carries(self) -> bool:
        """Whether datagrams of the board pass now."""
        with self._lock:
            return self._board is not None and self._chip.carries(time.monotonic())

    # For the supervisor

    def begin(self, driver: str, line: socket.socket, soft: bool = False) -> None:
        """A life of the interpreter begins: its chip is as after a reset, but for a soft one."""
        with self._lock:
            self._forget()
            if self._chip is None:
                self._chip = chips.Chip(chips.DRIVERS[driver], self.air, self.servers)
            self._chip.servers = self.servers
            if not soft:
                self._chip.reset()
            self._board = line
            self._asked = b""
            self._selector.register(line, selectors.EVENT_READ, self._ask)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def end(self) -> None:
        """The life is over; call it before the line is closed."""
        with self._lock:
            self._forget()

    def _forget(self):
        if self._board:
            if self._board in self._selector.get_map():
                self._selector.unregister(self._board)
            self._board = None
        self._late.clear()
        for ours in [*self._doors.values(), *self._flows.values()]:
            self._drop(ours)
        self._doors.clear()
        self._flows.clear()

    def _drop(self, ours):
        self._selector.unregister(ours)
        ours.close()

    def _run(self):
        while True:
            time.sleep(0) if self._selector.get_map() else time.sleep(_TICK_S)
            ready = self._selector.select(_TICK_S)
            with self._lock:
                for key, _ in ready:
                    if self._selector.get_map().get(key.fd) == key:  # still ours
                        key.data(key.fileobj)
                now = time.monotonic()
                while self._late and self._late[0][0] <= now:
                    heapq.heappop(self._late)[2]()
                self._renumber(now)

    def _renumber(self, now):
        # A join gives another address: what comes for the old one finds nobody.
        if self._chip and self._chip.carries(now) and self._chip.joins != self.joins:
            self.joins = self._chip.joins
            for flow in self._flows.values():
                self._drop(flow)
            self._flows.clear()

    def _later(self, delay_s, action):
        heapq.heappush(self._late, (time.monotonic() + delay_s, next(self._numbers), action))

    # What the board asks

    def _ask(self, line):
        try:
            data = line.recv(65536)
        except ConnectionError:  # the board died with something unread
            data = b""
        if not data:
            self._selector.unregister(line)
        *questions, self._asked = (self._asked + data).split(b"\n")
        for question in questions:
            number, name, words, values = json.loads(question)
            try:
                if name == "getaddrinfo":
                    self._getaddrinfo(number, *words)
                else:
                    self._answer(number, self._called(name, words, values))
            except (OSError, TypeError, ValueError, RuntimeError) as error:
                self._raise(number, error)

    def _called(self, name, words, values):
        chip = self._chip
        if name in _METHODS:
            return getattr(chip, name)(time.monotonic(), *words, **values)
        if name == "wlan_ipconfig":
            return chip.ipconfig(time.monotonic(), *words, **values)
        if name == "constants":
            return [chip.driver.codes, chip.driver.power]
        if name == "ipconfig":
            if "dns" in values:
                chip.server = values["dns"]
            servers = chip.dns()
            return servers[0] if servers else chips.NO_ADDRESS
        if name in ("hostname", "country"):
            key = "host_name" if name == "hostname" else name
            if words:
                setattr(chip, key, words[0])
            return getattr(chip, key)
        raise ValueError(name)

    def _answer(self, number, value):
        self._say(number, "", value)

    def _raise(self, number, error):
        self._say(number, type(error).__name__, list(error.args))

    def _say(self, number, kind, value):
        if self._board:
            try:
                self._board.sendall(json.dumps([number, kind, value]).encode() + b"\n")
            except OSError:
                pass  # the interpreter has just ended

    def _getaddrinfo(self, number, host, port):
        if _is_number(host):
            self._answer(number, self._door(host, port))
            return
        chip, dns = self._chip, self._dns
        now = time.monotonic()
        servers = chip.dns()
        error = OSError(chip.driver.no_name)
        if servers and (not chip.carries(now) or dns.mode == SILENT):
            if not self.endless:
                self._later(LOOK_UP_S * len(servers), lambda: self._raise(number, error))
            return
        addresses = dns.look_up(host) if servers else None

        def tell():
            if addresses:
                self._answer(number, self._door(addresses[0], port))
            elif addresses is None:
                self._raise(number, error)
            else:
                self._answer(number, None)

        self._later(dns.delay_s if servers else 0, tell)

    # What its datagrams do

    def _door(self, host, port):
        if (host, port) not in self._doors:
            ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            ours.bind(("127.0.0.1", 0))
            ours.setblocking(False)
            self._doors[host, port] = ours
            self._selector.register(
                ours, selectors.EVENT_READ, lambda ours: self._out(ours, (host, port))
            )
        return self._doors[host, port].getsockname()[1]

    def _out(self, ours, target):
        data, source = ours.recvfrom(_DATAGRAM)
        if not self._passes():
            return
        if target[1] == DNS_PORT:
            answer = self._dns.reply(data)
            if answer:
                self._later(self._dns.delay_s, lambda: self._in(ours, source, answer))
            return
        try:
            self._flow(ours, source, target).send(data)
        except OSError:
            pass  # a server that is not there: UDP on a board does not hear of it

    def _flow(self, ours, source, target):
        flow = self._flows.get((ours, source))
        if flow is None:
            if len(self._flows) >= _FLOWS:
                self._drop(self._flows.pop(next(iter(self._flows))))
            flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            flow.connect(target)
            flow.setblocking(False)
            self._flows[ours, source] = flow

            def back(flow):
                try:
                    data = flow.recv(_DATAGRAM)
                except OSError:
                    return
                self._in(ours, source, data)

            self._selector.register(flow, selectors.EVENT_READ, back)
        return flow

    def _in(self, ours, source, data):
        if ours.fileno() >= 0 and self._passes():
            ours.sendto(data, source)

    def _passes(self):
        passes = self.carries
        self.passed += passes
        self.lost += not passes
        return passes


def _is_number(host):
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
