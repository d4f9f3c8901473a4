# What goes on through deep sleep: on an ESP32, which has memory for it, and elsewhere.

from fakes import raised
from hardware import Hardware, Machine, Module, Reset, read, write
from rows import rows


class RTC:
    """machine.RTC of an ESP32."""

    kept = b""

    def memory(self, data=None):
        if data is None:
            return RTC.kept
        RTC.kept = data


class ESP32(Machine):
    DEEPSLEEP_RESET = 4
    RTC = RTC

    def deepsleep(self, ms):
        self.slept = ms
        raise Reset


class RP2(Machine):
    RTC = Module()

    def __init__(self):
        super().__init__()
        self.slept = []  # (ms, how often the watchdog was armed before)
        self.armed = 0

    def WDT(self, timeout):
        self.armed += 1
        return super().WDT(timeout)

    def lightsleep(self, ms):
        self.slept.append((ms, self.armed))


def test_an_esp32_keeps_it_in_its_memory():
    with Hardware(ESP32()) as board:
        deep_sleep = board.load("deep_sleep")
        assert raised(Reset, deep_sleep.sleep, 598_000, b"kept", 8)
        assert board.machine.slept == 598_000 and board.writes == 0
        board.machine.cause = ESP32.DEEPSLEEP_RESET
        assert deep_sleep.woken() == b"kept"


@rows(Machine.PWRON_RESET, Machine.WDT_RESET, Machine.SOFT_RESET)
def test_another_start_of_an_esp32_ends_no_sleep(cause):
    with Hardware(ESP32()) as board:
        RTC.kept = b"older"
        board.machine.cause = cause
        assert board.load("deep_sleep").woken() is None


def test_others_keep_it_in_a_file_and_sleep_in_pieces():
    with Hardware(RP2()) as board:
        deep_sleep = board.load("deep_sleep")
        assert raised(Reset, deep_sleep.sleep, 9000, b"kept", 8)
        assert board.machine.slept == [(4000, 1), (4000, 2), (1000, 3)]
        assert board.machine.timeout_ms == 8000
        board.machine.cause = Machine.WDT_RESET
        assert deep_sleep.woken() == b"kept"
        assert deep_sleep.woken() is None and read("sleep.state") is None


def test_a_short_watchdog_makes_short_pieces():
    with Hardware(RP2()) as board:
        assert raised(Reset, board.load("deep_sleep").sleep, 2500, b"kept", 2)
        assert board.machine.slept == [(1000, 1), (1000, 2), (500, 3)]


def test_a_port_that_takes_no_such_watchdog_sleeps_all_the_same():
    with Hardware(RP2()) as board:
        board.machine.watchdog_max_ms = 1000
        assert raised(Reset, board.load("deep_sleep").sleep, 1000, b"kept", 8)
        assert board.machine.slept == [(1000, 1)]


def test_without_a_watchdog_none_is_armed():
    with Hardware(RP2()) as board:
        assert raised(Reset, board.load("deep_sleep").sleep, 5000, b"kept", 0)
        assert board.machine.slept == [(4000, 0), (1000, 0)]


def test_after_a_power_cut_the_file_counts_for_nothing():
    with Hardware(RP2()) as board:
        write("sleep.state", b"kept")
        assert board.load("deep_sleep").woken() is None and read("sleep.state") is None


@rows(esp32=ESP32, rp2=RP2)
def test_the_wifi_is_off_meanwhile(kind):
    off = []
    network = Module(WLAN=lambda interface: Module(active=lambda on: off.append((interface, on))))
    with Hardware(kind(), {"network": network}, wifi_interface=0) as board:
        assert raised(Reset, board.load("deep_sleep").sleep, 1000, b"", 0)
        assert off == [(0, False)]


def test_on_a_full_flash_it_sleeps_all_the_same():
    with Hardware(RP2()) as board:
        deep_sleep = board.load("deep_sleep")
        board.full = True
        assert raised(Reset, deep_sleep.sleep, 1000, b"kept", 0)
        board.machine.cause = Machine.WDT_RESET
        assert board.machine.slept == [(1000, 0)] and deep_sleep.woken() is None
