# Which block of a body is asked for, and which comes next: golden bytes, and what servers do.

from coap import NON, ResetError, ResponseError, TransferError
from coap.download import Download
from coap.message import GET, Message, decode, option_uint
from fakes import raised
from rows import rows

BLOCK = 1024
BODY = bytes([i * 7 + i // 256 & 255 for i in range(9 * BLOCK + 100)])
SIZE = len(BODY)
ETAG, BLOCK2, SIZE2 = 4, 23, 28
PATH = [(11, b"fw"), (11, b"TOK"), (15, b"title=t")]


def download(window=3, **how):
    return Download(Message(GET, b"", PATH, NON), window, **how)


def asked(it):
    # The numbers of the blocks that are asked for now; each is known by its number.
    numbers = []
    while request := it.next_request():
        numbers.append(request.uint(BLOCK2) >> 4)
    return numbers


def receive(it, outcome):
    # What is to be done with an outcome.
    try:
        if isinstance(outcome, Exception):
            raise outcome
        return it.receive(outcome)
    except (ResetError, ResponseError, TransferError) as error:
        return it.forgotten(error)


def block(num, size=BLOCK, body=BODY, options=(), code=0x45):
    start = num * size
    data = body[start : start + size]
    szx = 0
    while 16 << szx < size:
        szx += 1
    more = (start + size < len(body)) << 3
    options = list(options)
    options.append((BLOCK2, option_uint(num << 4 | more | szx)))
    if not num:
        options.append((SIZE2, option_uint(len(body))))
    return Message(code, data, sorted(options), NON)


def taken(it):
    # All that can be handed on now.
    parts = []
    while part := it.next_data():
        assert it.offset == part[0] + len(part[1])
        parts.append(bytes(part[1]))
    return b"".join(parts)


def opened(**how):
    it = download(**how)
    assert asked(it) == [0]
    assert receive(it, block(0)) is False
    assert taken(it) == BODY[:BLOCK]
    return it


def refused(it, outcome, kind=TransferError):
    return raised(kind, receive, it, outcome)


@rows(
    (0, 1024, "06"),
    (1, 1024, "16"),
    (15, 1024, "f6"),
    (16, 1024, "0106"),
    (4096, 1024, "010006"),
    (3, 256, "34"),
    (0, 16, ""),
)
def test_golden_requests(num, size, value):
    it = download(block_size=size)
    if num:
        asked(it)
        receive(it, block(0, size))
        it.offset = num * size
        it.size = it.offset + 1
    data = bytes(it.next_request().encode())
    # NON GET, Uri-Path "fw" "TOK", Uri-Query "title=t", Block2 (delta 8).
    head = "50010000" + "b26677" + "03544f4b" + "477469746c653d74"
    assert data.hex() == head + "8%x" % (len(value) // 2) + value


def test_golden_answers():
    # Of ThingsBoard: block 0 has Size2 (b9, 5 beyond Block2), later ones have not.
    it = download(size=None)
    asked(it)
    options = "d10a0e" + "52248c"
    first = decode(bytes.fromhex("50450001" + options + "ff") + bytes(BLOCK))
    assert receive(it, first) is False and it.size == 9356
    assert taken(it) == bytes(BLOCK) and asked(it) == [1, 2, 3]
    assert receive(it, decode(bytes.fromhex("50450002d10a2eff") + bytes(BLOCK))) is False
    assert it.next_data() is None
    assert receive(it, decode(bytes.fromhex("50450003d10a1eff") + bytes(BLOCK))) is False
    assert taken(it) == bytes(2 * BLOCK)


def test_a_body_from_its_first_block_to_its_last_which_is_asked_for_alone():
    it = opened()
    got = BODY[:BLOCK]
    order = []
    while numbers := asked(it):
        order.append(numbers)
        for num in reversed(numbers):
            assert receive(it, block(num)) is False
        got += taken(it)
    assert got == BODY and it.offset == it.size == SIZE
    assert order == [[1, 2, 3], [4, 5, 6], [7, 8], [9]]


def test_what_was_handed_on_makes_room():
    it = opened()
    assert asked(it) == [1, 2, 3]
    receive(it, block(3))
    receive(it, block(2))
    assert asked(it) == [] and it.next_data() is None
    receive(it, block(1))
    start, data = it.next_data()
    assert start == BLOCK and asked(it) == [4]  # before it was read: the bytes stay
    assert bytes(data) == BODY[BLOCK : 2 * BLOCK]
    assert taken(it) == BODY[2 * BLOCK : 4 * BLOCK]


def test_what_the_caller_has_is_not_asked_for():
    it = opened()
    it.offset = 5 * BLOCK + 10
    assert asked(it) == [5, 6, 7]
    receive(it, block(5))
    assert it.next_data()[0] == 5 * BLOCK
    # What was under way for a place before the new one is let go.
    it.offset = 8 * BLOCK
    assert receive(it, block(6)) is False and it.next_data() is None
    receive(it, block(7))
    assert asked(it) == [8]
    receive(it, block(8))
    assert taken(it) == BODY[8 * BLOCK : 9 * BLOCK]


@rows(1, 100, BLOCK)
def test_a_body_of_one_block(n):
    it = download()
    assert asked(it) == [0]
    receive(it, block(0, body=BODY[:n]))
    assert taken(it) == BODY[:n] and asked(it) == [] and it.size == n


def test_a_body_in_no_block():
    it = download()
    asked(it)
    receive(it, Message(0x45, b"abc"))
    assert taken(it) == b"abc" and asked(it) == []


def test_without_a_length_one_block_after_the_other():
    it = download()
    asked(it)
    first = block(0)
    first.options.pop()  # Size2
    receive(it, first)
    got = taken(it)
    for num in range(1, 10):
        assert asked(it) == [num]
        receive(it, block(num))
        got += taken(it)
    assert got == BODY and asked(it) == [] and it.size == SIZE
    # One that was told from elsewhere does as well.
    it = download(size=SIZE)
    asked(it)
    receive(it, first)
    taken(it)
    assert asked(it) == [1, 2, 3]


def test_a_reset_leads_to_block_0_and_on_from_there():
    it = opened()
    assert asked(it) == [1, 2, 3]
    receive(it, block(2))
    assert receive(it, ResetError(104)) is True and it.under_way == []
    assert asked(it) == [0]
    assert receive(it, block(0)) is False and it.next_data() is None
    assert asked(it) == [1, 3]  # block 2 is there
    receive(it, block(1))
    assert taken(it) == BODY[BLOCK : 3 * BLOCK]


@rows(ResetError(104), Message(0x80), Message(0x84), Message(0xA0))
def test_block_0_is_the_callers_to_try_again(outcome):
    it = download()
    asked(it)
    kind = ResponseError if isinstance(outcome, Message) else OSError
    error = refused(it, outcome, kind)
    assert error is outcome or error.code == outcome.code


def test_a_busy_server_is_no_forgotten_transfer():
    it = opened()
    asked(it)
    assert refused(it, Message(0xA0), ResponseError).code == 0xA0


def serve(it, answer, most=200):
    # Play the server: answer(num, under way) to what was asked first. Returns body, requests,
    # the most under way at once.
    got = b""
    requests = 0
    widest = 0
    while asked(it) or it.under_way:
        widest = max(widest, len(it.under_way))
        num = min(it.under_way)
        requests += 1
        assert requests < most
        receive(it, answer(num, len(it.under_way)))
        got += taken(it)
    return got, requests, widest


@rows(ResetError(104), Message(0x82), Message(0x88), block(0), block(1, 2048))
def test_a_server_that_gives_one_block_at_a_time_is_read_so(wrong):
    it = download(5)
    # More than one under way: all but the first are wrong.
    at = [0]

    def answer(num, under_way):
        if num not in (0, at[0] + 1) or (num and under_way > 1 and num % 2 == 0):
            return wrong
        at[0] = num or at[0]
        return block(num)

    got, requests, widest = serve(it, answer)
    assert got == BODY and it.window == 1 and widest == 5
    assert requests < 20


def test_a_server_that_forgets_with_each_block_is_read_to_the_end():
    it = download()
    fresh = [False]

    def answer(num, under_way):
        if num and not fresh[0]:
            return ResetError(104)
        fresh[0] = not num
        return block(num)

    got, requests, _ = serve(it, answer)
    assert got == BODY and it.window == 1 and requests < 35


def test_a_server_that_gives_block_0_only_is_given_up():
    it = download()
    assert raised(ResetError, serve, it, lambda num, _: ResetError(104) if num else block(0))


def test_a_server_that_forgets_now_and_then_keeps_its_window():
    body = bytes(90 * BLOCK)
    it = download()
    n = [0]

    def answer(num, under_way):
        n[0] += 1
        return ResetError(104) if num and n[0] % 25 == 0 else block(num, body=body)

    got, _, _ = serve(it, answer)
    assert got == body and it.window == 3


def test_smaller_blocks_of_the_server():
    it = download()
    got = b""
    assert asked(it) == [0]
    receive(it, block(0, 256))
    got += taken(it)
    assert it.next_request().uint(BLOCK2) == 1 << 4 | 4 and asked(it) == [2, 3]
    # And smaller still in mid-transfer: what else is under way is asked for anew.
    assert receive(it, block(4, 128)) is True and it.under_way == []
    assert asked(it) == [2, 3]
    while it.offset < SIZE:
        for num in sorted(it.under_way):
            receive(it, block(num, 128))
        got += taken(it)
        asked(it)
    assert got == BODY


def test_smaller_blocks_of_ours():
    it = download(block_size=128)
    asked(it)
    receive(it, block(0, 128))
    taken(it)
    it.offset = 2 * BLOCK + 200
    assert asked(it) == [17, 18, 19]


def changed(options, num=1, body=BODY, size=BLOCK):
    it = download()
    asked(it)
    receive(it, block(0, options=[(ETAG, b"a")]))
    taken(it)
    asked(it)
    receive(it, block(num, body=body, options=options, size=size))
    return it


@rows(
    ([(ETAG, b"b")], 1, BODY),
    ([], 1, BODY),
    ([(ETAG, b"a"), (SIZE2, option_uint(SIZE + 1))], 1, BODY),
    ([(ETAG, b"a")], 3, BODY[: 4 * BLOCK]),
    ([(ETAG, b"a")], 2, BODY[: 2 * BLOCK]),
    ([(ETAG, b"a")], 2, BODY[: 2 * BLOCK + 3]),
)
def test_what_does_not_belong_to_this_body_is_not_kept(options, num, body):
    it = changed(options, num, body)
    assert asked(it) == [0] and it.next_data() is None
    # The same bytes of the same body go on; another body at block 0 ends it.
    assert refused(it, block(0, options=[(ETAG, b"b")]))


def test_the_tag_stays():
    assert changed([(ETAG, b"a")]).next_data() is not None


@rows(*range(8))
def test_blocks_that_are_not_full_or_too_long(n):
    it = download()
    asked(it)
    answer = block(0)
    answer.payload = BODY[: n * 300]
    # 1024 is no multiple of 300.
    assert refused(it, answer)


def test_no_more_is_held_than_the_window():
    it = download(4)
    asked(it)
    receive(it, block(0))
    taken(it)
    for num in reversed(asked(it)):
        receive(it, block(num))
    assert sorted(it._held) == [1, 2, 3, 4] and asked(it) == []
    # What the caller has by now is let go with the next block.
    it.offset = 5 * BLOCK
    assert asked(it) == [5, 6, 7, 8]
    receive(it, block(6))
    assert sorted(it._held) == [6]
