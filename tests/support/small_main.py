# A board that takes an update like a Pico W: its socket keeps few datagrams, and nothing is done
# while its flash is erased or programmed. Arguments: port, file of public keys, how many datagrams
# the socket keeps, window_limit, whether to pause.
# Ends with exit code 5 where a board would reset; the last line is JSON of what was counted.

import asyncio
import io
import json
import sys
import time

import coap
import update_board
import vfs
from coap.udp import UDPTransport
from updates import Disk

port, keys = int(sys.argv[1]), sys.argv[2]
room, window_limit, pause = [int(argument) for argument in sys.argv[3:]]

# Typical times of the W25Q16 on the board: its data sheet, section 9.6.
ERASE_MS = 45  # a sector of 4096 bytes
PROGRAM_US = 400  # a page of 256 bytes

# dropped: datagrams; under_way: the most blocks that were asked for while the flash worked.
counts = {"dropped": 0, "erased": 0, "under_way": 0}
client = None


class SlowDisk(Disk):
    """Flash that stops everything while it works."""

    def ioctl(self, operation, argument):
        if operation == 6:
            counts["erased"] += 1
            self.stop(ERASE_MS * 1000)
        return super().ioctl(operation, argument)

    def writeblocks(self, block, buf, offset=0):
        self.stop(len(buf) // 256 * PROGRAM_US)
        super().writeblocks(block, buf, offset)

    def stop(self, us):
        if client:
            n = sum([exchange.bulk for exchange in client.endpoint.exchanges])
            counts["under_way"] = max(counts["under_way"], n)
        time.sleep_us(us)


class SmallSocket(io.IOBase):
    """A socket that keeps `room` datagrams; of those that come while it is full none is heard.

    What came meanwhile is taken from the host's socket before anything is read or asked, in the
    order in which it came: so the same ones are lost as if each had been looked at when it came.
    """

    def __init__(self, socket):
        self.socket = socket
        self.queue = []
        self.close = socket.close

    def ioctl(self, request, argument):
        if request != 3:
            return -22  # EINVAL; above all it is no file of the host
        self.take()
        return argument & 1 if self.queue else 0  # whether it can be read

    def recv(self, size):
        self.take()
        return self.queue.pop(0)

    def take(self):
        while True:
            try:
                data = self.socket.recv(1280)
            except OSError:
                return
            if len(self.queue) < room:
                self.queue.append(data)
            else:
                counts["dropped"] += 1


class SmallTransport(UDPTransport):
    async def open(self):
        await super().open()
        self.pollable = SmallSocket(self.pollable)


def reset():
    print(json.dumps(counts))
    sys.exit(5)


async def main():
    global client
    disk = SlowDisk(80)
    vfs.VfsLfs2.mkfs(disk, progsize=256)
    vfs.mount(vfs.VfsLfs2(disk, progsize=256), "/board")
    slots = {"sw": update_board.start("UNIX", "/board/")}
    client = await coap.connect("127.0.0.1", port, window_limit=window_limit)
    client.transport = SmallTransport("127.0.0.1", port)
    await update_board.serve(client, "TOKEN", slots, keys, reset, pause=bool(pause))


asyncio.run(main())
