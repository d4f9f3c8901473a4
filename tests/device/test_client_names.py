# A client whose server has a name: what happens when the DNS is slow, silent, or says otherwise.

import asyncio
import errno
from time import ticks_diff, ticks_ms

import coap
from coap.message import Message
from names import DNS, sockets
from scene import Server, echo, fails, free_port, reply


def play(test, names, answers=echo, hosts=("127.0.0.1", "127.0.0.2")):
    # Run test(client, dns, servers...); the name is tb.test. No socket may be left.
    async def main():
        before = sockets()
        port = free_port()
        with DNS({"tb.test": list(names)}) as dns:
            servers = [Server(port, answers, number) for number in hosts]
            client = await coap.connect("tb.test", port, ack_timeout_ms=200)
            try:
                await asyncio.wait_for(test(client, dns, *servers), 9)
            finally:
                client.close()
                for server in servers:
                    server.close()
                await asyncio.sleep_ms(20)
        assert sockets() == before

    asyncio.run(main())


def test_many_requests_make_one_look_up():
    async def test(client, dns, one, two):
        dns.delay_ms = 50
        requests = [client.post("a", b"%d" % n) for n in range(4)]
        answers = await asyncio.gather(*requests)
        assert [answer.payload for answer in answers] == [b"0", b"1", b"2", b"3"]
        assert len(dns.asked) == 2 and client.transport.opened == 1  # A and AAAA
        assert client.endpoint.retransmissions == client.link_errors == 0

    play(test, ["127.0.0.1"])


def test_many_reconnections_make_one_look_up():
    async def test(client, dns, one, two):
        await client.get("a")
        for _ in range(5):
            client.reconnect()
            await asyncio.sleep_ms(1)
        await asyncio.sleep_ms(100)
        assert len(dns.asked) == 4 and client.transport.opened == 2

    play(test, ["127.0.0.1"])


def test_the_old_port_works_while_the_name_is_looked_up():
    async def test(client, dns, one, two):
        await client.get("a")
        dns.delay_ms = 600
        client.reconnect()
        start = ticks_ms()
        await client.get("a")
        assert ticks_diff(ticks_ms(), start) < 300 and client.transport.opened == 1
        await asyncio.sleep_ms(700)
        assert client.transport.opened == 2
        await client.get("a")
        assert len(one.addresses) == 2

    play(test, ["127.0.0.1"])


def test_a_silent_dns_leaves_the_last_addresses():
    async def test(client, dns, one, two):
        await client.get("a")
        dns.silent = True
        client.reconnect()
        await client.get("a")
        await asyncio.sleep_ms(3500)
        assert client.transport.opened == 2
        await client.get("a")
        assert len(one.addresses) == 2 and client.link_errors == 0

    play(test, ["127.0.0.1"])


def test_an_unknown_name_ends_requests_soon():
    async def test(client, dns, one, two):
        del dns.names["tb.test"]
        error = await asyncio.wait_for(fails(OSError, client.get("a")), 1)
        assert error.errno == errno.ENOENT
        dns.names["tb.test"] = ["127.0.0.1"]
        await client.get("a")

    play(test, ["127.0.0.1"])


def test_what_is_no_name_ends_requests_at_once():
    async def test(client, dns, one, two):
        client.transport.address = ("a..b", 5683)
        error = await asyncio.wait_for(fails(OSError, client.get("a")), 1)
        assert error.errno == errno.ENOENT and dns.asked == []

    play(test, [])


async def reopened(client):
    opened = client.transport.opened
    client.reconnect()
    while client.transport.opened == opened:
        await asyncio.sleep_ms(5)


def test_the_addresses_are_tried_in_turn_however_the_dns_orders_them():
    async def test(client, dns, *servers):
        used = []
        for _ in range(6):
            await reopened(client)
            before = [len(server.got) for server in servers]
            await client.get("a")
            grown = [len(server.got) - n for server, n in zip(servers, before)]
            used.append(servers[grown.index(1)].number)
            dns.names["tb.test"].append(dns.names["tb.test"].pop(0))
        assert used == ["127.0.0.1", "127.0.0.2", "127.0.0.3"] * 2

    numbers = ["127.0.0.3", "127.0.0.1", "127.0.0.2"]
    play(test, numbers, hosts=sorted(numbers))


def test_an_address_without_a_way_costs_nothing():
    async def test(client, dns, one, two):
        for _ in range(3):  # the other address is the next one, and is refused at once
            await reopened(client)
            await asyncio.wait_for(client.get("a"), 1)
        assert client.transport.opened == len(two.got) == 3

    play(test, ["127.0.0.2", "255.255.255.255"])


def test_a_server_that_moved_is_found():
    async def test(client, dns, one, two):
        assert (await client.post("a", b"x")).payload == b"x"
        dns.names["tb.test"] = ["127.0.0.2"]
        client.reconnect()
        await asyncio.sleep_ms(60)
        await client.post("a", b"y")
        assert len(one.got) == len(two.got) == 1

    play(test, ["127.0.0.1"])


def test_a_request_under_way_goes_on_at_the_new_address():
    def silent(message):
        return ()

    async def test(client, dns, one, two):
        two.handle = echo
        task = asyncio.create_task(client.post("a", b"x"))
        await asyncio.sleep_ms(100)
        dns.names["tb.test"] = ["127.0.0.2"]
        client.reconnect()
        assert (await task).payload == b"x" and len(two.got) == 1

    play(test, ["127.0.0.1"], silent)


def test_close_while_the_name_is_looked_up():
    async def test(client, dns, one, two):
        dns.silent = True
        task = asyncio.create_task(client.get("a"))
        await asyncio.sleep_ms(50)
        client.close()
        assert (await fails(OSError, task)).errno == errno.ENOTCONN
        assert client.transport.pollable is None

    play(test, ["127.0.0.1"])


def test_a_deaf_socket_is_replaced_without_a_look_up():
    async def test(client, dns, one, two):
        await client.get("a")
        dns.silent = True
        client.transport.goes_deaf = True
        one.send(b"")
        await asyncio.sleep_ms(50)
        assert client.transport.opened == 2 and len(dns.asked) == 2
        await asyncio.wait_for(client.get("a"), 1)

    play(test, ["127.0.0.1"])


def test_two_clients_with_the_same_name():
    async def test(client, dns, one, two):
        dns.delay_ms = 50
        other = await coap.connect("tb.test", client.transport.address[1])
        answers = await asyncio.gather(client.get("a"), other.get("a"))
        other.close()
        assert len(answers) == 2 and dns.most_under_way == 1

    play(test, ["127.0.0.1"])


def test_the_caller_may_bring_a_look_up():
    async def main():
        port = free_port()
        server = Server(port, lambda m: (reply(m, b"here"),) if isinstance(m, Message) else ())
        asked = []

        async def look_up(host):
            asked.append(host)
            return ["127.0.0.1"]

        client = await coap.connect("by my table", port, look_up=look_up)
        assert (await client.get("a")).payload == b"here"
        assert asked == ["by my table"]
        client.close()
        server.close()

    asyncio.run(main())
