# Runs on the unix port: a package by the library's download, into no flash. Arguments: port,
# access token, title, version, window.

import asyncio
import json
import sys
from binascii import crc32

import coap
from coap.downloading import download


class Body:
    offset = 0
    size = None
    crc = 0

    def feed(self, offset, data):
        self.crc = crc32(data, self.crc)
        self.offset += len(data)


async def main(port, token, title, version, window):
    client = await coap.connect("127.0.0.1", int(port), window_limit=int(window))
    body = Body()
    query = "title=" + title, "version=" + version
    await download(client, ("fw", token), query, body)
    print(json.dumps({"bytes": body.offset, "crc": body.crc}))


asyncio.run(main(*sys.argv[1:]))
