"""The server and its users while the record was made: what there was, and who did what when."""

import time
from collections.abc import Callable

from tools.tbsim import Package, Simulator, Timing

from .player import Player
from .transcripts import Row

POLL_S = 0.004  # faster than the server's, so that a replay takes half a minute; the order stays
SLOW_POLL_S = 0.08  # where something must happen between two polls
AWAKE_MS = 500  # psmActivityTimer and pagingTransmissionWindow; 3 s when it was recorded
ASLEEP_S = 0.65
DATA = bytes((i * 7 + i // 256) & 255 for i in range(5000))
DEFAULT = ("TG", "TT", "TA", "TB", "TO", "TR", "TC", "TF", "xs", "xn", "xo", "xr", "xl", "xz")
OTHERS = {  # access token: settings of the profile
    "TQ": {"transport": "MQTT"},
    "TE": {"transport": "EFENTO"},
    "xp": {"transport": "COAP", "payload": "PROTOBUF"},
    "xq": {"transport": "COAP", "payload": "PROTOBUF"},
    "xwPSM": {"power_mode": "PSM", "activity_ms": AWAKE_MS},
    "xwE_DRX": {"power_mode": "E_DRX", "activity_ms": AWAKE_MS},
}
STRATEGIES = ("ALLOW_CREATE_NEW_DEVICES", "CHECK_PRE_PROVISIONED_DEVICES")
PROTOBUF_STATE = {"b": True, "s": "text", "d": 2.5, "f": False, "i": 5, "z": 0, "j": {"k": [1]}}
OBSERVE_XO = bytes.fromhex("420189f4 0177 60 53617069 027631 02786f 0a61747472696275746573")


class Scene:
    """A simulator with the devices of the record. before(row) does what a user did then."""

    def __init__(self):
        timing = Timing(piggyback=1.0, ack_timeout=0.1, poll=POLL_S, start_least=0, start_most=0)
        self.sim = Simulator(timing=timing)
        self.sim.switches.leave_nothing_to_chance()
        self.sim.start()
        for token in DEFAULT:
            self.sim.add_device(token, token)
        for token, settings in OTHERS.items():
            self.sim.add_device(token, token, self.sim.add_profile(token, **settings))
        for strategy in STRATEGIES:
            profile = self.sim.add_profile(
                strategy, provision_key="k-" + strategy, provision_secret="s", strategy=strategy
            )
        self.sim.add_device("pre1", "pre1", profile)
        self.player = Player(self.sim.port)
        self._deeds = deeds()
        self._settled = True

    def play(self, rows: list[Row]) -> None:
        self.player.play(rows, self._before)

    def close(self) -> None:
        self.player.hang_up()
        self.sim.close()

    def _before(self, row: Row) -> None:
        everywhere, here = (row.label, row.index), (row.label, row.index, row.session)
        for deed in self._deeds.get(everywhere, []) + self._deeds.get(here, []):
            deed(self)
            self._settled = False
            if row.up:
                self._settle()
        if row.up:  # what was done ahead of the server's datagrams, too, was done by then
            self._settle()

    def _settle(self):
        # Wait until the server has taken all that was done.
        if not self._settled:
            self.sim.until(lambda: self.sim.resources.backend.idle, step=0.002)
            self._settled = True

    # Deeds

    def set(self, token: str, **values) -> None:
        self.sim.set_shared(self.sim.device(token), **values)

    def delete(self, token: str, *keys: str) -> None:
        self.sim.delete_shared(self.sim.device(token), *keys)

    def command(self, token: str, method: str, params=None, **how) -> None:
        """Send a command and do not wait for what becomes of it."""
        device, how = self.sim.device(token), {"two_way": True, "persistent": False} | how

        def start():
            rpc = device.start_rpc(method, params, **how)
            if not self.sim.downlink.send(device, rpc) and not rpc.persistent:
                rpc.finish("FAILED")

        self.sim.call(start)

    def finish(self, token: str) -> None:
        """End all commands, as their time does."""
        for rpc in list(self.sim.device(token).rpcs.values()):
            self.sim.call(rpc.finish, "TIMEOUT")

    def another_server(self) -> None:
        """Restart the server, and replace the devices' sockets."""
        self.player.hang_up()
        self.sim.restart()

    def registered(self, token: str) -> None:
        self.sim.until(lambda: self.sim.observes(self.sim.device(token)), step=0.002)

    def lost_observations(self, token: str) -> None:
        self.sim.until(lambda: not self.sim.observes(self.sim.device(token)), 15)

    def come_back(self) -> None:
        self.sim.restart()
        self.sim.answer_again()


Deed = Callable[[Scene], None]


def poll(seconds: float) -> Deed:
    return lambda scene: setattr(scene.sim.timing, "poll", seconds)


def switch(name: str, value) -> Deed:
    return lambda scene: setattr(scene.sim.switches, name, value)


def do(name: str, *words, **values) -> Deed:
    """Return the call of one of Scene's deeds."""
    return lambda scene: getattr(scene, name)(*words, **values)


def sleep(seconds: float) -> Deed:
    return lambda _: time.sleep(seconds)


def assign(title: str, version: str, data: bytes, algorithm: str = "SHA256") -> Deed:
    package = Package(title, version, data, algorithm=algorithm)
    return lambda scene: scene.sim.assign(scene.sim.device("TF"), package)


def deeds() -> dict[tuple, list[Deed]]:
    """Return what was done ahead of a datagram: (label, index): deeds. A third number is that of
    the one session in which it was done.
    """
    return {
        **attributes(),
        **observations(),
        **commands(),
        **packages(),
        **oddities(),
        **protobuf(),
        **resets(),
        **sleepers(),
        **limits(),
        **restart(),
    }


def attributes() -> dict:
    s4 = {"k": [1, None]}
    return {
        ("a read ['clientKeys=a']", 0): [
            do("set", "TA", s3=2.5, s4=s4, s5="7", s1=True, s2="text")
        ],
        ("a large", 0): [do("set", "TA", large="y" * 2400)],
    }


def observations() -> dict:
    put = {
        "o set k": {"k": "x"},
        "o set five types": {"a1": 1, "a2": False, "a3": 2.5, "a4": {"j": [1]}, "a5": "25"},
        "o set the same value": {"k": "x"},
        "o set k: new token only": {"k": "y"},
        "o set k after that": {"k": "still"},
        "o Observe 2": {"k": "q"},
        "o claim observe": {"k": "r"},
        "o NON notification": {"k": "s"},
        "o retransmission of one": {"burst": 4},
        "o a newer one while it is un-ACKed": {"burst": 5},
        "o for large": {"burst": 6},
        "o large notification": {"large": "L" * 2490},
        "o small one in between": {"k": "mid"},
        "o small notification after 256": {"k": "small"},
        "o large notification after 256": {"large": "M" * 600},
    }
    return {
        **{(label, 0): [do("set", "TO", **values)] for label, values in put.items()},
        ("o burst un-ACKed", 0): [do("set", "TO", burst=n) for n in (1, 2, 3)],
        ("o delete two", 0): [do("delete", "TO", "a1", "a2")],
        ("o delete what is not there", 0): [do("delete", "TO", "nothere")],
        ("o same token again", 0): [switch("told_again", 1.0), poll(SLOW_POLL_S)],
        ("o set k after same token", 0): [do("registered", "TO"), do("set", "TO", k="z")],
        ("o other path, third token", 0): [switch("told_again", 0.0), poll(POLL_S)],
    }


def commands() -> dict:
    kinds = ("object", "array", "text", "number", "empty", "malformed", "null", "nested")
    asked = {
        (f"r command before {kind}", 0): [do("command", "TR", "m", {"p": kind})] for kind in kinds
    }
    one_way = {
        "null": None,
        "[1, 2]": [1, 2],
        '"text"': "text",
        "5": 5,
        "true": True,
        '{"a": {"b": [1, "\\u00e9", null, 1.5]}}': {"a": {"b": [1, "é", None, 1.5]}},
    }
    sent = {
        (f"r one-way params {text}", 0): [do("command", "TR", "p", params, two_way=False)]
        for text, params in one_way.items()
    }
    burst = [do("command", "TR", f"b{n}", {}, two_way=False) for n in (0, 2, 3, 4, 1)]
    return {
        **asked,
        **sent,
        ("r subscribe", 0): [do("command", "TR", "nobody listens")],
        ("r large command", 0): [do("command", "TR", "big", {"big": "B" * 2000}, two_way=False)],
        ("r burst of 5 un-ACKed: how many datagrams", 0): burst,
        ("r NON command", 0): [do("command", "TR", "non", {}, two_way=False)],
    }


def packages() -> dict:
    def unassign(scene: Scene) -> None:
        scene.sim.unassign(scene.sim.device("TF"))

    return {
        ("f assigned: notifications", 0): [assign("T", "1.447aa7", DATA)],
        ("f unassigned: notifications", 0): [unassign],
        ("f small one assigned", 0): [assign("T3", "1.63c24d", b"abc", "CRC32")],
        ("f another assigned", 0): [assign("T4", "1.4ffc92", b"abcdef" * 10, "MURMUR3_128")],
    }


def oddities() -> dict:
    ten = [do("set", "xn", **{f"a{n}": n}) for n in range(10)]
    return {
        ("x same token: first", 0): [do("another_server"), do("set", "xs", k="v")],
        ("x same token: set", 0): [do("set", "xs", k="w")],
        ("x same token: set again", 0): [do("set", "xs", k="x")],
        ("x same token rpc: first", 0): [do("another_server")],
        ("x same token rpc: command", 0): [do("command", "xs", "m", {}, two_way=False)],
        ("x same token sent twice before the answer, kind 0", 0): [
            do("another_server"),
            poll(SLOW_POLL_S),
        ],
        ("x   then a set", 0): [poll(POLL_S), do("set", "xs", k="tw0")],
        ("x   then a set", 2): [do("set", "xs", k="tw1")],
        ("x CON rpc subscribe", 0): [do("another_server")],
        ("x NON rpc subscribe", 0): [do("another_server")],
        ("x NON attributes subscribe", 0): ten,
        ("x an update overtakes the first answer", 0): [
            do("another_server"),
            do("set", "xo", base=1, other=2),
            lambda scene: scene.player.exchange(0x89F4, OBSERVE_XO),
            poll(SLOW_POLL_S),
        ],
        ("x an update overtakes the first answer", 2): [do("set", "xo", n=1)],
    }


def protobuf() -> dict:
    return {
        ("x proto telemetry temperature 21.5", 0): [do("another_server")],
        ("x proto attributes read client", 0): [do("set", "xp", **PROTOBUF_STATE)],
        ("x proto attribute notification", 0): [do("set", "xp", i=6)],
        ("x proto deletion", 0): [do("delete", "xp", "s", "i")],
        ('x proto rpc command params "p"', 0): [do("command", "xp", "m", "p")],
        ('x proto rpc command params {"a": 1}', 0): [do("command", "xp", "m", {"a": 1})],
        ("x proto rpc subscribe again", 0): [do("command", "xp", "m", 5)],
        ("x proto rpc command params null", 0): [do("command", "xp", "m", None)],
    }


def resets() -> dict:
    return {
        ("x RST to a command: subscribe", 0): [do("another_server"), poll(POLL_S)],
        ("x RST to a persistent command: subscribe", 0): [do("command", "xr", "m", {})],
        ("x RST to a persistent command: subscribe", 2): [do("finish", "xr")],
        ("x registered again: persistent comes", 0): [
            do("command", "xr", "m", {}, persistent=True)
        ],
        ("x registered again: persistent comes", 2, 0): [do("finish", "xr")],
        ("x un-ACKed command: datagrams", 0): [do("command", "xr", "m", {}, persistent=True)],
        ("x after the give-up: telemetry", 0): [do("lost_observations", "xr")],
    }


def sleepers() -> dict:
    found = {}
    for mode in ("PSM", "E_DRX"):
        token = "xw" + mode
        found[f"x {mode} subscribe", 0] = [do("another_server")]
        found[f"x {mode} set at once", 0] = [do("set", token, awake=1)]
    found["x PSM telemetry from a new port", 0] = [
        do("finish", "xwPSM"),
        sleep(ASLEEP_S),
        do("command", "xwPSM", "nobody answers"),
        do("finish", "xwPSM"),
        do("command", "xwPSM", "asleep", {}),
    ]
    found["x E_DRX telemetry from a new port", 0] = [do("finish", "xwE_DRX")]
    awake = "x E_DRX two-way while awake, not answered"
    found[awake, 0] = [sleep(ASLEEP_S), do("command", "xwE_DRX", "awake", {})]
    found["x E_DRX two-way while asleep", 0] = [
        do("finish", "xwE_DRX"),
        sleep(ASLEEP_S),
        do("command", "xwE_DRX", "asleep", {}),
    ]
    asleep = (
        do("set", "xwPSM", asleep1=1, asleep2=2),
        do("set", "xwPSM", asleep1=3),
        do("delete", "xwPSM", "awake"),
        do("set", "xwPSM", asleep4=4),
        do("command", "xwPSM", "sleepy", {}, persistent=True),
    )
    found["x PSM telemetry wakes", 0] = [sleep(ASLEEP_S), *asleep]
    dozing = {
        "set after 5 s": do("set", "xwE_DRX", asleep1=1, asleep2=2),
        "set once more": do("set", "xwE_DRX", asleep1=3),
        "delete": do("delete", "xwE_DRX", "awake"),
        "set after the deletion": do("set", "xwE_DRX", asleep4=4),
        "persistent command": do("command", "xwE_DRX", "sleepy", {}, persistent=True),
    }
    found |= {(f"x E_DRX {label}", 0): [sleep(ASLEEP_S), deed] for label, deed in dozing.items()}
    return found


def limits() -> dict:
    refused = (
        "x telemetry 5 of 8, limit 5:1",
        "x telemetry 6 of 8, limit 5:1",
        "x telemetry 7 of 8, limit 5:1",
        "x NON telemetry over the limit",
        "x attribute read 3, limit 3:10",
        "x subscription over the limit",
        "x fw over the limit",
        "x 12 points, limit 10:5",
        "x 2 points more",
    )
    return {
        ("x telemetry 0 of 8, limit 5:1", 0): [do("another_server")],
        **{(label, 0): [switch("rate_limited", 1)] for label in refused},
    }


def restart() -> dict:
    kept = do("command", "xz", "kept", {}, persistent=True)
    return {
        ("x restart: subscribe", 0): [do("another_server"), do("set", "xz", k=1)],
        ("x restart: command before", 0): [do("command", "xz", "one", {}, two_way=False)],
        ("x restart: persistent, ACKed and not answered", 0): [kept],
        ("x restart: while down", 0): [lambda scene: scene.sim.stop_answering()],
        ("x restart: same datagram again", 0): [do("come_back")],
        ("x restart: same token again", 0): [do("command", "xz", "nobody listens")],
        ("x restart: command after", 0): [do("command", "xz", "after", {}, two_way=False)],
    }
