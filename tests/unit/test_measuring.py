# Readings: when, which of them are kept, and what the server may say about it.

import json

from fakes import Board, Client
from hardware import Hardware
from rows import rows
from thingsboard.clock import Clock
from thingsboard.device import Device
from world import World

NAN = float("nan")


class Scene:
    """`with Scene() as scene:` a device that measures; readings is what its sensors say next."""

    def __init__(self, interval=30):
        self.interval = interval
        self.readings = {"t": 21.5}
        self.lines = []
        self.board = Hardware()
        self.world = World(turns=3)

    def __enter__(self):
        self.board.__enter__()
        clock = Clock(Board())
        clock.set(1_790_000_000_000)
        self.device = Device(Client(), "TOK", self.lines.append, clock)
        module = self.board.load("app.measuring")
        module.time = self.world
        module.sensors = self
        self.measuring = module.Measuring(self.device, self.interval, self.lines.append)
        self.world.__enter__()  # last: what fails before leaves asyncio as it is
        return self

    def __exit__(self, *_):
        self.world.__exit__()
        self.board.__exit__()

    def read(self):
        if isinstance(self.readings, Exception):
            raise self.readings
        return self.readings

    def recorded(self):
        batch = self.device.outbox.batch()
        return [record["values"] for record in json.loads(batch)] if batch else []


def test_all_readings_are_one_record():
    with Scene() as scene:
        scene.readings = {"t": 21.5, "heap": 100, "door": "open"}
        scene.measuring.measure()
        assert scene.recorded() == [scene.readings]
        (line,) = scene.lines
        assert line.startswith("measured 1790000000000 {") and "'door': 'open'" in line
        assert scene.device.problem is None


@rows(
    raised=OSError(5),
    of_a_driver=RuntimeError("no answer on the bus"),
    memory=MemoryError(),
    nan=NAN,
    infinite=float("inf"),
    bytes=b"\x01",
    object=object(),
    set={1},
    deep={"a": [NAN]},
)
def test_one_bad_reading_costs_that_value_only(bad):
    with Scene() as scene:
        scene.readings = {"a": 1, "bad": bad, "z": 2}
        scene.measuring.measure()
        assert scene.recorded() == [{"a": 1, "z": 2}]
        assert scene.device.problem.startswith("sensor bad: ")


def test_if_all_are_bad_there_is_no_record():
    with Scene() as scene:
        scene.readings = {"a": OSError(5), "b": NAN}
        scene.measuring.measure()
        assert scene.recorded() == []
        assert [line.split(":")[0] for line in scene.lines] == ["sensor a", "sensor b"]


@rows(raised=ValueError("s"), none=None, list=[1], too_large={"x": "y" * 20_000})
def test_whatever_the_sensors_do_the_next_reading_counts(readings):
    with Scene() as scene:
        scene.readings = readings
        scene.measuring.measure()
        assert scene.recorded() == [] and scene.device.problem.startswith("sensors: ")
        scene.readings = {"t": 1}
        scene.measuring.measure()
        assert scene.recorded() == [{"t": 1}]


def test_it_measures_at_once_and_then_at_the_interval():
    with Scene(interval=30) as scene:
        scene.world.loop.start(scene.measuring.run())
        scene.world.pass_ms(0)
        assert len(scene.device.outbox) == 1
        scene.world.pass_ms(29_990)
        assert len(scene.device.outbox) == 1
        scene.world.pass_ms(10)
        assert len(scene.device.outbox) == 2
        scene.world.pass_ms(60_000)
        assert len(scene.device.outbox) == 4


def test_a_bad_sensor_does_not_end_it():
    with Scene(interval=1) as scene:
        task = scene.world.loop.start(scene.measuring.run())
        scene.readings = RuntimeError("bus")
        scene.world.pass_ms(5500)
        scene.readings = {"t": 1}
        scene.world.pass_ms(1000)
        assert not task.done() and scene.recorded() == [{"t": 1}]


def test_the_ticks_may_wrap():
    with Scene(interval=30) as scene:
        scene.world.now = (1 << 30) - 10_000
        scene.world.loop.start(scene.measuring.run())
        scene.world.pass_ms(30_000)
        assert len(scene.device.outbox) == 2


def test_another_interval_counts_at_once():
    with Scene(interval=86400) as scene:
        scene.world.loop.start(scene.measuring.run())
        scene.world.pass_ms(10_000)
        scene.device.attributes.take(b'{"interval":5}', False)
        scene.world.pass_ms(250)
        assert len(scene.device.outbox) == 2
        scene.world.pass_ms(5000)
        assert len(scene.device.outbox) == 3


@rows((10, 10_000), (2.5, 2500), (0.1, 100), (86400, 86_400_000), ("7", 7000), (" 0.5 ", 500))
def test_intervals_that_are_taken(value, ms):
    with Scene() as scene:
        scene.device.attributes.take(json.dumps({"interval": value}).encode(), False)
        assert scene.measuring.interval_ms == ms and scene.device.problem is None
        assert scene.lines[0].startswith("interval ")


@rows(0, -5, 0.05, 86401, 1e300, "", "soon", "nan", "inf", "1" * 400, True, False, [5], {"s": 5})
def test_intervals_that_are_not(value):
    with Scene() as scene:
        scene.device.attributes.take(json.dumps({"interval": value}).encode(), False)
        assert scene.measuring.interval_ms == 30_000
        assert scene.device.problem == "interval: ValueError expected 0.1 to 86400 seconds"


def test_deleted_the_setting_counts_again():
    with Scene() as scene:
        scene.device.attributes.take(b'{"interval":5}', False)
        scene.device.attributes.take(b'{"interval":null}', False)
        assert scene.measuring.interval_ms == 5000
        scene.device.attributes.take(b'{"deleted":["interval"]}', False)
        assert scene.measuring.interval_ms == 30_000


def test_other_attributes_are_not_its_business():
    with Scene() as scene:
        scene.device.attributes.take(b'{"color":"red"}', False)
        assert scene.lines == [] and scene.measuring.interval_ms == 30_000
