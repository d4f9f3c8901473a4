"""Storms: one kind of load on the firmware, as fast as it comes, on the virtual board."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tools.soak.ledger import NO_REASON
from tools.soak.scene import Scene
from tools.soak.soak import START_S, median
from tools.tbsim import RPCError
from tools.tbsim.wire.codec import answer

AFTER_S = 60  # within which a record measured after the storm is to be stored
PAD = "x" * 900
DEEP = 4000  # levels of JSON
LARGE = 17_000  # bytes of an attribute of others

Storm = Callable[[Scene, random.Random], None]


def command(scene, choose):
    # One-way: nobody waits, so that the next may follow at once. The board replies all the same.
    _send(scene, {})


def large_command(scene, choose):
    _send(scene, {"pad": PAD})


def burst(scene, choose):
    for _ in range(25):
        _send(scene, {"pad": PAD})


def _send(scene, more):
    ledger = scene.ledger
    number = len(ledger.sent)
    ledger.sent.append(number)
    try:
        scene.sim.rpc(scene.device, "work", {"n": number, **more}, two_way=False)
    except RPCError:
        pass  # the board is not registered: this one does not reach it


def attributes(scene, choose):
    scene.sim.set_shared(scene.device, **{f"others{choose.randrange(50)}": choose.random()})


def deep_attribute(scene, choose):
    # No Python can make JSON of such a value: the text is put together here.
    notify(scene, b'{"deep":' + b"[" * DEEP + b"]" * DEEP + b"}")


def large_attribute(scene, choose):
    scene.sim.set_shared(scene.device, certificate="%d" % choose.randrange(10) * LARGE)


def notify(scene, payload: bytes) -> None:
    """Send a notification of shared attributes with any payload."""
    downlink = scene.sim.downlink

    def send():
        observation = downlink.observation(scene.device, "attributes")
        if observation:
            downlink.observations.notify(observation, answer("2.05", payload))

    scene.sim.call(send)


def datagram(scene, choose):
    """Send random bytes, or a datagram of before with some bytes changed, as from the server."""
    sim = scene.sim
    event = next(event for event in reversed(sim.events) if event.up)
    kind = choose.randrange(3)
    if kind == 0:
        data = choose.randbytes(choose.randrange(1, 60))
    elif kind == 1:
        data = bytearray(choose.choice(sim.events[-200:]).datagram)
        for _ in range(choose.randrange(1, 4)):
            data[choose.randrange(len(data))] = choose.randrange(256)
    else:  # an empty ACK or a reset of any message
        data = bytes([choose.choice((0x60, 0x70)), 0]) + choose.randbytes(2)
    sim.call(sim.layer.transport.sendto, bytes(data), event.address)


@dataclass(frozen=True)
class Kind:
    """A storm: what is done, how often in a second, and which features are mute meanwhile."""

    step: Storm
    rate: float
    mute: tuple[str, ...] = ()


KINDS = {
    "commands": Kind(command, 200),
    "commands-unanswered": Kind(command, 200, mute=("rpc",)),
    "large-commands-unanswered": Kind(large_command, 1, mute=("rpc", "telemetry")),
    "bursts": Kind(burst, 0.2, mute=("rpc",)),
    "attributes": Kind(attributes, 100),
    "deep-attribute": Kind(deep_attribute, 5),
    "large-attribute": Kind(large_attribute, 1),
    "datagrams": Kind(datagram, 200),
}


@dataclass
class Weather:
    """What a storm did. heap: KiB free before it, the least in it, and after it."""

    name: str
    minutes: float
    down: int
    up: int
    sent: int
    run: int
    twice: int
    restarts: Counter
    heap: tuple[int, int, int]
    measured: int
    stored: int
    lost: Counter
    telemetry_after: bool

    def faults_found(self) -> list[str]:
        """Return what must not be, in words; empty if all is well."""
        found = [f"restart: {why}" for why in self.restarts]
        if self.twice:
            found.append(f"{self.twice} commands run twice")
        if self.lost[NO_REASON]:
            found.append(f"{self.lost[NO_REASON]} records lost without a reason")
        if not self.telemetry_after:
            found.append("no telemetry after it")
        return found


def storm(scene: Scene, name: str, minutes: float, tell=lambda text, done: None) -> Weather:
    """Let a storm go over the scene's board for so many minutes."""
    kind, sim, ledger = KINDS[name], scene.sim, scene.ledger
    scene.board.start()
    scene.board.wait(lambda: len(scene.heap) > 5 and scene.stored(), START_S, "first records")
    before, event, began = median(scene.heap[-5:]), len(sim.events), time.monotonic()
    readings = len(scene.heap)
    sim.switches.mute, sim.switches.replace_burst = kind.mute, False
    choose, done = random.Random(name), 0
    while (passed := time.monotonic() - began) < 60 * minutes:
        scene.keep_on()
        tell(name, passed / (60 * minutes))
        if done < passed * kind.rate:
            kind.step(scene, choose)
            done += 1
        else:
            time.sleep(min(0.05, 1 / kind.rate))
    least = min(scene.heap[readings:], default=0)
    sim.switches.mute, sim.switches.replace_burst = (), True
    tell("calm again", 1.0)
    telemetry_after = recovered(scene)
    scene.book_ends()
    events = sim.events[event:]
    commands = ledger.commands()
    records = ledger.records(scene.stored())
    return Weather(
        name=name,
        minutes=minutes,
        down=sum(not one.up for one in events) + (done if kind.step is datagram else 0),
        up=sum(one.up for one in events),
        sent=commands.sent,
        run=commands.run,
        twice=len(commands.twice),
        restarts=ledger.restarts(),
        heap=(before, least, median(scene.heap[-5:])),
        measured=records.measured,
        stored=records.stored,
        lost=records.lost,
        telemetry_after=telemetry_after,
    )


def recovered(scene: Scene) -> bool:
    """Whether all that was measured is stored soon, some of it measured after now."""
    count = len(scene.heap)
    return scene.sim.until(
        lambda: len(scene.heap) > count + 5 and not scene.missing(), AFTER_S, step=0.2
    )
