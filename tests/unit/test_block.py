# RFC 7959 as a state machine: each test plays the server.

from coap.block import Transfer, TransferError
from coap.message import Message, option_uint

BLOCK2, BLOCK1, SIZE2, SIZE1, ETAG = 23, 27, 28, 60, 4


def block(num, more, szx):
    return option_uint(num << 4 | more << 3 | szx)


def answer(code, payload=b"", **options):
    numbers = {"block1": BLOCK1, "block2": BLOCK2, "size2": SIZE2, "etag": ETAG}
    return Message(code, payload, [(numbers[k], v) for k, v in options.items()])


def sent(request):
    # (num, more, szx, payload) of an upload's request
    n = request.uint(BLOCK1)
    return n >> 4, n >> 3 & 1, n & 7, bytes(request.payload)


def upload(size, **how):
    body = bytes(i & 255 for i in range(size))
    return body, Transfer(Message(2, body, [(11, b"x")]), **how)


def broken(transfer, response):
    try:
        transfer.receive(response)
    except TransferError:
        return True
    return False


def download(**how):
    transfer = Transfer(Message(1, b"", [(11, b"x")]), **how)
    transfer.next_request()
    return transfer


def test_small_bodies_need_no_blocks():
    body, transfer = upload(1024)
    request = transfer.next_request()
    assert request.options == [(11, b"x")] and request.payload == body
    response = answer(0x44, b"done")
    assert transfer.receive(response) is response
    assert response.payload == b"done"


def test_upload():
    body, transfer = upload(300, block_size=128)
    request = transfer.next_request()
    assert sent(request) == (0, 1, 3, body[:128])
    assert request.uint(SIZE1) == 300
    assert transfer.receive(answer(0x5F, block1=block(0, 1, 3))) is None
    request = transfer.next_request()
    assert sent(request) == (1, 1, 3, body[128:256])
    assert request.option(SIZE1) is None
    assert transfer.receive(answer(0x5F, block1=block(1, 1, 3))) is None
    assert sent(transfer.next_request()) == (2, 0, 3, body[256:])
    response = answer(0x41, block1=block(2, 0, 3))
    assert transfer.receive(response) is response


def test_upload_of_exactly_two_blocks():
    body, transfer = upload(2048)
    transfer.next_request()
    transfer.receive(answer(0x5F, block1=block(0, 1, 6)))
    assert sent(transfer.next_request()) == (1, 0, 6, body[1024:])


def test_upload_shrinks_on_continue():
    # RFC 7959 figure 8: the block was taken whole, the next ones are smaller.
    body, transfer = upload(300, block_size=128)
    transfer.next_request()
    transfer.receive(answer(0x5F, block1=block(0, 1, 1)))
    assert sent(transfer.next_request()) == (4, 1, 1, body[128:160])
    transfer.receive(answer(0x5F, block1=block(4, 1, 6)))  # growing again is refused
    assert sent(transfer.next_request()) == (5, 1, 1, body[160:192])


def test_upload_starts_again_on_too_large():
    body, transfer = upload(300)
    assert transfer.next_request().option(BLOCK1) is None
    assert transfer.receive(answer(0x8D, block1=block(0, 0, 2))) is None
    assert sent(transfer.next_request()) == (0, 1, 2, body[:64])
    # The same size again is the server's last word.
    response = answer(0x8D, block1=block(0, 0, 2))
    assert transfer.receive(response) is response


def test_upload_starts_again_once_on_incomplete():
    body, transfer = upload(300, block_size=128)
    for _ in range(2):
        assert sent(transfer.next_request())[0] == 0
        transfer.receive(answer(0x5F, block1=block(0, 1, 3)))
        assert sent(transfer.next_request())[0] == 1
        response = answer(0x88)
        last = transfer.receive(response)
    assert last is response


def test_upload_goes_on_after_a_response_that_is_not_final():
    # A server that takes each block for itself answers 2.04 to all of them.
    body, transfer = upload(256, block_size=128)
    transfer.next_request()
    assert transfer.receive(answer(0x44, block1=block(0, 0, 3))) is None
    assert sent(transfer.next_request()) == (1, 0, 3, body[128:])
    assert transfer.receive(answer(0x44, block1=block(1, 0, 3)))


