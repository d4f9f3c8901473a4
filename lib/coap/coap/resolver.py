# Looks names up without blocking: dns.py's packets over UDP.
#
# socket.getaddrinfo() blocks 7 s for each silent server, on RP2 with MicroPython 1.26 and 1.27 for
# ever. A client that is given a number does not import this.

import asyncio
import errno
import os
import select
import socket
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from . import dns
from .udp import open_socket

_PORT = const(53)
_SERVERS = const(2)  # that many are asked, each twice: 6 s when all are silent
_ANSWER_MS = const(1500)
_POLL_MS = const(10)
_LONGEST_MS = const(10_000)
_BUFFER = const(512)  # the longest answer over UDP (RFC 1035 section 4.2.1)
_KNOWS = (0, 3)  # the codes of a server that can tell: it is so, or there is no such name
_FIRST_PORT = const(49152)  # of those that are nobody's (RFC 6335 section 6): 2**14

# unix alone has sockaddr(), and of the three ports IPv6 that can send. It also takes a source
# port at random; the boards count upwards.
_UNIX = hasattr(socket, "sockaddr")
_TYPES = (dns.A, dns.AAAA) if _UNIX else (dns.A,)

_until = None  # when the look-up that is under way has surely ended


async def look_up(host):
    """Return the addresses of a name: numbers as texts, not none.

    Another look-up that is under way is waited for: a board has few sockets. Takes 6 s at most
    beside that. Raises OSError: ENOENT (there is no such name, or no address), ETIMEDOUT (no DNS
    server knows), EHOSTUNREACH (no server is known: there is no link yet), or what the network
    stack said. The first two have words for a person as their second argument.
    """
    global _until
    if host == "localhost":  # RFC 6761 section 6.3
        return ["127.0.0.1"]
    unknown = OSError(errno.ENOENT, "no such name: " + host)
    try:
        dns.query(host, 0)
    except ValueError:
        raise unknown
    while _until is not None and ticks_diff(_until, ticks_ms()) > 0:
        await asyncio.sleep_ms(_POLL_MS)
    _until = ticks_add(ticks_ms(), _LONGEST_MS)
    try:
        addresses = await _ask_all(host)
    finally:
        _until = None
    if not addresses:
        raise unknown
    return addresses


def servers():
    """Return (address, port) of each DNS server: of the network interface, or /etc/resolv.conf.

    A board without a link knows none. A test or an application may put a function of its own in
    the place of this one.
    """
    try:
        import network
    except ImportError:
        with open("/etc/resolv.conf") as file:
            lines = [line.split() for line in file]
        return [(words[1], _PORT) for words in lines if words[:1] == ["nameserver"]]
    if hasattr(network, "ipconfig"):
        address = network.ipconfig("dns")
    else:
        address = network.WLAN().ifconfig()[3]
    return [(address, _PORT)] if address not in ("", "0.0.0.0") else []


async def _ask_all(host):
    error = OSError(errno.EHOSTUNREACH)
    for server in 2 * servers()[:_SERVERS]:
        try:
            return await _ask(server, host)
        except OSError as failure:
            error = failure
    raise error


async def _ask(server, host):
    # Return the addresses that one server knows; none is an answer, too.
    address, port = server
    udp = open_socket(address, port, 0 if _UNIX else _FIRST_PORT + (_random() >> 2))
    try:
        # This look-up's own poller: asyncio's does not survive a registration that fails.
        poller = select.poll()
        poller.register(udp, select.POLLIN)
        queries = [dns.query(host, _random(), type) for type in _TYPES]
        for query in queries:
            udp.send(query)
        addresses = []
        failed = False
        end = ticks_add(ticks_ms(), _ANSWER_MS)
        while queries and ticks_diff(end, ticks_ms()) > 0:
            for _ in poller.ipoll(0):
                data = udp.recv(_BUFFER)
                for query in queries:
                    try:
                        code, more = dns.answer(data, query)
                    except ValueError:
                        continue  # another one's, or forged: the right one may still come
                    queries.remove(query)
                    addresses += more
                    failed = failed or code not in _KNOWS
                    break
            await asyncio.sleep_ms(_POLL_MS)
    finally:
        udp.close()
    if not addresses and (queries or failed):
        raise OSError(errno.ETIMEDOUT, "the DNS is silent")
    return addresses


def _random():
    return int.from_bytes(os.urandom(2), "big")
