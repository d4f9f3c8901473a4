"""The faults of a soak: each is a context manager, in which the fault is there."""

import contextlib
from collections.abc import Callable, Iterator

from tools.soak.scene import NAME, Scene
from tools.soak.sensor import ERRORS

Fault = Callable[[Scene], contextlib.AbstractContextManager]
FAULTS: dict[str, Fault] = {}
FLOOD = 25  # commands at once
WRONG = "127.7.7.7"  # nobody listens there, as behind a captive portal before the login
FLASH_OPERATIONS = 400  # of a start with an update, about


def fault(name: str):
    """Enter a generator function under its name."""

    def enter(function: Callable[[Scene], Iterator[None]]):
        FAULTS[name] = contextlib.contextmanager(function)
        return FAULTS[name]

    return enter


# The server


@fault("server outage")
def _outage(scene):
    scene.sim.stop_answering()
    try:
        yield
    finally:
        scene.sim.answer_again()


@fault("server restart")
def _restart(scene):
    scene.sim.stop_answering()
    scene.sim.restart()
    yield
    scene.sim.answer_again()


@fault("rate limit, 5.00")
def _limited(scene):
    scene.sim.switches.rate_limited = scene.random.randint(3, 12)
    yield
    scene.sim.switches.rate_limited = 0


@fault("slow back end")
def _slow_back_end(scene):
    scene.sim.switches.backend_delay = scene.random.uniform(0.5, 3)
    yield
    scene.sim.switches.backend_delay = 0.0


# The path


@contextlib.contextmanager
def link(scene, **values):
    """Set fields of the simulator's link, and set them back."""
    before = {name: getattr(scene.sim.link, name) for name in values}
    for name, value in values.items():
        setattr(scene.sim.link, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(scene.sim.link, name, value)


@fault("loss, doubles, disorder")
def _lossy(scene):
    loss = scene.random.uniform(0.1, 0.4)
    with link(scene, loss_up=loss, loss_down=loss, duplicate=0.1, reorder=0.2, reorder_ms=300):
        yield


@fault("long round trips")
def _long(scene):
    with link(scene, delay_ms=scene.random.uniform(500, 4000)):
        yield


@fault("large datagrams dropped")
def _small_path(scene):
    with link(scene, max_bytes=600):
        yield


@fault("NAT forgets")
def _nat(scene):
    scene.sim.call(scene.sim.link.nat.rebind)
    yield


@fault("Wi-Fi gone")
def _wifi_gone(scene):
    scene.network.link = False
    yield
    scene.network.link = True


@fault("Wi-Fi gone, DNS for longer")
def _wifi_and_dns(scene):
    with dns(scene, "silent"):
        scene.network.link = False
        yield
        scene.network.link = True
        scene.live(scene.random.uniform(3, 10))


@fault("access point restarted")
def _forgotten(scene):
    scene.network.restart_access_point()
    yield


@fault("Wi-Fi chip hangs")
def _hangs(scene):
    scene.network.hang()
    yield


@fault("Wi-Fi driver refuses")
def _refuses(scene):
    error = scene.random.choice((OSError(1), RuntimeError("Wifi Unknown Error 0x3012")))
    scene.network.air.refusal = error
    scene.network.link = False
    yield
    scene.network.link = True
    scene.network.air.refusal = None


# Names. A name is looked up at a start, and when the server is silent: one of both comes with it.


def _asks(scene):
    if scene.random.random() < 0.5:
        scene.power_cut()
        return contextlib.nullcontext()
    return FAULTS["server outage"](scene)


@contextlib.contextmanager
def dns(scene, mode):
    """Have the DNS server behave in one of its modes, and answer again."""
    scene.network.dns = mode
    try:
        yield
    finally:
        scene.network.dns = "answers"


@fault("DNS is silent")
def _dns_silent(scene):
    with dns(scene, "silent"), _asks(scene):
        yield


@fault("DNS is silent, getaddrinfo() endless")
def _dns_endless(scene):
    scene.network.endless = True
    with dns(scene, "silent"), _asks(scene):
        yield
    scene.network.endless = False


@fault("DNS knows no such name")
def _dns_unknown(scene):
    with dns(scene, "unknown"), _asks(scene):
        yield


@fault("DNS has no address")
def _dns_empty(scene):
    with dns(scene, "empty"), _asks(scene):
        yield


@fault("DNS is slow")
def _dns_slow(scene):
    scene.network.dns_delay_s = scene.random.uniform(1, 8)
    with _asks(scene):
        yield
    scene.network.dns_delay_s = 0.0


@fault("DNS gives a wrong address")
def _dns_wrong(scene):
    right = scene.network.names[NAME]
    scene.network.names[NAME] = [WRONG]
    with _asks(scene):
        yield
    scene.network.names[NAME] = right


# The board


@fault("power cut")
def _power_cut(scene):
    scene.power_cut()
    yield


@fault("power cut in a flash operation")
def _flash_cut(scene):
    scene.board.cut_power()
    scene.book_ends()
    scene.board.start(cut_at=scene.random.randint(1, FLASH_OPERATIONS), half=True)
    yield


@fault("sensor raises")
def _sensor(scene):
    for _ in range(scene.random.randint(1, 5)):
        scene.sensor.fail(scene.random.choice(ERRORS))
    yield


@fault("clock jumps")
def _clock(scene):
    scene.board.set_clock(scene.random.choice((7200, -5400, -40 * 86400, 0)))
    yield
    scene.board.set_clock(0)


# What people do


@fault("update")
def _update(scene):
    scene.update()
    yield


@fault("attributes change")
def _attributes(scene):
    choose = scene.random
    scene.sim.set_shared(scene.device, interval=round(choose.uniform(0.3, 1.5), 1))
    scene.sim.set_shared(scene.device, others={"text": "x" * choose.randint(0, 3000)})
    yield
    scene.sim.delete_shared(scene.device, "others")


@fault("flood of commands")
def _flood(scene):
    switches = scene.sim.switches
    switches.replace_burst = False
    for _ in range(FLOOD):
        scene.command(two_way=False, pad="x" * 900)
    yield
    switches.replace_burst = True
