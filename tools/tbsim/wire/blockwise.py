"""Bodies in blocks as Californium 3.12 handles them for ThingsBoard (RFC 7959; no ETag).

Uploads are put together by the peer's address, method, path and query; large answers are kept
under the same key, and dropped with the last block or after LIFETIME_S. Later blocks of a kept
answer are had from here, so the resource is not asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiocoap import Message

from .codec import answer
from .exchange import Exchange

SZX = 6  # blocks of 1024 bytes: MAX_MESSAGE_SIZE and PREFERRED_BLOCK_SIZE
BERT = 7
MAX_BODY = 256 << 20
LIFETIME_S = 300


@dataclass(frozen=True)
class BlockRules:
    """What a resource does at the edges of its answers."""

    # A block past the end: 4.02, or an empty block with the answer's code.
    empty_past_end: bool = False
    # A later block when nothing is kept: cut from the new answer, or the whole answer in its
    # place, and none at all when that does not fit a block.
    cut_new_answer: bool = True
    # An answer that fits block 0: "more" says whether it is no longer than the exponent of the
    # block's size.
    more_by_exponent: bool = False


USUAL = BlockRules()


@dataclass
class Upload:
    """A body that arrives in blocks."""

    body: bytearray
    size: int | None  # Size1
    content_format: int | None
    renewed: float  # when its last block came


@dataclass
class Body:
    """A whole response, from which blocks are cut. on_block is told of each: first byte, bytes."""

    response: Message
    rules: BlockRules
    on_block: Callable[[int, int], None]
    expires: float = 0.0

    def block(self, num: int, szx: int) -> Message:
        payload = self.response.payload
        start, size = num << szx + 4, 16 << szx
        if start >= len(payload) and not self.rules.empty_past_end:
            return answer("4.02")
        block = answer(self.response.code.dotted, payload[start : start + size])
        block.opt.content_format = self.response.opt.content_format
        block.opt.block2 = (num, start + size < len(payload), szx)
        self.on_block(start, len(block.payload))
        return block

    def whole(self) -> Message:
        self.on_block(0, len(self.response.payload))
        return self.response


def transfer_key(exchange: Exchange) -> tuple:
    """Return what transfers are known by."""
    request = exchange.request
    return exchange.address, request.code.name, exchange.path, request.opt.uri_query


def upload_error(upload: Upload | None, request: Message) -> Message | None:
    """Return the answer to a block that does not continue its upload, or None if it does."""
    num, more, szx = request.opt.block1
    size, position = 16 << szx, len(upload.body) if upload else 0
    if num * size != position:
        text = f"request block1 offset {num * size} doesn't match the current position {position}!"
        return answer("4.08", text.encode())
    if upload.content_format != request.opt.content_format:
        return answer("4.08", b"unexpected Content-Format")
    if upload.size is not None and position + len(request.payload) > upload.size:
        text = f"response {len(request.payload)} exceeds the left buffer {upload.size - position}"
        return answer("4.13", text.encode())
    end = position + len(request.payload)
    if more and end % size:
        text = f"Block1 buffer position {end} doesn't align with blocksize {size}!"
        return answer("4.08", text.encode())
    return None


class Blockwise:
    """All transfers of the server."""

    def __init__(self, now: Callable[[], float]):
        self._now = now  # a monotonic clock in seconds
        self._uploads: dict[tuple, Upload] = {}  # transfer key: ...
        self._kept: dict[tuple, Body] = {}  # transfer key: ...

    def forget(self) -> None:
        """A restart of the server."""
        self._uploads.clear()
        self._kept.clear()

    def upload(self, exchange: Exchange) -> Message | bytes:
        """Take a request with Block1. Returns its answer, or with the last the whole body."""
        request, key = exchange.request, transfer_key(exchange)
        num, more, szx = request.opt.block1
        if szx == BERT:
            return answer("4.00", b"Block1 BERT used for UDP!")
        size, content_format = request.opt.size1, request.opt.content_format
        if num == 0:
            if size is not None and size > MAX_BODY:
                text = f"body too large, max. {MAX_BODY} bytes"
                return answer("4.13", text.encode(), size1=MAX_BODY)
            self._uploads[key] = Upload(bytearray(), size, content_format, self._now())
        # Whatever is wrong with a block ends its transfer.
        upload = self._uploads.pop(key, None)
        if upload and upload.renewed < self._now() - LIFETIME_S:
            upload = None
        error = upload_error(upload, request)
        if error:
            return error
        upload.body += request.payload
        upload.renewed = self._now()
        if more:
            self._uploads[key] = upload
            return answer("2.31", block1=request.opt.block1)
        exchange.block1 = request.opt.block1
        return bytes(upload.body)

    def kept_block(self, exchange: Exchange) -> Message | None:
        """Return the later block that a request asks for; None: it asks for none, or the answer
        is not kept, and the resource is to answer anew.
        """
        num, _, szx = exchange.request.opt.block2 or (0, False, SZX)
        key = transfer_key(exchange)
        kept = self._kept.get(key)
        if num == 0 or kept is None:
            return None
        if kept.expires <= self._now():
            del self._kept[key]
            return None
        block = kept.block(num, szx)
        if block.opt.block2 and block.opt.block2.more:
            kept.expires = self._now() + LIFETIME_S
        else:
            del self._kept[key]  # with the last block, so it cannot be had twice
        return block

    def cut(
        self,
        exchange: Exchange,
        response: Message,
        rules: BlockRules = USUAL,
        on_block: Callable[[int, int], None] = lambda first, size: None,
    ) -> Message | None:
        """Return what of a resource's response answers the request; None: there is no answer."""
        block2 = exchange.request.opt.block2
        num, _, szx = block2 or (0, False, SZX)
        if num == 0:
            key = transfer_key(exchange)
            return self.first(key, response, szx if block2 else None, rules, on_block)
        body = Body(response, rules, on_block)
        if rules.cut_new_answer:
            return body.block(num, szx)
        if len(response.payload) > 16 << szx:
            return None
        response.opt.block2 = (num, False, szx)
        return body.whole()

    def first(
        self,
        key: tuple,
        response: Message,
        szx: int | None = None,
        rules: BlockRules = USUAL,
        on_block: Callable[[int, int], None] = lambda first, size: None,
    ) -> Message:
        """Return a response, or its block 0 when it must be cut; then the whole is kept.

        szx is that of the request's Block2; None: it had none.
        """
        body = Body(response, rules, on_block, expires=self._now() + LIFETIME_S)
        length, size = len(response.payload), 16 << (SZX if szx is None else szx)
        if length > size:
            self._kept[key] = body
            block = body.block(0, SZX if szx is None else szx)
            block.opt.observe = response.opt.observe
            block.opt.size2 = length
            return block
        if szx is not None:
            response.opt.block2 = (0, rules.more_by_exponent and length <= szx, szx)
        return body.whole()
