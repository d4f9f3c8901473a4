# The device at work: who it tells, what it keeps over a restart, when it becomes a new one.

import json
import os

from coap.message import Message
from fakes import Board, Client
from hardware import Hardware, Module, Reset, read, write
from rows import rows
from thingsboard.clock import Clock
from thingsboard.device import Device
from world import World

REFUSED_S = 3600
WAITING = "outbox.records"
REFUSED = "telemetry: ResponseError 4.01"


class Scene:
    """`with Scene() as scene:` an application whose device is known; answers of its server."""

    def __init__(self, *answers, **settings):
        self.config = {
            "refused": REFUSED_S,
            "journal": 0,
            "journal_records": 10,
            "journal_seconds": 10,
            "payload": "json",
            "report_every": 0,
        }
        self.config.update(settings)
        self.lines = []
        self.client = Client(*answers)
        self.board = Hardware()
        self.world = World(turns=8)

    def __enter__(self):
        self.board.__enter__()
        module = self.board.load("app")
        self.restarts = self.board.load("restarts").Restarts(True, False)
        self.application = module.Application(self.config, self.lines.append, None, self.restarts)
        self.application.begin()
        self.device = self.application.device = self.new_device()
        self.world.__enter__()  # last: what fails before leaves asyncio as it is
        return self

    def __exit__(self, *_):
        self.world.__exit__()
        self.board.__exit__()

    def new_device(self):
        return Device(self.client, "TOK", self.lines.append, Clock(Board()))

    def start(self, coroutine):
        async def until_reset():
            try:
                await coroutine
            except Reset:
                self.restarted_s = self.world.now // 1000

        return self.world.loop.start(until_reset())

    def posted(self):
        return [json.loads(payload) for code, _, payload in self.client.requests if code == 2]


def test_contacts_are_what_the_server_answered():
    with Scene() as scene:
        assert scene.application.contacts() == 0  # before there is a client
        scene.application.joined()
        reconnects = []
        scene.application.client = Module(
            endpoint=Module(heard=7), reconnect=lambda: reconnects.append(1)
        )
        assert scene.application.contacts() == 7
        scene.application.joined()
        assert reconnects == [1]


def known(starts):
    return Message(0x45, json.dumps({"client": {"starts": starts}}).encode())


@rows(first=(Message(0x84), 1), third=(known(2), 3))
def test_it_introduces_itself(attributes, starts):
    with Scene(attributes) as scene:
        scene.restarts.reason = "an update"
        scene.restarts.crashes = 2
        scene.start(scene.application.introduce())
        scene.world.pass_ms(0)
        (about,) = scene.posted()
        assert about.pop("version") and about.pop("platform") == scene.board.facts.port
        assert about.pop("report_every") == 0
        assert about == {"starts": starts, "restart": "an update", "restarts": 2}
        assert scene.lines == ["start number %d" % starts]


@rows(text="5", null=None, list=[[1]], dict={"a": 1}, yes=True, half=1.5)
def test_a_count_that_is_none_begins_anew(starts):
    with Scene(known(starts)) as scene:
        task = scene.start(scene.application.stay_known())
        scene.world.pass_ms(0)
        assert not task.done() and scene.posted()[0]["starts"] == 1


def test_faults_are_told_when_there_are_new_ones():
    with Scene(known(1)) as scene:
        scene.start(scene.application.stay_known())
        scene.world.pass_ms(180_000)
        assert scene.posted()[1:] == [{"faults": 0, "last_fault": None}]
        scene.device.session.faults = 3
        scene.device.session.last_fault = "measuring: MemoryError()"
        scene.world.pass_ms(180_000)
        assert scene.posted()[2:] == [{"faults": 3, "last_fault": "measuring: MemoryError()"}]


def test_a_token_that_is_refused_for_long_is_given_up():
    with Scene() as scene:
        write("credentials.json", "{}")
        scene.device.session.problem = REFUSED
        scene.device.record({"t": 1})
        scene.start(scene.application.renew_when_refused())
        scene.world.pass_ms(1000 * (REFUSED_S - 1))
        assert read("credentials.json") == b"{}" and scene.board.machine.resets == 0
        scene.world.pass_ms(1000)
        assert scene.restarted_s == REFUSED_S and read("credentials.json") is None
        assert read(WAITING) == b'[null, "{\\"t\\":1}"]\n'
        reason = scene.board.load("restarts").Restarts(False, False).reason
        assert reason == "the access token was refused"


