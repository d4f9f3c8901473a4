"""Bodies in blocks as Californium 3.12 handles them for ThingsBoard (RFC 7959; no ETag).

Uploads are put together per peer, method and URI; large answers are kept per peer and URI, and
dropped with the last block or after LIFETIME_S.
"""

from dataclasses import dataclass

from aiocoap import Code, Message

BLOCK_SIZE = 1024  # MAX_MESSAGE_SIZE and PREFERRED_BLOCK_SIZE
SZX = 6
MAX_BODY = 256 << 20
LIFETIME_S = 300


def answer(code: str, payload: bytes = b"", **options) -> Message:
    """Return a response; code as "4.08"."""
    group, detail = code.split(".")
    message = Message(code=Code(int(group) << 5 | int(detail)), payload=payload)
    for name, value in options.items():
        setattr(message.opt, name, value)
    return message


@dataclass
class Upload:
    body: bytearray
    size: int | None
    content_format: int | None
    expires: float


class Blockwise:
    def __init__(self, now):
        self._now = now  # a monotonic clock in seconds
        self.uploads: dict = {}
        self.bodies: dict = {}  # key: (expires, body, its answer)

    def upload(self, key, request: Message) -> Message | bytes:
        """Take a request with Block1. Returns its answer, or with the last the whole body."""
        num, more, szx = request.opt.block1
        if szx == 7:
            return answer("4.00", b"BERT is not supported over UDP")
        size = request.opt.size1
        if num == 0:
            if size is not None and size > MAX_BODY:
                return answer("4.13", b"body too large", size1=MAX_BODY)
            content_format = request.opt.content_format
            self.uploads[key] = Upload(bytearray(), size, content_format, self._now() + LIFETIME_S)
        upload = self.uploads.get(key)
        if not upload or upload.expires < self._now() or num << szx + 4 != len(upload.body):
            return answer("4.08", b"block out of order, or its transfer is unknown")
        if upload.content_format != request.opt.content_format:
            return answer("4.08", b"Content-Format changed")
        upload.body += request.payload
        upload.expires = self._now() + LIFETIME_S
        if upload.size is not None and len(upload.body) > upload.size:
            del self.uploads[key]
            return answer("4.13", b"more than Size1 said")
        if more:
            return answer("2.31", block1=request.opt.block1)
        del self.uploads[key]
        return bytes(upload.body)

    def first(self, key, response: Message, asked=None, strict: bool = True) -> Message:
        """Cut a response to its first block, when it must be, and keep the rest."""
        szx = asked[2] if asked else SZX
        body = response.payload
        size = 16 << szx
        if len(body) <= (size if asked else BLOCK_SIZE):
            if asked and strict:
                response.opt.block2 = (0, False, szx)
            return response
        self.bodies[key] = (self._now() + LIFETIME_S, body, response)
        first = answer(response.code.dotted, body[:size])
        first.opt.observe = response.opt.observe
        first.opt.content_format = response.opt.content_format
        first.opt.block2 = (0, True, szx)
        first.opt.size2 = len(body)
        return first

    def next(self, key, block2) -> Message | None:
        """Return a later block of a kept body; None if there is none: the request runs anew."""
        expires, body, response = self.bodies.get(key, (0, b"", None))
        if response is None or expires < self._now():
            self.bodies.pop(key, None)
            return None
        block = self.cut(response, body, block2)
        if not block.opt.block2 or not block.opt.block2.more:
            del self.bodies[key]
        else:
            self.bodies[key] = (self._now() + LIFETIME_S, body, response)
        return block

    def cut(self, response: Message, body: bytes, block2) -> Message:
        """Return block NUM of a body; 4.02 past its end."""
        num, _, szx = block2
        start, size = num << szx + 4, 16 << szx
        if start >= len(body):
            return answer("4.02")
        block = answer(response.code.dotted, body[start : start + size])
        block.opt.content_format = response.opt.content_format
        block.opt.block2 = (num, start + size < len(body), szx)
        return block
