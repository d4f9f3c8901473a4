# What the server can ask: the forms of setLed, the LED itself, how the device is, a restart.

from fakes import Board, Client
from hardware import Hardware, Module, Reset
from rows import rows
from thingsboard.clock import Clock
from thingsboard.device import Device


class Scene:
    """`with Scene() as scene:` a device that obeys; error: what machine.Pin() raises."""

    def __init__(self, led="LED", error=None):
        self.led = led
        self.error = error
        self.pins = []  # names of those that were made
        self.levels = []
        self.board = Hardware()

    def __enter__(self):
        scene = self

        class Pin:
            OUT = 1

            def __init__(self, name, mode):
                if scene.error:
                    raise scene.error
                assert mode == Pin.OUT
                scene.pins.append(name)

            def value(self, level):
                scene.levels.append(level)

        self.board.machine.Pin = Pin
        self.board.__enter__()
        self.time = Board()
        client = Client()
        client.endpoint.duplicates = 2
        client.endpoint.retransmissions = 3
        self.device = Device(client, "TOK", clock=Clock(self.time))
        module = self.board.load("app.commands")
        self.restarts = self.board.load("restarts").Restarts(True, False)
        measuring = Module(interval_ms=2500)
        restarts = self.restarts
        self.commands = module.Commands(
            self.device, measuring, self.led, "1.2", restarts.reason, restarts.restart
        )
        return self

    def __exit__(self, *_):
        self.board.__exit__()

    def obey(self, method, params=None):
        return self.device.commands.handlers[method](params)


@rows(
    true=(True, True),
    false=(False, False),
    one=(1, True),
    zero=(0, False),
    text_on=("on", True),
    text_off=("off", False),
    capitals=("OFF", False),
    text_true=("true", True),
    text_false=("False", False),
    text_one=("1", True),
    text_zero=("0", False),
    on=({"on": True}, True),
    on_false=({"on": False}, False),
    on_off=({"on": "off"}, False),
    on_zero=({"on": 0, "pin": 5}, False),
    enabled=({"enabled": True}, True),
    enabled_false=({"enabled": False}, False),
    both=({"on": False, "enabled": True}, False),
)
def test_set_led(params, on):
    with Scene() as scene:
        assert scene.obey("setLed", params) == {"on": on}
        assert scene.pins == ["LED"] and scene.levels == [1 if on else 0]


@rows(
    null=None,
    empty={},
    empty_text="",
    two=2,
    minus=-1,
    half=0.5,
    list=[[True]],
    word="maybe",
    long="x" * 1000,
    inner_null={"on": None},
    inner_dict={"on": {"on": True}},
    other={"state": True},
)
def test_what_is_neither_on_nor_off_changes_nothing(params):
    with Scene() as scene:
        assert scene.obey("setLed", params) == {"error": "expected true or false"}
        assert scene.pins == [] and scene.levels == []


def test_the_pin_is_made_once():
    with Scene(led=25) as scene:
        for params in (True, "off", {"on": 1}):
            scene.obey("setLed", params)
        assert scene.pins == [25] and scene.levels == [1, 0, 1]


@rows(
    name=ValueError("unknown named pin"), none=TypeError(), number=ValueError(), busy=OSError(16)
)
def test_a_board_without_the_pin_says_what_to_do(error):
    with Scene(error=error) as scene:
        assert scene.obey("setLed", True) == {"error": "no such pin; set led in settings.json"}
        scene.error = None
        assert scene.obey("setLed", True) == {"on": True}


@rows(None, {}, [[1]], "all")
def test_get_info(params):
    with Scene() as scene:
        scene.device.record({"t": 1})
        scene.device.session.report("clock", ValueError())
        info = scene.obey("getInfo", params)
        problem = info.pop("problem")
        assert problem.startswith("clock: ") and problem == scene.device.problem
        assert info == {
            "version": "1.2",
            "uptime": 0,
            "interval": 2.5,
            "waiting": 1,
            "dropped": 0,
            "refused": 0,
            "retransmissions": 3,
            "duplicates": 2,
            "faults": 0,
            "restart": "power on",
        }


def test_the_uptime_is_in_seconds():
    with Scene() as scene:
        scene.time.now = 61_500
        assert scene.obey("getInfo")["uptime"] == 61


def test_reboot_comes_after_the_reply():
    with Scene() as scene:
        reply, action = scene.obey("reboot")
        assert reply == {"ok": True} and scene.board.machine.resets == 0
        try:
            action()
        except Reset:
            pass
        assert scene.board.machine.resets == 1
        restarts = scene.board.load("restarts").Restarts(False, False)
        assert restarts.reason == "the command reboot" and restarts.count == 0
