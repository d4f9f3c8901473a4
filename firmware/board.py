# What depends on the board. No other file of the firmware asks which board it is.
#
# It stands in the board's root, where no update replaces it. main.py needs it before an
# application was chosen, and an update that got it wrong could take away what leads back: the
# watchdog and the network. So it has facts only. How to read a sensor, say, stands in the
# application, where an update can put it right. What depends on the interpreter, which a firmware
# update replaces, is found out at each start.

import sys

try:
    import network
except ImportError:
    network = None
try:
    from esp32 import Partition
except ImportError:
    Partition = None  # type: ignore[misc]  # a class on an ESP32


class Board:
    """The board that runs this; all are facts, none is a setting of its owner.

    name: what packages for it say; of its MicroPython image.
    port: of MicroPython: "rp2", "esp32", "linux" and others.
    sensor: what app.sensors reads the temperature of: "rp2", "esp32", "linux", or None.
    led: name or number of the LED's pin, unless the settings have another; None: nobody knows.
    watchdog_max_s: the longest time that its watchdog takes.
    wifi_interface: the station's, for network.WLAN; None: the host is on the net already.
    wifi_awake: the value of `pm` that turns power saving off; None if there is none.
    download_window: how many blocks of an update may be under way at once, at most
        (docs/updates.md, section 8).
    flash_stops_processor: whether it hears nothing while its flash is written.
    partition: the class esp32.Partition, None if the port has none.
    """

    def __init__(self):
        port = sys.platform
        # Sockets of RP2 keep one datagram before MicroPython 1.26, and four since.
        keeps_one = port == "rp2" and sys.implementation.version < (1, 26)
        self.name = getattr(sys.implementation, "_build", port)
        self.port = port
        self.sensor = port if port in ("rp2", "esp32", "linux") else None
        self.led = "LED" if port == "rp2" or port == "linux" else None
        self.watchdog_max_s = 8  # RP2: 8.388 s
        wlan = getattr(network, "WLAN", None)
        # STA_IF is the old name, which MicroPython 2 will not have.
        self.wifi_interface = getattr(wlan, "IF_STA", getattr(network, "STA_IF", None))
        self.wifi_awake = getattr(wlan, "PM_NONE", None)
        self.download_window = 1 if keeps_one else 5 if port == "esp32" else 3
        self.flash_stops_processor = port == "rp2"
        self.partition = Partition


board = Board()
