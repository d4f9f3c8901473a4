# Names are looked up over real sockets, and nothing waits for that but who asked.

import asyncio
import errno
import sys
from time import ticks_diff, ticks_ms

from coap import dns, resolver, udp
from names import DNS, sockets
from scene import fails

GOOD = {"tb.test": ["192.0.2.1", "192.0.2.2"]}


def play(test, *servers):
    # Run test(servers...) with the DNS servers in the system's place; no socket may be left.
    async def main():
        before = sockets()
        for server in servers:
            server.__enter__()
        try:
            await asyncio.wait_for(test(*servers), 9)
        finally:
            for server in reversed(servers):
                server.__exit__()
        assert sockets() == before

    asyncio.run(main())


async def longest_pause(coroutine):
    # Return what it returned or raised, how long it took, and how long the loop stood still.
    pauses = []

    async def tick():
        last = ticks_ms()
        while True:
            await asyncio.sleep_ms(1)
            now = ticks_ms()
            pauses.append(ticks_diff(now, last))
            last = now

    ticker = asyncio.create_task(tick())
    start = ticks_ms()
    try:
        outcome = await coroutine
    except OSError as error:
        outcome = error
    took = ticks_diff(ticks_ms(), start)
    ticker.cancel()
    return outcome, took, max(pauses or [0])


def test_a_name_has_all_its_addresses():
    async def test(server):
        assert sorted(await resolver.look_up("tb.test")) == GOOD["tb.test"]
        assert sorted(server.asked) == [("tb.test", dns.A), ("tb.test", dns.AAAA)]

    play(test, DNS(GOOD))


def test_a_slow_dns_does_not_stop_the_loop():
    async def test(server):
        server.delay_ms = 700
        outcome, took, pause = await longest_pause(resolver.look_up("tb.test"))
        assert sorted(outcome) == GOOD["tb.test"] and took >= 700
        assert pause < 200, pause

    play(test, DNS(GOOD))


def test_a_silent_dns_is_given_up_and_does_not_stop_the_loop():
    async def test(server):
        server.silent = True
        outcome, took, pause = await longest_pause(resolver.look_up("tb.test"))
        assert outcome.errno == errno.ETIMEDOUT
        assert 2900 < took < 4000 and pause < 200, (took, pause)
        assert server.asked.count(("tb.test", dns.A)) == 2

    play(test, DNS(GOOD))


def test_the_next_server_is_asked_where_one_is_silent():
    async def test(first, second):
        first.silent = True
        assert sorted(await resolver.look_up("tb.test")) == GOOD["tb.test"]
        assert len(first.asked) == len(second.asked) == 2

    first = DNS()
    play(test, first, DNS(GOOD, [first]))


def test_the_next_server_is_asked_at_once_where_one_cannot_tell():
    async def test(first, second):
        first.code = 2
        outcome, took, _ = await longest_pause(resolver.look_up("tb.test"))
        assert sorted(outcome) == GOOD["tb.test"] and took < 500

    first = DNS()
    play(test, first, DNS(GOOD, [first]))


def test_where_nobody_listens_the_next_server_is_asked_at_once():
    class Closed(DNS):
        def __enter__(self):
            super().__enter__()
            self.task.cancel()
            self.socket.close()

    async def test(first, second):
        outcome, took, _ = await longest_pause(resolver.look_up("tb.test"))
        assert sorted(outcome) == GOOD["tb.test"] and took < 500

    first = Closed()
    play(test, first, DNS(GOOD, [first]))


def test_a_name_that_does_not_exist_or_has_no_address():
    async def test(server):
        for name in ("no.test", "empty.test"):
            error, took, _ = await longest_pause(resolver.look_up(name))
            assert error.errno == errno.ENOENT and took < 500
        assert len(server.asked) == 4

    play(test, DNS({"empty.test": []}))


def test_what_is_no_name_is_not_asked_for():
    async def test(server):
        for name in ("", "a..b", "a" * 64):
            assert (await fails(OSError, resolver.look_up(name))).errno == errno.ENOENT
        assert server.asked == []

    play(test, DNS(GOOD))


