# What depends on the board. No other file of the firmware asks which board it is.
#
# The facts are data: board.json in the root, which is copied there with the firmware and comes
# from boards/ of this project. Without it, or with that of another board, the safe values below
# are used, so a board works all the same.
#
# This file stands in the board's root, where no update replaces it. main.py needs it before an
# application was chosen, and an update that got it wrong could take away what leads back: the
# watchdog and the network. So it has facts only. How to read a sensor, say, stands in the
# application, where an update can put it right. What depends on the interpreter, which a firmware
# update replaces, is found out at each start.

import json
import sys

try:
    import network
except ImportError:
    network = None
try:
    from esp32 import Partition
except ImportError:
    Partition = None  # type: ignore[misc]  # a class on an ESP32

FILE = "board.json"
_SAFE = {
    "led": None,
    "watchdog_max_s": 8,  # RP2: 8.388 s
    "download_window": 1,
    "flash_stops_processor": True,
    "journal": 0,
}


class Board:
    """The board that runs this; all are facts, none is a setting of its owner.

    name: what packages for it say; of its MicroPython image.
    port: of MicroPython: "rp2", "esp32", "unix" and others.
    led: name or number of the LED's pin, unless the settings have another; None: nobody knows.
    watchdog_max_s: the longest time that its watchdog takes.
    wifi_interface: the station's, for network.WLAN; None: the host is on the net already.
    wifi_awake: the value of `pm` that turns power saving off; None if there is none.
    download_window: how many blocks of an update may be under way at once, at most
        (docs/updates.md, section 8).
    flash_stops_processor: whether it hears nothing while its flash is written.
    journal: KB of flash for telemetry, unless the settings have another; 0 where memory is short.
    partition: the class esp32.Partition, None if the port has none.
    problem: what is wrong with the facts, in a line; None.
    """

    def __init__(self, facts, problem=None):
        port = {"linux": "unix", "darwin": "unix"}.get(sys.platform, sys.platform)
        self.name = getattr(sys.implementation, "_build", port)
        self.port = port
        if not problem and facts["build"] != self.name:
            problem = "%s is that of %s, this is %s" % (FILE, facts["build"], self.name)
        self.problem = problem
        if problem:
            facts = _SAFE
        self.led = facts["led"]
        self.watchdog_max_s = facts["watchdog_max_s"]
        self.flash_stops_processor = facts["flash_stops_processor"]
        self.journal = facts["journal"]
        # Sockets of RP2 keep one datagram before MicroPython 1.26, and four since.
        keeps_one = port == "rp2" and sys.implementation.version < (1, 26)
        self.download_window = 1 if keeps_one else facts["download_window"]
        wlan = getattr(network, "WLAN", None)
        # STA_IF is the old name, which MicroPython 2 will not have.
        self.wifi_interface = getattr(wlan, "IF_STA", getattr(network, "STA_IF", None))
        self.wifi_awake = getattr(wlan, "PM_NONE", None)
        self.partition = Partition


def read(name=FILE):
    """Return the Board of a file; what is wrong with that is its problem."""
    try:
        with open(name) as file:
            return Board(json.load(file))
    except OSError:
        problem = "%s is missing" % name
    except (ValueError, KeyError, TypeError):
        problem = "%s cannot be read" % name
    return Board(_SAFE, problem)


board = read()
