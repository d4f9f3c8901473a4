"""The simulator's transfers in blocks with a clock of our own: how long they live, and the edges
at which resources differ.
"""

from types import SimpleNamespace

import pytest
from aiocoap import Code, Message

from tools.tbsim.wire.blockwise import LIFETIME_S, BlockRules, Blockwise
from tools.tbsim.wire.codec import answer

BODY = bytes(i * 7 & 255 for i in range(2500))


@pytest.fixture
def blockwise(clock):
    return Blockwise(lambda: clock.now)


def request(code=Code.GET, query=(), payload=b"", path=("x",), **options):
    message = Message(code=code, payload=payload)
    message.opt.uri_query = query
    for name, value in options.items():
        setattr(message.opt, name, value)
    return SimpleNamespace(address=("h", 1), request=message, path=path)


def block(num, szx=6, query=()):
    return request(block2=(num, False, szx), query=query)


def test_an_answer_lives_for_300_s_after_its_last_request(blockwise, clock):
    blockwise.cut(request(), answer("2.05", BODY))
    for _ in range(3):
        clock.now += LIFETIME_S - 1
        assert blockwise.kept_block(block(1)).payload == BODY[1024:2048]
    clock.now += LIFETIME_S + 1
    assert blockwise.kept_block(block(1)) is None


def test_an_upload_lives_for_300_s_after_its_last_block(blockwise, clock):
    def post(num, more):
        return request(Code.POST, payload=bytes(16), block1=(num, more, 0))

    for num in range(3):
        assert blockwise.upload(post(num, True)).code is Code.CONTINUE
        clock.now += LIFETIME_S - 1
    assert blockwise.upload(post(3, False)) == bytes(64)
    assert blockwise.upload(post(0, True)).code is Code.CONTINUE
    clock.now += LIFETIME_S + 1
    assert blockwise.upload(post(1, True)).code is Code.REQUEST_ENTITY_INCOMPLETE


def test_only_a_later_block_is_had_from_what_is_kept(blockwise):
    blockwise.cut(request(), answer("2.05", BODY))
    assert blockwise.kept_block(request()) is None
    assert blockwise.kept_block(block(0)) is None
    assert blockwise.kept_block(block(1, query=("another",))) is None
    assert blockwise.kept_block(block(2)).payload == BODY[2048:]
    assert blockwise.kept_block(block(2)) is None  # the last one ended the transfer


def test_a_restart_forgets_both_ways(blockwise):
    blockwise.cut(request(), answer("2.05", BODY))
    blockwise.upload(request(Code.POST, payload=bytes(16), block1=(0, True, 0)))
    blockwise.forget()
    assert blockwise.kept_block(block(1)) is None
    later = request(Code.POST, payload=bytes(16), block1=(1, True, 0))
    assert blockwise.upload(later).code is Code.REQUEST_ENTITY_INCOMPLETE


def test_bert_is_refused(blockwise):
    assert blockwise.upload(request(Code.POST, block1=(0, True, 7))).code is Code.BAD_REQUEST


@pytest.mark.parametrize(("rules", "code"), [({}, "4.02"), ({"empty_past_end": True}, "2.05")])
def test_past_the_end(blockwise, rules, code):
    blockwise.cut(request(), answer("2.05", BODY), BlockRules(**rules))
    past = blockwise.kept_block(block(3))
    assert past.code.dotted == code and past.payload == b""
    assert blockwise.kept_block(block(1)) is None


def test_a_later_block_of_a_new_answer(blockwise):
    uncut = BlockRules(cut_new_answer=False)
    assert blockwise.cut(block(1), answer("2.05", BODY)).payload == BODY[1024:2048]
    assert blockwise.cut(block(1), answer("2.05", BODY), uncut) is None
    small = blockwise.cut(block(1), answer("2.05", b"abc"), uncut)
    assert small.payload == b"abc" and small.opt.block2 == (1, False, 6)
    assert blockwise.cut(block(1), answer("2.05", b"abc")).code.dotted == "4.02"
    assert blockwise.kept_block(block(1)) is None  # none of them is kept


@pytest.mark.parametrize(("length", "more"), [(6, True), (7, False), (1024, False)])
def test_more_by_exponent(blockwise, length, more):
    rules = BlockRules(more_by_exponent=True)
    assert blockwise.cut(block(0), answer("2.05", bytes(length)), rules).opt.block2.more is more
    assert not blockwise.cut(block(0), answer("2.05", bytes(length))).opt.block2.more


def test_each_block_that_is_cut_is_told(blockwise):
    told = []
    body = answer("2.05", BODY)
    blockwise.cut(request(), body, on_block=lambda first, size: told.append((first, size)))
    blockwise.kept_block(block(3, szx=5))
    blockwise.kept_block(block(2))
    assert told == [(0, 1024), (1536, 512), (2048, 452)]
