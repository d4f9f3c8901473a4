"""A line to a server that is on this PC as well: each packet takes its time, and is noted.

A TUN device has both ends: NEAR is this host. What it sends to FAR comes back from FAR, because
the line swaps the two addresses; no checksum changes by that. So a server that listens on NEAR has
clients that speak to FAR, and each of them believes the other to be far away.

Its network is that of the process, which must be one of its own (`network.py`).
"""

import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from pathlib import Path

from tools.measure.low_power.packets import Packet

NEAR, FAR = "192.0.2.1", "192.0.2.2"  # RFC 5737: of nobody
NAME = "line"
DEVICE = "/dev/net/tun"
TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN, IFF_NO_PI = 1, 0x1000
SYSTEM = Path("/proc/sys/net/ipv4")
# TCP as the boards' lwIP has it: a bare header, nothing remembered of other connections.
PLAIN_TCP = {
    "tcp_timestamps": 0,
    "tcp_sack": 0,
    "tcp_window_scaling": 0,
    "tcp_no_metrics_save": 1,
}
QUIET_S = 0.3
TICK_S = 0.1


class Line:
    """`with Line() as line:` is up between NEAR and FAR; delay_s, one way, may be changed.

    packets are those that have entered it, in that order.
    """

    def __init__(self):
        self.delay_s = 0.0
        self.packets: list[Packet] = []
        self._late: deque[tuple[float, bytes]] = deque()
        self._over = False
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self):
        self._tun = os.open(DEVICE, os.O_RDWR)
        request = struct.pack("16sH22x", NAME.encode(), IFF_TUN | IFF_NO_PI)
        fcntl.ioctl(self._tun, TUNSETIFF, request)
        for name, value in PLAIN_TCP.items():
            (SYSTEM / name).write_text(f"{value}\n")
        for command in (
            "link set lo up",
            f"address add {NEAR} peer {FAR} dev {NAME}",
            f"link set {NAME} up",
        ):
            subprocess.run(["ip", *command.split()], check=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over = True
        self._thread.join()
        os.close(self._tun)

    def settle(self) -> None:
        """Wait until no packet is on the line, and none was for some round trips."""
        while True:
            last = self.packets[-1].came if self.packets else 0
            left = last + 3 * self.delay_s + QUIET_S - time.monotonic()
            if left <= 0:
                return
            time.sleep(left)

    def _carry(self):
        while not self._over:
            wait_s = TICK_S
            if self._late:
                wait_s = self._late[0][0] - time.monotonic()
            ready, _, _ = select.select([self._tun], [], [], max(0, min(wait_s, TICK_S)))
            if ready:
                data = os.read(self._tun, 65535)
                now = time.monotonic()
                if packet := Packet.read(data, now, now + self.delay_s):
                    self.packets.append(packet)
                    self._late.append((packet.came, swapped(data)))
            while self._late and self._late[0][0] <= time.monotonic():
                os.write(self._tun, self._late.popleft()[1])


def swapped(packet: bytes) -> bytes:
    """Return an IPv4 packet with its two addresses swapped."""
    return packet[:12] + packet[16:20] + packet[12:16] + packet[20:]


def free_port() -> int:
    """Return a TCP port of NEAR that nobody has."""
    with socket.socket() as one:
        one.bind((NEAR, 0))
        return one.getsockname()[1]