def test_forged_answers_are_passed_over():
    async def test(server):
        def forged(query):
            other = server.reply(query, "tb.test", dns.A)
            return (b"", b"\xff" * 512, bytes((other[0] ^ 1,)) + other[1:], other[:-3])

        server.before = forged
        assert sorted(await resolver.look_up("tb.test")) == GOOD["tb.test"]

    play(test, DNS(GOOD))


def test_one_look_up_at_a_time():
    async def test(server):
        server.delay_ms = 50
        before = sockets()
        look_ups = asyncio.gather(*[resolver.look_up("tb.test") for _ in range(4)])
        task = asyncio.create_task(look_ups)
        most = 0
        while not task.done():
            most = max(most, sockets() - before)
            await asyncio.sleep_ms(1)
        assert [sorted(found) for found in await task] == [GOOD["tb.test"]] * 4
        assert server.most_under_way == most == 1, most

    play(test, DNS(GOOD))


def test_a_cancelled_look_up_makes_room_for_the_next():
    async def test(server):
        server.silent = True
        before = sockets()
        task = asyncio.create_task(resolver.look_up("tb.test"))
        await asyncio.sleep_ms(50)
        assert sockets() == before + 1
        task.cancel()
        await asyncio.sleep_ms(10)
        assert sockets() == before
        server.silent = False
        _, took, _ = await longest_pause(resolver.look_up("tb.test"))
        assert took < 500

    play(test, DNS(GOOD))


class Numbers:
    """The module socket, whose getaddrinfo() must not be asked for names, or twice."""

    def __init__(self, real):
        self.real = real
        self.asked = []

    def __getattr__(self, name):
        return getattr(self.real, name)

    def getaddrinfo(self, *what):
        assert what not in self.asked and udp.is_number(what[0]), what
        self.asked.append(what)
        return self.real.getaddrinfo(*what)


def test_getaddrinfo_is_asked_for_numbers_only_and_once():
    async def test(server):
        udp.socket = numbers = Numbers(udp.socket)
        udp._numbers.clear()
        try:
            for _ in range(3):
                for host in ("127.0.0.1", "::1", "localhost", "tb.test"):
                    transport = udp.UDPTransport(host, 5683)
                    await transport.open()
                    await transport.open()  # the name's other address
                    transport.close()
        finally:
            udp.socket = numbers.real
        assert len(numbers.asked) == 5 and len(server.asked) == 12

    play(test, DNS(GOOD))


def test_the_numbers_known_have_a_bound():
    for n in range(100):
        udp.open_socket("127.0.0.%d" % (n + 1), 5683).close()
        assert len(udp._numbers) <= 8


def test_what_is_a_number():
    for host in ("127.0.0.1", "255.255.255.255", "::1", "2001:db8::5"):
        assert udp.is_number(host), host
    for host in ("1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.x", "tb.test", "", "tb.test:5683"):
        assert not udp.is_number(host), host


class New:
    """The module network from MicroPython 1.24 on."""

    def __init__(self, address):
        self.ipconfig = {"dns": address}.get


class Old:
    """The module network before."""

    def __init__(self, address):
        self.WLAN = lambda: self
        self.ifconfig = lambda: ("10.0.0.2", "255.255.255.0", "10.0.0.1", address)


def test_a_board_asks_the_server_of_its_network_and_none_without_a_link():
    async def main():
        try:
            for module in (New, Old):
                sys.modules["network"] = module("10.0.0.1")
                assert resolver.servers() == [("10.0.0.1", 53)]
                for none in ("0.0.0.0", ""):
                    sys.modules["network"] = module(none)
                    outcome, took, _ = await longest_pause(resolver.look_up("tb.test"))
                    assert outcome.errno == errno.EHOSTUNREACH and took < 100
        finally:
            del sys.modules["network"]

    asyncio.run(main())


def test_a_pc_asks_the_servers_of_its_configuration():
    lines = ["# nameserver 9.9.9.9", "search test", "nameserver 10.0.0.1", "nameserver ::1", ""]
    real = resolver.open if hasattr(resolver, "open") else None
    resolver.open = lambda path: Lines(lines)
    try:
        assert resolver.servers() == [("10.0.0.1", 53), ("::1", 53)]
    finally:
        if real:
            resolver.open = real
        else:
            del resolver.open


class Lines(list):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
