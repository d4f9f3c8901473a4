# How long a job waits before its next try.

from coap import ResponseError
from coap.message import Message
from thingsboard.link import Backoff

SILENCE = OSError(110)


def waits(error, n, random):
    it = Backoff(random)
    return [it.next(error) for _ in range(n)]


def shortest(n):
    return 0


def longest(n):
    return n - 1


def test_a_refusal_doubles_the_wait_to_a_minute():
    error = ResponseError(Message(0xA0))
    halves = [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]
    assert waits(error, 8, shortest) == halves
    assert waits(error, 8, longest) == [2 * half - 1 for half in halves]


def test_silence_doubles_it_to_eight_seconds():
    assert waits(SILENCE, 6, shortest) == [500, 1000, 2000, 4000, 4000, 4000]


def test_a_wrong_access_token_is_not_hammered():
    error = ResponseError(Message(0x81))
    assert waits(error, 2, shortest) == [150_000] * 2
    assert waits(error, 2, longest) == [299_999] * 2


def test_silence_after_refusals_comes_down_to_its_own_limit():
    it = Backoff(shortest)
    for _ in range(7):
        it.next(ResponseError(Message(0xA0)))
    assert [it.next(SILENCE), it.next(SILENCE)] == [30000, 4000]


def test_success_begins_anew():
    it = Backoff(shortest)
    for _ in range(5):
        it.next(SILENCE)
    it.succeeded()
    assert it.next(SILENCE) == 500