def test_upload_final_answer_without_the_option():
    # libcoap 4.3 leaves Block1 out of its last answer.
    body, transfer = upload(256, block_size=128)
    transfer.next_request()
    transfer.receive(answer(0x5F, block1=block(0, 1, 3)))
    transfer.next_request()
    assert transfer.receive(answer(0x41))


def test_upload_answer_to_another_block():
    body, transfer = upload(300, block_size=128)
    transfer.next_request()
    assert broken(transfer, answer(0x5F, block1=block(1, 1, 3)))


def test_upload_continue_after_the_last_block():
    body, transfer = upload(10)
    transfer.next_request()
    assert broken(transfer, answer(0x5F))


def test_upload_numbers_around_15_and_4095():
    body, transfer = upload(4098 * 16, block_size=16)
    for num in range(4098):
        request = transfer.next_request()
        assert sent(request) == (num, int(num < 4097), 0, body[num * 16 : num * 16 + 16])
        assert len(request.option(BLOCK1)) == (num > 0) + (num > 15) + (num > 4095) or num == 0
        transfer.receive(answer(0x5F if num < 4097 else 0x44, block1=block(num, num < 4097, 0)))


def test_upload_error_is_final():
    body, transfer = upload(300, block_size=128)
    transfer.next_request()
    response = answer(0x80, b"no")
    assert transfer.receive(response) is response and response.payload == b"no"


def test_upload_and_download():
    body, transfer = upload(200, block_size=128)
    transfer.next_request()
    transfer.receive(answer(0x5F, block1=block(0, 1, 3)))
    transfer.next_request()
    first = answer(0x44, b"a" * 128, block1=block(1, 0, 3), block2=block(0, 1, 3))
    assert transfer.receive(first) is None
    request = transfer.next_request()
    assert request.uint(BLOCK2) == 1 << 4 | 3
    assert request.option(BLOCK1) is None and request.payload == b""
    last = answer(0x44, b"b", block2=block(1, 0, 3))
    assert transfer.receive(last).payload == b"a" * 128 + b"b"


def test_download():
    transfer = download()
    assert (
        transfer.receive(answer(0x45, b"a" * 1024, block2=block(0, 1, 6), size2=b"\x04\x01"))
        is None
    )
    request = transfer.next_request()
    assert request.options == [(11, b"x"), (BLOCK2, block(1, 0, 6))]
    response = transfer.receive(answer(0x45, b"b", block2=block(1, 0, 6)))
    assert response.payload == b"a" * 1024 + b"b"


def test_download_asks_for_small_blocks_from_the_start():
    transfer = Transfer(Message(1), block_size=500)
    assert transfer.next_request().uint(BLOCK2) == 4  # rounded down to 256
    assert broken(transfer, answer(0x45, b"a" * 512, block2=block(0, 1, 5)))


def test_download_server_takes_a_smaller_size():
    transfer = download(block_size=256)
    transfer.receive(answer(0x45, b"a" * 64, block2=block(0, 1, 2)))
    assert transfer.next_request().uint(BLOCK2) == 1 << 4 | 2
    transfer.receive(answer(0x45, b"b" * 64, block2=block(1, 1, 2)))
    # In mid-transfer too, as long as the offset is the same: 128 = 8 * 16.
    transfer.receive(answer(0x45, b"c" * 16, block2=block(8, 1, 0)))
    assert transfer.next_request().uint(BLOCK2) == 9 << 4
    assert broken(transfer, answer(0x45, b"d" * 64, block2=block(9, 0, 2)))  # growing is not


def test_download_numbers_around_15_and_4095():
    got = []
    transfer = download(block_size=16, sink=lambda part: got.append(part[0]), max_body=1 << 20)
    for num in range(4097):
        data = bytes([num & 255]) * 16
        assert transfer.receive(answer(0x45, data, block2=block(num, 1, 0))) is None
        assert transfer.next_request().uint(BLOCK2) == num + 1 << 4
    response = transfer.receive(answer(0x45, b"end", block2=block(4097, 0, 0)))
    assert response.payload == b""
    assert got == [num & 255 for num in range(4097)] + [ord("e")]


def test_download_of_whole_blocks_only():
    transfer = download()
    transfer.receive(answer(0x45, b"a" * 1024, block2=block(0, 1, 6), size2=b"\x08\x00"))
    assert len(transfer.receive(answer(0x45, b"b" * 1024, block2=block(1, 0, 6))).payload) == 2048


