"""For the tests of the firmware's Wi-Fi: a driver with the habits of both ports."""

from coap.supervisor import supervise
from hardware import Hardware, Module
from world import World


class WLAN:
    """network.WLAN. fails: {method: exceptions}, of which each call raises one, in turn."""

    IF_STA = 0
    SEC_WPA3 = 3

    def __init__(self):
        self.fails = {}
        self.accepts = True  # whether a join succeeds
        self.hung = False  # no join succeeds until it was off
        self.joined = False
        self.address = "10.0.0.2"
        self.code = -3
        self.calls = []  # (method, argument, ...), without those that ask

    def called(self, method, *arguments):
        self.calls.append((method,) + arguments)
        self.fail(method)

    def fail(self, method):
        errors = self.fails.get(method)
        if errors:
            raise errors.pop(0)

    def active(self, on):
        self.called("active", on)
        if not on:
            self.joined = self.hung = False

    def config(self, **settings):
        self.called("config", settings)

    def connect(self, ssid, password, **more):
        self.called("connect", ssid, password, more)
        self.joined = self.accepts and not self.hung

    def disconnect(self):
        self.called("disconnect")
        self.joined = False

    def isconnected(self):
        self.fail("isconnected")
        return self.joined

    def status(self):
        self.fail("status")
        return self.code

    def ifconfig(self, fixed=None):
        if fixed:
            self.called("address", fixed)
            self.address = fixed[0]
        self.fail("ifconfig")
        return (self.address, "", "", "")

    def count(self, *call):
        """Return how often this was called."""
        return len([made for made in self.calls if made[: len(call)] == call])


class Application:
    """What the Wi-Fi knows of the application: heard counts what came of the server."""

    def __init__(self):
        self.heard = 0
        self.entries = 0

    def contacts(self):
        return self.heard

    def joined(self):
        self.entries += 1


class Scene:
    """`with Scene(wlan) as scene:` the Wi-Fi of a board is at work; time passes by seconds()."""

    def __init__(self, wlan=None, wifi_awake=None, **settings):
        self.wlan = wlan or WLAN()
        self.lines = []
        self.application = Application()
        self.names = []  # (function of the module network, value)
        self.config = {
            "wifi_ssid": "net",
            "wifi_password": "secret12",
            "wifi_country": None,
            "wifi_security": None,
            "wifi_address": None,
            "hostname": None,
        }
        self.config.update(settings)
        network = Module(
            WLAN=lambda interface: self.wlan,
            hostname=lambda name: self.named("hostname", name),
            country=lambda code: self.named("country", code),
        )
        self.hardware = Hardware(
            modules={"network": network}, wifi_interface=WLAN.IF_STA, wifi_awake=wifi_awake
        )
        self.world = World(turns=3)

    def named(self, what, value):
        self.names.append((what, value))
        self.wlan.fail(what)

    def __enter__(self):
        self.hardware.__enter__()
        wifi = self.hardware.load("wifi")
        self.station = wifi.Station(self.config, self.lines.append, self.application)
        self.world.__enter__()  # last: what fails before leaves asyncio as it is
        self.world.loop.start(supervise(self.station.run, self.station.report))
        return self

    def __exit__(self, *_):
        self.world.__exit__()
        self.hardware.__exit__()

    def seconds(self, count, talking=True):
        """Let time pass; talking: the server is heard all the time, if the board is in the net."""
        for _ in range(count // 10):
            self.world.pass_ms(10_000)
            self.application.heard += talking and self.wlan.joined
