# The asyncio driver of a Download.

from micropython import const

from .block import TransferError
from .client import uri
from .download import Download
from .endpoint import ResetError, ResponseError
from .message import GET, NON, Message
from .observation import Receiver

_WAIT_MS = const(93_000)  # MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2)


async def download(
    client, path, query, body, size=None, block_size=1024, pause=False, progress=None
):
    """Feed a body with a resource, block by block, in order, from body.offset on.

    body has offset (the next byte that it wants), size (None while it does not know) and
    feed(offset, data), which may start before the byte wanted; Image of abupdate is one. Block 0
    is always fed. Ends when body.offset is body.size, or with the resource. path and query are
    Client.request()'s, size and block_size Download's; client.window_limit blocks may be under
    way. With pause none is while the body is fed. progress(done, total) is told bytes.
    Raises ResponseError, OSError (ETIMEDOUT, ResetError, others), TransferError.
    """
    message = Message(GET, b"", uri(path, query, ()), NON)
    blocks = Download(message, client.window_limit, block_size, size)
    inbox = Receiver()

    def ask():
        while request := blocks.next_request():
            client.start(request, _WAIT_MS, inbox, None, True)

    def drop():
        for exchange in list(client.endpoint.exchanges):
            if exchange.receiver is inbox:
                client.cancel(exchange)

    def narrow():
        # What waits for its turn may have the memory that the block before it wants.
        if blocks.window > 1:
            blocks.narrow()
            drop()
            ask()

    client.on_cut = narrow
    try:
        while body.offset != body.size:
            ask()
            if not blocks.under_way:
                return
            try:
                stale = blocks.receive(await inbox.next())
            except (ResetError, ResponseError, TransferError) as error:
                stale = blocks.forgotten(error)
            if stale:
                drop()
                inbox = Receiver()
            while not (pause and blocks.under_way) and (data := blocks.next_data()):
                if data[0] and not pause:
                    ask()  # what comes next is on its way while the flash works
                body.feed(data[0], data[1])
                blocks.offset = max(blocks.offset, body.offset)
                if blocks.size is None:
                    blocks.size = body.size
                if progress and blocks.size:
                    progress(body.offset, blocks.size)
    finally:
        client.on_cut = None
        drop()