def test_download_that_changes_on_the_way():
    for first, second in (
        ({"etag": b"1"}, {"etag": b"2"}),
        ({"etag": b"1"}, {}),
        ({"size2": b"\x04\x01"}, {"size2": b"\x05\x01"}),
        ({"size2": b"\x05\x00"}, {}),  # says 1280, has 1025
    ):
        transfer = download()
        transfer.receive(answer(0x45, b"a" * 1024, block2=block(0, 1, 6), **first))
        assert broken(transfer, answer(0x45, b"b", block2=block(1, 0, 6), **second))


def test_download_blocks_that_do_not_fit():
    for second in (
        answer(0x45, b"b", block2=block(2, 0, 6)),
        answer(0x45, b"b", block2=block(0, 0, 6)),
        answer(0x45, b"b"),
        answer(0x45, b"b" * 1000, block2=block(1, 1, 6)),
        answer(0x45, b"", block2=block(1, 1, 6)),
        answer(0x45, b"b", block2=block(1, 0, 7)),
        answer(0x45, b"b", block2=bytes(5)),
    ):
        transfer = download()
        transfer.receive(answer(0x45, b"a" * 1024, block2=block(0, 1, 6)))
        assert broken(transfer, second)
    assert broken(download(), answer(0x45, b"a" * 1024, block2=block(0, 1, 7)))
    assert broken(download(), answer(0x45, b"a" * 10, block2=block(0, 1, 6)))


def test_download_error_in_the_middle_is_the_answer():
    transfer = download()
    transfer.receive(answer(0x45, b"a" * 1024, block2=block(0, 1, 6)))
    response = answer(0x82)
    assert transfer.receive(response) is response


def test_endless_blocks_meet_the_limit():
    transfer = download(max_body=5000)
    blocks = 0
    while not broken(transfer, answer(0x45, b"a" * 1024, block2=block(blocks, 1, 6))):
        transfer.next_request()
        blocks += 1
    assert blocks == 4


def test_announced_size_over_the_limit_is_refused_at_once():
    assert broken(
        download(max_body=5000),
        answer(0x45, b"a" * 1024, block2=block(0, 1, 6), size2=b"\xff\xff"),
    )


def test_an_error_does_not_reach_the_sink():
    parts = []
    transfer = download(sink=parts.append)
    assert transfer.receive(answer(0x84, b"not found")).payload == b"not found"
    assert parts == []


def reason(transfer, response):
    try:
        transfer.receive(response)
    except TransferError as error:
        return str(error)


def test_a_broken_download_says_what_was_wrong():
    huge = b"\xff" * 1000  # no block option has more than 3 bytes
    for second, text in (
        (
            answer(0x45, b"b" * 64, block2=block(3, 1, 2)),
            "block 3 of 64 bytes is not for byte 1024",
        ),
        (
            answer(0x45, b"b", block2=huge),
            "block 1048575 of 2048 bytes is not for byte 1024",
        ),
        (answer(0x45, b"b", block2=block(1, 1, 6)), "a block is not full"),
        (answer(0x45, b"b", block2=block(1, 0, 6), etag=b"2"), "the body changed on the way"),
        (answer(0x45, b"b" * 80, block2=block(1, 0, 6)), "the body is over max_body"),
    ):
        transfer = download(max_body=1100)
        assert transfer.receive(answer(0x45, b"a" * 1024, block2=block(0, 1, 6))) is None
        assert reason(transfer, second) == text


def test_a_broken_upload_says_what_was_wrong():
    body, transfer = upload(300, block_size=128)
    transfer.next_request()
    transfer.receive(answer(0x5F, block1=block(0, 1, 3)))
    transfer.next_request()
    text = "block 4 of 128 bytes is not for byte 128"
    assert reason(transfer, answer(0x5F, block1=block(4, 1, 3))) == text
    body, transfer = upload(10)
    transfer.next_request()
    assert reason(transfer, answer(0x5F)) == "2.31 after the last block"


def test_a_plain_transfer_turns_to_blocks_when_the_server_does():
    body, transfer = upload(10)
    request = transfer.next_request()
    assert request.options == [(11, b"x")]
    first = answer(0x44, b"a" * 16, block1=block(0, 0, 6), block2=block(0, 1, 0))
    assert transfer.receive(first) is None
    request = transfer.next_request()
    assert request.uint(BLOCK2) == 1 << 4 and request.payload == b""
