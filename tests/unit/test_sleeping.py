# The life of a device that sleeps, start by start: what it does, when it reports, what it keeps.

from coap import ResponseError
from coap.message import Message
from hardware import read, write
from sleepers import Board
from world import NOW_S, silence

MINUTE = 60_000
REFUSED = ResponseError(Message(0x81))
PACKAGE = {"fw_title": "t", "fw_version": "2", "fw_size": 1000}


def asked(board):
    """Return what the server was asked for at this start; None: there was no network."""
    return board.client and [what for _, _, what in board.client.done]


def numbers(board):
    """Return which readings the server has."""
    return sorted([one["values"]["n"] for one in board.told])


def test_the_first_start_tells_all_and_leaves_the_door_open():
    with Board() as board:
        assert 580_000 < board.start() <= 590_000 and len(board.kept) == 5
        assert {"rpc", "attributes", "efento/t"} <= set(asked(board))
        assert 10_000 <= board.world.now < 11_000 and numbers(board) == [1]
        assert board.lines[-1] == "asleep from now on"
        assert [one["report_every"] for one in board.client.sent() if "starts" in one] == [3]


def test_every_third_start_reports_and_the_others_want_no_network():
    with Board() as board:
        board.start()
        for n in range(7):
            assert 590_000 < board.start() <= 600_000
            assert (board.client is not None) == (n % 3 == 0)
            words = "asleep for %d s, %d records wait"
            assert board.lines[-1] == words % (board.slept // 1000, n % 3)
        assert numbers(board) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_records_have_the_times_of_their_measurements():
    with Board() as board:
        for _ in range(5):
            board.start()
        times = [one["ts"] for one in board.told]
        assert [b - a for a, b in zip(times[1:], times[2:])] == [10 * MINUTE] * 3
        assert abs(times[0] - 1000 * NOW_S) < 2000


def test_a_report_asks_for_no_more_than_needed_and_a_wake_without_for_nothing():
    with Board() as board:
        for _ in range(5):
            board.start()
        assert sorted(asked(board)) == ["attributes", "efento/t", "rpc", "telemetry"]
        assert asked(board)[0] == "rpc" and board.world.now < 4000
        board.start()
        assert asked(board) is None and board.world.now < 200


def test_message_ids_go_on():
    with Board(report_every=1) as board:
        board.start()
        board.start()
        board.start(message_id=99)
        assert board.client.endpoint.message_id == 7


def test_a_server_that_is_silent_keeps_nobody_awake_and_costs_no_record():
    with Board() as board:
        board.start()
        board.start()
        board.silent = True
        starts = []
        for _ in range(24):
            board.start()
            starts.append(board.client is not None)
            if board.client:
                assert 40_000 <= board.world.now < 42_000
        assert [n for n, online in enumerate(starts) if online] == [2, 5, 11, 23]
        board.silent = False
        for _ in range(12):
            board.start()
        assert numbers(board) == list(range(1, 39))
        assert len({one["ts"] for one in board.told}) == 38


def test_what_the_server_did_not_take_waits():
    with Board(report_every=1) as board:
        board.failing = "telemetry"
        board.failure = silence()
        board.start()
        board.start()
        board.start()
        assert numbers(board) == []
        board.failing = None
        board.start()
        board.start()
        assert numbers(board) == [1, 2, 3, 4, 5]


def test_the_servers_interval_counts_from_the_next_sleep_on_until_it_is_deleted():
    with Board(report_every=2) as board:
        board.start()
        board.shared = {"interval": 60}
        assert 57_000 < board.start() <= 60_000
        assert 59_000 < board.start() <= 60_000
        assert 57_000 < board.start() <= 60_000
        board.shared = {}
        board.start()
        assert 590_000 < board.start() <= 600_000


def test_a_power_cut_costs_no_record_and_brings_a_start_like_the_first():
    with Board() as board:
        for _ in range(4):
            board.start()
        board.kept = None
        board.start()
        assert len(board.kept) == 5 and numbers(board) == [1, 2, 3, 4, 5]


def test_a_full_flash_brings_a_report_at_once():
    with Board() as board:
        board.start()
        board.start()
        board.fs.full = True
        board.start()
        assert board.client and numbers(board) == [1, 2, 3]
        assert [line for line in board.lines if "the file system is full" in line]


def test_a_full_flash_keeps_no_board_awake_whose_server_is_away():
    with Board() as board:
        board.start()
        board.start()
        board.silent = board.fs.full = True
        starts = []
        for _ in range(24):
            board.start()
            starts.append(board.client is not None)
        assert starts.count(True) == 4  # the first for its record, the others at their time
        board.silent = board.fs.full = False
        for _ in range(10):
            board.start()
        lost = board.readings - len(numbers(board))
        assert lost == board.application.journal.dropped == 24


def test_on_a_flash_with_little_room_the_newest_records_are_kept():
    with Board() as board:
        board.start()
        board.start()
        board.silent = True
        board.fs.blocks = 3
        for _ in range(300):
            board.start()
        dropped = board.application.journal.dropped
        board.silent = False
        for _ in range(30):
            board.start()
        assert 0 < dropped < 200
        assert numbers(board) == [1, 2] + list(range(3 + dropped, board.readings + 1))


def test_a_package_that_is_assigned_is_the_business_of_another_start():
    with Board(report_every=1) as board:
        board.start()
        board.start()
        board.shared = dict(PACKAGE)
        assert board.start() is None and board.reset
        assert numbers(board) == [1, 2, 3] and b"package" in read("restarts.json")
        board.updater.busy = False
        board.start()
        assert board.updater.runs  # which settles it: it has failed, or runs here
        for _ in range(3):
            assert board.start() is not None
        board.shared["fw_version"] = "3"
        assert board.start() is None
        board.start()
        board.shared = {}
        assert board.start() is not None
        board.shared = dict(PACKAGE)
        assert board.start() is None  # assigned once more


def test_an_update_that_gets_on_keeps_the_board_awake_for_a_while():
    with Board() as board:
        board.updater_busy = board.talks = True
        board.downloads = 300_000
        assert board.start(limit_ms=2_000_000) is not None
        assert 420_000 <= board.world.now < 421_000
        board.kept = None
        board.downloads = 2_000_000
        assert board.start(limit_ms=2_000_000) is not None
        assert 1_200_000 <= board.world.now < 1_201_000


def test_an_update_that_does_not_get_on_is_put_off():
    with Board(report_every=1) as board:
        board.shared = dict(PACKAGE)
        board.updater_busy = board.talks = True
        assert board.start() is not None and 120_000 <= board.world.now < 121_000
        board.talks = False
        begin = board.passed_ms
        while board.start() is not None:
            assert board.passed_ms - begin < 7 * 3600_000
        assert board.reset and 5.7 * 3600_000 < board.passed_ms - begin < 6.3 * 3600_000
        board.talks = True
        assert board.start() is not None
        board.shared["fw_version"] = "3"
        assert board.start() is None  # another one is not put off


def test_a_server_that_talks_and_gives_no_credentials_keeps_no_board_awake():
    with Board(report_every=1) as board:
        board.config.update(access_token=None, provision_key="k", provision_secret="s")
        board.config.update(credentials={}, certificate=None)
        board.talks = True
        assert board.start() is not None and 120_000 <= board.world.now < 121_000
        assert not board.application.device  # the answers made no sense


def test_a_server_that_talks_all_the_time_keeps_no_board_awake():
    with Board() as board:
        board.talks = True
        assert board.start() is not None and 120_000 <= board.world.now < 121_000


def test_an_update_that_the_silence_cut_off_goes_on_at_another_start():
    with Board(report_every=1) as board:
        board.shared = dict(PACKAGE)
        board.updater_busy = True
        board.downloads = 1000
        assert board.start() is not None and 60_000 < board.world.now < 63_000
        assert board.start() is None and board.reset


def test_an_update_of_which_nothing_comes_keeps_no_board_awake_at_each_report():
    with Board(report_every=1) as board:
        board.shared = dict(PACKAGE)
        board.updater_busy = True
        assert board.start() is not None and 60_000 < board.world.now < 63_000
        begin = board.passed_ms
        while board.start() is not None:
            assert board.passed_ms - begin < 7 * 3600_000
        assert 5.7 * 3600_000 < board.passed_ms - begin


def test_what_is_on_trial_is_no_business_of_a_start_that_ends_a_sleep():
    with Board() as board:
        board.start()
        board.trial.on_trial = True
        board.start()
        assert board.updater.runs and board.trial.told == ["unreached"]  # it was not confirmed
        board.trial.told = []
        board.silent = board.trial.full = True
        assert 1_700_000 < board.start() < 1_800_000  # as long as between two reports
        assert board.trial.told == ["unreached"] and 60_000 <= board.world.now < 62_000


def test_no_sleep_is_longer_than_a_day():
    with Board(report_every=1000, interval=86_400) as board:
        board.trial.on_trial = True
        assert 86_000_000 < board.start() <= 86_400_000


def test_a_firmware_on_trial_does_not_sleep_before_it_is_heard():
    with Board() as board:
        board.trial.firmware = True
        board.silent = True
        assert board.start(limit_ms=200_000) is None
        board.silent = False

        def confirm():
            board.trial.firmware = False

        board.during = [(30_000, confirm)]
        board.start()
        assert 30_000 <= board.world.now < 31_000 and board.trial.told == []


def test_without_a_network_it_sleeps_again_and_counts_it_as_a_report_in_vain():
    with Board(report_every=1, wifi=True) as board:
        board.start()
        board.joins = False
        assert 530_000 < board.start() < 541_000 and board.client is None
        assert 530_000 < board.start() < 541_000
        board.start()
        assert board.world.now < 200  # every second one now
        board.joins = True
        board.start()
        assert numbers(board) == [1, 2, 3, 4, 5]


def test_a_server_that_refuses_a_provisioned_device_for_a_day_is_asked_for_another_one():
    with Board(report_every=1, interval=3600) as board:
        board.config.update(access_token=None, provision_key="k", provision_secret="s")
        board.config["credentials"] = {"access_token": "TOK", "provisioned": True}
        board.config["certificate"] = None
        write("credentials.json", "{}")
        board.start()
        board.start()
        board.failing = "telemetry"
        board.failure = REFUSED
        hours = 0
        while not board.reset:
            board.start()
            hours += 1
        assert 24 <= hours <= 29 and read("credentials.json") is None
        assert b"refused" in read("restarts.json")


def test_a_refusal_that_ended_counts_no_more():
    with Board(report_every=1) as board:
        board.start()
        refused = []
        for failing in ("telemetry", None, "telemetry"):
            board.failing = failing
            board.failure = REFUSED
            board.start()
            refused.append(board.application.sleeper.rhythm.refused_since > 0)
        assert refused == [True, False, True] and numbers(board) == [1, 2, 3]


def test_a_server_whose_time_jumps_gets_the_records_and_bends_no_sleep():
    with Board(report_every=1) as board:
        board.delay_ms = 200
        for _ in range(4):
            board.start()
        rate = board.application.sleeper.rhythm.rate
        board.passed_ms += 86_400_000  # for the server alone
        board.start()
        assert numbers(board) == [1, 2, 3, 4, 5] and board.world.now < 45_000
        board.start()
        assert numbers(board) == [1, 2, 3, 4, 5, 6] and board.world.now < 5000
        assert board.application.sleeper.rhythm.rate == rate
        assert board.told[-1]["ts"] - board.told[-2]["ts"] > 86_400_000


def test_a_word_about_faults_that_nobody_answers_ends_no_start():
    with Board(report_every=1) as board:
        board.start()
        board.failing = "attributes"
        board.failure = silence()
        board.faults = 1
        assert board.start() is not None and numbers(board) == [1, 2]
        assert {"faults": 1, "last_fault": None} in board.client.sent()
        assert board.application.sleeper.rhythm.failures == 0


def test_dropped_records_are_counted_through_the_sleeps():
    with Board(report_every=50) as board:
        board.start()
        board.start()
        board.config["journal"] = 8  # two files
        board.reading = "x" * 1000
        for _ in range(12):
            board.start()
        dropped = board.application.journal.dropped
        assert dropped > 0
        board.start()
        assert board.application.journal.dropped >= dropped


def test_without_memory_for_a_journal_a_first_start_has_none():
    with Board(journal=0) as board:
        board.silent = True
        board.start()
        assert board.fs.files == {} and read("outbox.records")
        board.silent = False
        board.start()
        assert numbers(board) == [1, 2] and read("outbox.records") is None


def test_what_a_first_start_left_costs_no_write_a_record():
    with Board(journal=0) as board:
        board.silent = True
        board.start()
        board.silent = False
        write("outbox.records", b'[%d, "{\\"n\\":0}"]\n' % (NOW_S * 1000) * 60)
        changes = board.fs.changes
        board.start()
        assert len(board.told) == 61 and read("outbox.records") is None
        assert board.fs.changes - changes < 12
