# The module `machine` of the virtual board, with the manners of a Pico W or of an ESP32.
#
# What the hardware does is done by the supervisor (tools/vboard/board.py), which is told by a line
# on `control`: "reset", "watchdog MS", "feed", "led 1". Nothing here ever returns from a reset.

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3

# What reset_cause() says after machine.reset(): on RP2 that is a watchdog reboot, too.
_CAUSES = {
    "rp2": {"power-on": PWRON_RESET, "reset": WDT_RESET, "watchdog": WDT_RESET},
    "esp32": {"power-on": PWRON_RESET, "reset": HARD_RESET, "watchdog": WDT_RESET},
}
_LONGEST_WATCHDOG_MS = {"rp2": 8388, "esp32": 1 << 30}

_control = None
_port = None
_reset_cause = PWRON_RESET


def connect(control, port, cause):
    """Called by the start code: where to tell the supervisor, and why the board starts."""
    global _control, _port, _reset_cause
    _control = control
    _port = port
    _reset_cause = _CAUSES[port].get(cause)


def halt(reason):
    """Tell the supervisor and run no further instruction."""
    _control.write(reason + "\n")
    while True:
        _control.read(1)


def reset():
    halt("reset")


def reset_cause():
    return _reset_cause


def unique_id():
    return b"\xe6\x60\x00\x00VBRD"


class WDT:
    """The watchdog. It cannot be stopped; a new one only changes the timeout."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT(%d) doesn't exist" % id)
        if not 1 <= timeout <= _LONGEST_WATCHDOG_MS[_port]:
            raise ValueError("timeout exceeds %d" % _LONGEST_WATCHDOG_MS[_port])
        _control.write("watchdog %d\n" % timeout)

    def feed(self):
        _control.write("feed\n")


class Pin:
    """The one pin of this board: Pin("LED", Pin.OUT)."""

    IN = 0
    OUT = 1

    def __init__(self, id, mode=OUT, pull=-1, value=None):
        if id != "LED" or mode != self.OUT:
            raise ValueError("this board has only Pin('LED', Pin.OUT)")
        self._value = 0
        if value is not None:
            self.value(value)

    def value(self, value=None):
        if value is None:
            return self._value
        self._value = int(bool(value))
        _control.write("led %d\n" % self._value)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)
