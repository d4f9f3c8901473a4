# Runs on the unix port: does with our client what a list of steps on standard input says; a line
# of JSON for each, and at last one with the client's counters. Bytes are hex.
#
# {"request": [code, path], "payload": .., ..}   further keys are Client.request()'s;
#                                                "streamed": the body goes through a sink
# {"observe": path, "messages": n, ..}           that many messages, then cancel
#                                                "between": requests, one after each message
# {"download": path, "from": n, "window": n, ..} a package by several blocks under way, from a
#                                                byte on; further keys are downloading.download()'s

import asyncio
import json
import sys
from binascii import hexlify, unhexlify

import coap
from coap import downloading
from secured import security


def described(message):
    return {
        "type": message.type,
        "code": message.code,
        "payload": hexlify(message.payload).decode(),
        "options": [[number, hexlify(value).decode()] for number, value in message.options],
    }


async def request(client, step):
    code, path = step.pop("request")
    step["payload"] = unhexlify(step.get("payload", ""))
    body = bytearray()
    if step.pop("streamed", False):
        step["sink"] = body.extend
    try:
        answer = await client.request(code, path, **step)
        answer.payload = answer.payload or body
        return described(answer)
    except coap.ResponseError as error:
        payload = hexlify(error.payload).decode()
        return {"error": "ResponseError", "code": error.code, "payload": payload}
    except (OSError, coap.TransferError) as error:
        return {"error": type(error).__name__, "text": str(error)}


async def observe(client, step):
    wanted = step.pop("messages")
    between = step.pop("between", ())
    observation = client.observe(step.pop("observe"), **step)
    messages = []
    async for message in observation:
        messages.append(described(message))
        if len(messages) == wanted:
            observation.cancel()
        elif between:
            await request(client, between[len(messages) - 1])
    return {"messages": messages, "lost": observation.lost}


class Body:
    size = None

    def __init__(self, offset):
        self.offset = offset
        self.data = bytearray()

    def feed(self, offset, data):
        data = data[self.offset - offset :]
        self.data += data
        self.offset += len(data)


async def download(client, step):
    body = Body(step.pop("from", 0))
    client.window_limit = client.endpoint.window_limit = step.pop("window", 3)
    try:
        path, query = step.pop("download"), step.pop("query")
        await downloading.download(client, path, query, body, **step)
    except (OSError, coap.ResponseError, coap.TransferError) as error:
        return {"error": type(error).__name__, "text": str(error)}
    return {"payload": hexlify(body.data).decode()}


async def main(port, steps):
    client = await coap.connect("127.0.0.1", port, security=security())
    for step in steps:
        (do,) = [do for do in (request, observe, download) if do.__name__ in step]
        answer = await do(client, step)
        print(json.dumps(answer))
    names = ("malformed", "unexpected", "duplicates", "stale", "retransmissions")
    print(json.dumps({name: getattr(client.endpoint, name) for name in names}))


asyncio.run(main(int(sys.argv[1]), json.load(sys.stdin)))
