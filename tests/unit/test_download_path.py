# A download over a path that loses and reorders datagrams, and whose server forgets.

from fakes import raised
from rows import rows
from transfers import BLOCK, Path

BODY = bytes([i * 13 + i // 253 & 255 for i in range(48 * BLOCK - 100)])
BLOCKS = 48


def test_two_datagrams_a_block_and_a_window_a_round_trip():
    for window in (1, 3, 5, 8):
        path = Path(1, BODY, rtt_ms=50)
        assert path.download(window) == BODY
        assert path.carried == 2 * BLOCKS and path.server.asked[-1] == BLOCKS - 1
        # The first and the last block are alone; the window opens from 1 on.
        assert path.now <= 50 * (2 + -(-BLOCKS // window) + 2)


@rows(*[(loss, jitter, pause) for loss in (1, 5, 20) for jitter in (0, 40) for pause in (0, 1)])
def test_it_comes_whole_and_what_is_repeated_was_lost(loss, jitter, pause):
    lost = repeated = 0
    for seed in range(1, 5):
        path = Path(seed, BODY, rtt_ms=50, loss=loss, jitter_ms=jitter)
        assert path.download(3, pause) == BODY
        lost += path.lost
        repeated += path.endpoint.retransmissions
    # A datagram may have come too late for the wait that fitted the others.
    assert repeated <= 1.2 * lost + (6 if jitter else 0)


def test_what_overtakes_others_costs_next_to_nothing():
    for seed in range(1, 4):
        path = Path(seed, BODY, rtt_ms=100, jitter_ms=20)
        assert path.download(5) == BODY
        assert path.endpoint.retransmissions == 0


@rows(*range(1, BLOCKS, 5))
def test_a_restart_of_the_server_costs_a_few_requests(n):
    path = Path(1, BODY)

    def forget():
        path.server.known = False

    path.then[n] = forget
    assert path.download(3) == BODY
    assert len(path.server.asked) <= BLOCKS + 4


def test_an_outage_in_which_the_server_forgets():
    # When it is over a CON is on its way: its empty acknowledgement says nothing, a NON is reset.
    path = Path(1, BODY)

    def silence():
        path.loss = 100
        path.way.append((path.now + 30_000, 0, True, b""))

    answer = path.server.answer

    def answer_or_end(data):
        if data:
            return answer(data)
        path.loss = 0
        path.server.known = False
        return b""

    path.server.answer = answer_or_end
    path.then[20] = silence
    assert path.download(3) == BODY
    assert path.now < 60_000 and path.endpoint.retransmissions < 20


def test_silence_without_an_end_ends_it():
    path = Path(1, BODY, loss=100)
    assert raised(OSError, path.download, 3)
    assert path.carried < 20


@rows(16, 128, 512)
def test_smaller_blocks(size):
    path = Path(1, BODY[: 20 * size + 3], rtt_ms=10)
    assert path.download(3, block_size=size) == path.server.body
    assert len(path.server.asked) == 21


# The flash of a board stalls it, or makes it deaf, and its socket keeps few datagrams.
@rows(rp2=(3, 4, 1), esp32=(5, 6, 0))
def test_the_window_of_a_board_loses_nothing(window, room, pause):
    for rtt_ms in (20, 50, 200):
        path = Path(1, BODY, rtt_ms, room=room, flash_ms=45, deaf=bool(pause))
        assert path.download(window, pause) == BODY
        assert path.dropped == path.endpoint.retransmissions == 0
