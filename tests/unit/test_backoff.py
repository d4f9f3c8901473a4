# How long a job waits before its next try.

from coap import ResponseError, TransferError
from coap.message import Message
from rows import rows
from thingsboard.link import backoff_ms

SILENCE = OSError(110)
BUSY = ResponseError(Message(0xA0))
UNAUTHORIZED = ResponseError(Message(0x81))


def shortest(n):
    return 0


def longest(n):
    return n - 1


def waits(error, random):
    return [backoff_ms(failures, error, random) for failures in range(1, 9)]


def test_a_refusal_doubles_the_wait_to_a_minute():
    halves = [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]
    assert waits(BUSY, shortest) == halves
    assert waits(BUSY, longest) == [2 * half - 1 for half in halves]


@rows(silence=SILENCE, memory=MemoryError())
def test_silence_and_a_lack_of_memory_double_it_to_eight_seconds(error):
    assert waits(error, shortest) == [500, 1000, 2000] + [4000] * 5


@rows((shortest, 150_000), (longest, 299_999))
def test_a_wrong_access_token_is_not_hammered(random, ms):
    assert waits(UNAUTHORIZED, random) == [ms] * 8


@rows(TransferError("x"), ValueError("x"))
def test_nonsense_waits_as_after_a_refusal(error):
    assert waits(error, shortest) == waits(BUSY, shortest)


def test_after_very_many_failures_it_still_waits():
    assert backoff_ms(1 << 40, BUSY, shortest) == 30000
