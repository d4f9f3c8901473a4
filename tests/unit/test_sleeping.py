# The life of a device that sleeps, start by start: what it does, when it reports, what it keeps.

from coap import ResponseError
from coap.message import Message
from hardware import read, write
from rows import rows
from sleepers import Board
from world import NOW_S, silence

REFUSED = ResponseError(Message(0x81))

MINUTE = 60_000


def asked(board):
    """Return what the server was asked for at this start; None: there was no network."""
    return board.client and [what for _, _, what in board.client.done]


def test_every_third_start_reports_and_the_others_want_no_network():
    with Board() as board:
        for n in range(7):
            assert 580_000 < board.start() <= 600_000
            assert (board.client is not None) == (n % 3 == 0)
            assert board.lines[-1] == "asleep for %d s, %d records wait" % (
                board.slept // 1000,
                n % 3,
            )
        assert len(board.told) == 7


def test_records_have_the_times_of_their_measurements():
    with Board() as board:
        for _ in range(4):
            board.start()
        times = [one["ts"] for one in board.told]
        assert [b - a for a, b in zip(times, times[1:])] == [10 * MINUTE] * 3
        assert abs(times[0] - 1000 * NOW_S) < 2000


def test_the_first_start_tells_all_and_a_report_no_more_than_needed():
    with Board() as board:
        board.start()
        first = asked(board)
        assert first[0] == "rpc" and "attributes" in first and "efento/t" in first
        assert board.world.now >= 10_000  # the door was open
        for _ in range(3):
            board.start()
        assert sorted(asked(board)) == ["attributes", "efento/t", "rpc", "telemetry"]
        assert board.updater.untold == [] and board.world.now < 4000
        board.start()
        assert asked(board) is None and board.world.now < 200


def test_message_ids_go_on():
    with Board(report_every=1) as board:
        board.start()
        board.start()
        assert board.client.endpoint.message_id == 7


def test_a_server_that_is_silent_keeps_nobody_awake_and_costs_no_record():
    with Board() as board:
        board.start()
        board.silent = True
        starts = []
        for _ in range(24):
            board.start()
            starts.append(board.client is not None)
            if board.client:
                assert 30_000 <= board.world.now < 32_000
        assert [n for n, online in enumerate(starts) if online] == [2, 5, 11, 23]
        board.silent = False
        for _ in range(12):
            board.start()
        assert len(board.told) == 37
        assert len({one["ts"] for one in board.told}) == 37


@rows("telemetry", "attributes")
def test_what_the_server_did_not_take_waits(what):
    with Board(report_every=1) as board:
        board.failing = what
        board.failure = silence()
        board.start()
        board.start()
        assert len(board.told) == (0 if what == "telemetry" else 2)
        board.failing = None
        board.start()
        board.start()
        assert sorted([one["values"]["n"] for one in board.told]) == [1, 2, 3, 4]


def test_the_servers_interval_counts_from_the_next_sleep_on_until_it_is_deleted():
    with Board(report_every=2) as board:
        board.shared = {"interval": 60}
        assert 49_000 < board.start() <= 60_000
        assert 59_000 < board.start() <= 60_000
        assert 57_000 < board.start() <= 60_000
        board.shared = {}
        board.start()
        assert 590_000 < board.start() <= 600_000


def test_a_power_cut_costs_no_record_and_brings_a_report():
    with Board() as board:
        for _ in range(3):
            board.start()
        board.kept = None
        board.start()
        assert board.client and len(board.told) == 4


def test_a_full_flash_brings_a_report_at_once():
    with Board() as board:
        board.start()
        board.fs.full = True
        board.start()
        assert board.client and len(board.told) == 2
        assert [line for line in board.lines if "the file system is full" in line]


def test_an_update_on_trial_is_reported_at_each_start_and_gives_way():
    with Board() as board:
        board.start()
        board.trial.on_trial = True
        board.start()
        assert board.client and board.trial.told == [] and board.updater.untold == ["fw"]
        board.silent = True
        board.start()
        assert board.trial.told == ["unreached"]


def test_a_firmware_on_trial_does_not_sleep_before_it_is_heard():
    with Board() as board:
        board.start()
        board.trial.state["firmware"]["on_trial"] = True
        board.silent = True
        assert board.start(limit_ms=200_000) is None
        assert board.trial.told == []


def test_without_a_network_it_sleeps_again_and_counts_it_as_a_report_in_vain():
    with Board(report_every=1, wifi=True) as board:
        board.joins = False
        assert 530_000 < board.start() < 541_000 and board.client is None
        assert 530_000 < board.start() < 541_000
        board.start()
        assert board.world.now < 200  # every second one now
        board.joins = True
        board.start()
        assert len(board.told) == 4


def test_a_server_that_refuses_a_provisioned_device_for_a_day_is_asked_for_another_one():
    with Board(report_every=6) as board:
        board.config.update(access_token=None, provision_key="k", provision_secret="s")
        write("credentials.json", '{"access_token": "TOK", "provisioned": true}')
        board.config["credentials"] = {"access_token": "TOK", "provisioned": True}
        board.config["certificate"] = None
        board.start()
        board.failing = "telemetry"
        board.failure = REFUSED
        hours = 0
        while not board.reset:
            board.start()
            hours += 1 / 6
        assert 24 <= hours <= 29 and read("credentials.json") is None
        assert read("restarts.json")


def test_a_refusal_that_ended_counts_no_more():
    with Board(report_every=1) as board:
        rhythm = []
        for failing in ("telemetry", None, "telemetry"):
            board.failing = failing
            board.failure = REFUSED
            board.start()
            rhythm.append(board.application.sleeper.rhythm.refused_since > 0)
            if failing is None:
                assert len(board.told) == 2
        assert rhythm == [True, False, True]
