# The client's timer: it sleeps until something is due, and not a moment longer.

import asyncio
from time import ticks_diff, ticks_ms

from coap.client import Client
from coap.message import Message, option_uint
from coap.udp import UDPTransport
from scene import ACK, Server, echo, free_port, reply, scene

HOUR_MS = 3600_000
OBSERVE = 6


class Counted(UDPTransport):
    """Counts how often the client looks what is due."""

    looks = 0

    def handle_timeout(self, now):
        self.looks += 1
        return super().handle_timeout(now)


def sleeps_ms(client):
    return ticks_diff(client._timer.ph_key, ticks_ms())


def test_an_idle_client_does_not_wake_up():
    async def test(client, server):
        await asyncio.sleep_ms(10)
        assert client.transport.looks == 1 and sleeps_ms(client) > HOUR_MS - 1000
        await client.get("a")
        looks = client.transport.looks
        await asyncio.sleep_ms(400)
        assert client.transport.looks == looks
        assert sleeps_ms(client) > HOUR_MS - 1000

    scene(echo, test, Counted)


def test_a_request_wakes_the_timer_up_in_time():
    times = []

    def third_time(message):
        times.append(ticks_ms())
        return echo(message) if len(times) == 3 else ()

    async def test(client, server):
        await asyncio.sleep_ms(10)
        assert sleeps_ms(client) > HOUR_MS - 1000
        assert (await client.post("a", b"x")).payload == b"x"
        first, second = [ticks_diff(b, a) for a, b in zip(times, times[1:])]
        # ACK_RANDOM_FACTOR 1.5, then doubled; the rest is the machine's.
        assert 95 <= first <= 250 and 195 <= second <= 400
        assert abs(second - 2 * first) < 100
        assert sleeps_ms(client) > HOUR_MS - 1000

    scene(third_time, test, ack_timeout_ms=100)


def test_many_requests_move_the_alarm_to_the_earliest():
    async def test(client, server):
        ends = []

        async def silent(timeout_ms):
            start = ticks_ms()
            try:
                await client.get("a", type=1, timeout_ms=timeout_ms)
            except OSError:
                ends.append((timeout_ms, ticks_diff(ticks_ms(), start)))

        limits = (700, 100, 400, 250)
        await asyncio.gather(*[silent(timeout_ms) for timeout_ms in limits])
        assert [limit for limit, _ in ends] == sorted(limits)
        assert all(limit <= took < limit + 150 for limit, took in ends), ends

    scene(lambda m: (), test, window_limit=8)


def test_a_silent_observation_lets_the_timer_sleep():
    async def test(client, server):
        observation = client.observe("a")
        async for _ in observation:
            break
        # 128 s after a notification any other one counts as newer: nothing else is due.
        assert 120_000 < sleeps_ms(client) <= 128_000

    scene(lambda m: (reply(m, b"x", options=[(OBSERVE, option_uint(0))]),), test)


class Handshake(UDPTransport):
    """Takes three flights, 60 ms apart, before it can send; keeps what is to be sent till then."""

    flights = ()

    async def open(self):
        await super().open()
        self.really_send = self.send
        self.send = self.keep
        self.kept = []
        self.flights = []

    def keep(self, datagram):
        self.kept.append(bytes(datagram))

    def handle_timeout(self, now):
        if not self.opened or len(self.flights) == 3:
            return HOUR_MS
        left = ticks_diff(self.flights[-1] + 60, now) if self.flights else 0
        if left > 0:
            return left
        self.flights.append(now)
        if len(self.flights) < 3:
            return 60
        self.send = self.really_send
        for datagram in self.kept:
            self.send(datagram)
        return HOUR_MS

    def recv(self):
        data = super().recv()
        return None if data == b"handshake" else data


def test_a_transport_with_a_timer_of_its_own():
    async def test(client, server):
        assert (await client.post("a", b"x")).payload == b"x"
        first, second, third = client.transport.flights
        assert 60 <= ticks_diff(second, first) < 160 and 60 <= ticks_diff(third, second) < 160
        assert client.endpoint.retransmissions == client.link_errors == 0

    scene(echo, test, Handshake)


def test_what_is_the_transport_s_own_does_not_reach_the_endpoint():
    def with_more(message):
        return (b"handshake",) + echo(message) if message.type != ACK else ()

    async def test(client, server):
        assert (await client.post("a", b"x")).payload == b"x"
        assert client.endpoint.malformed == client.link_errors == 0

    scene(with_more, test, Handshake)


class Mortal(UDPTransport):
    """Dies of one datagram."""

    def recv(self):
        data = super().recv()
        if data == b"die":
            self.close()
            raise OSError(104)
        return data


def test_a_transport_that_died_is_opened_again_by_the_next_request():
    async def test(client, server):
        await client.post("a", b"x")
        server.send(b"die")
        await asyncio.sleep_ms(20)
        assert client.link_errors == 1 and client.transport.pollable is None
        assert (await client.post("a", b"y")).payload == b"y"
        assert client.transport.opened == 2 and client.link_errors == 1

    scene(echo, test, Mortal)


def test_a_transport_that_dies_while_the_client_waits_for_a_datagram():
    async def test(client, server):
        await client.post("a", b"x")
        client.transport.close()
        await asyncio.sleep_ms(20)
        assert client._reader is None and client.link_errors == 0
        assert (await client.post("a", b"y")).payload == b"y"

    scene(echo, test)


def test_reconnect_while_the_reader_rests_after_an_error():
    async def test(client, server):
        await client.post("a", b"x")
        server.send(b"die")
        await asyncio.sleep_ms(20)
        reader = client._reader
        client.reconnect()
        assert (await client.post("a", b"y")).payload == b"y"
        await asyncio.sleep_ms(60)
        assert reader.done() and not client._reader.done()
        assert (await client.post("a", b"z")).payload == b"z"

    scene(echo, test, Mortal)


def test_a_cancelled_request_gives_its_place_to_the_next():
    async def test(client, server):
        tasks = [asyncio.create_task(client.get("a")) for _ in range(3)]
        await asyncio.sleep_ms(30)
        assert len(server.got) == 2  # one place, and the reserved one
        tasks[0].cancel()
        await asyncio.sleep_ms(30)
        assert len(server.got) == 3

    scene(lambda m: (), test)


def test_close_while_the_timer_sleeps():
    async def test(client, server):
        await client.get("a")
        timer = client._timer
        client.close()
        await asyncio.sleep_ms(10)
        assert timer.done() and asyncio.core._task_queue.peek() is not timer

    scene(echo, test)


def test_a_client_that_is_made_before_the_loop_runs():
    port = free_port()
    client = Client(UDPTransport("127.0.0.1", port))

    async def main():
        server = Server(port, lambda m: (Message(0x45, b"y", (), ACK, m.token, m.message_id),))
        assert (await client.get("a")).payload == b"y"
        client.close()
        server.close()

    asyncio.run(main())