@rows(well=None, other="telemetry: OSError 110")
def test_a_minute_without_a_refusal_begins_anew(problem):
    with Scene() as scene:
        scene.device.session.problem = REFUSED
        scene.start(scene.application.renew_when_refused())
        scene.world.pass_ms(1000 * (REFUSED_S - 60))
        scene.device.session.problem = problem
        scene.world.pass_ms(60_000)
        scene.device.session.problem = REFUSED
        scene.world.pass_ms(1000 * (REFUSED_S - 60))
        assert scene.board.machine.resets == 0
        scene.world.pass_ms(60_000)
        assert scene.board.machine.resets == 1


def test_a_token_that_was_never_saved_is_given_up_too():
    with Scene(refused=5) as scene:
        scene.device.session.problem = REFUSED
        scene.start(scene.application.renew_when_refused())
        scene.world.pass_ms(5000)
        assert scene.restarted_s == 5


def test_what_waits_is_sent_after_the_restart_once():
    with Scene() as scene:
        scene.device.record({"t": 1}, 5)
        scene.device.record({"t": 2}, 6)
        scene.application.suspend()
        scene.device = scene.application.device = scene.new_device()
        scene.application._recall_waiting()
        expected = [{"ts": 5, "values": {"t": 1}}, {"ts": 6, "values": {"t": 2}}]
        assert json.loads(scene.device.outbox.batch()) == expected
        assert read(WAITING) is None


def test_a_planned_restart_keeps_what_waits():
    with Scene() as scene:
        scene.device.record({"t": 1}, 5)

        async def restart():
            scene.application.restart("an update")

        scene.start(restart())
        scene.world.pass_ms(1)
        assert scene.board.machine.resets == 1 and read(WAITING)


def test_what_is_under_way_gives_its_memory_to_what_is_kept():
    with Scene() as scene:
        closed = []
        scene.application.client = Module(close=lambda: closed.append(read(WAITING)))
        scene.device.record({"t": 1}, 5)
        scene.application.suspend()
        assert closed == [None] and read(WAITING)


def test_without_memory_for_what_waits_the_board_restarts_all_the_same():
    with Scene() as scene:
        write(WAITING, b"")
        scene.device.record({"t": 1}, 5)

        def save(file):
            raise MemoryError

        scene.device.outbox.save = save
        scene.application.suspend()
        assert read(WAITING) is None


def test_if_nothing_waits_nothing_is_written():
    with Scene() as scene:
        scene.application.suspend()
        scene.application.device = None  # it does not know yet who it is
        scene.application.suspend()
        assert read(WAITING) is None


def test_on_a_full_flash_half_of_what_waits_is_of_no_use():
    with Scene() as scene:
        write(WAITING, b'[5, "{}"]\n')
        scene.device.record({"t": 1})
        scene.board.full = True
        scene.application.suspend()
        assert read(WAITING) is None


def test_with_a_journal_a_planned_restart_writes_it():
    with Scene(journal=8) as scene:
        device = scene.new_device()
        device.outbox = scene.application.outbox
        scene.application.device = device
        write(WAITING, b'[5, "{\\"t\\":1}"]\n')  # from when the outbox was in RAM
        scene.application._recall_waiting()
        assert read(WAITING) is None
        device.record({"t": 2}, 6)
        scene.application.suspend()
        assert read(WAITING) is None
        scene.application.begin()
        again = scene.application.outbox
        expected = [{"ts": 5, "values": {"t": 1}}, {"ts": 6, "values": {"t": 2}}]
        assert json.loads(again.batch()) == expected
        again.accepted()
        os.rmdir("journal")


def test_without_a_journal_its_code_takes_no_memory():
    with Scene() as scene:
        assert scene.application.outbox is None


@rows(empty=b"", cut=b'[5, "{', no_json=b"\xff\x00" * 100, deep=b"[" * 500 + b"\n", number=b"5\n")
def test_damaged_records_are_no_end(content):
    with Scene() as scene:
        write(WAITING, content + b'\n[5, "{\\"t\\":1}"]\n')
        scene.application._recall_waiting()
        assert json.loads(scene.device.outbox.batch()) == [{"ts": 5, "values": {"t": 1}}]
        assert read(WAITING) is None
