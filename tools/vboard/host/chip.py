"""The Wi-Fi chip of a virtual board, with the habits of its port's driver.

Sources: extmod/network_cyw43.c and cyw43-driver (rp2), ports/esp32/network_wlan.c and
network_common.c (esp32). Instants are seconds; who asks gives them. Drivers' errors are raised as
the exceptions that a program on the board gets.
"""

from dataclasses import dataclass, field

EPERM = 1
ETIMEDOUT = 110
NO_ADDRESS = "0.0.0.0"
NETMASK = "255.255.255.0"
GATEWAY = "192.168.4.1"

SWITCHED_OFF = "switched off"  # what frees a chip that hangs: active(False) or deinit()
RESET = "reset"  # and the worse kind: the board's

# What a driver tells of a join
IDLE = "STAT_IDLE"
CONNECTING = "STAT_CONNECTING"
GOT_IP = "STAT_GOT_IP"
NO_AP_FOUND = "STAT_NO_AP_FOUND"
WRONG_PASSWORD = "STAT_WRONG_PASSWORD"


@dataclass
class Air:
    """What is around the chip.

    reach: whether an access point is there. generation: which life of it. ssid, key: what it
    takes; None takes all. join_s: how long a join takes. notice_s: after how long a chip knows
    that the access point is out of reach. refusal: what connect() raises.
    """

    reach: bool = True
    generation: int = 0
    ssid: str | None = None
    key: str | None = None
    join_s: float = 0.5
    notice_s: float = 1.0
    refusal: Exception | None = None


@dataclass(frozen=True)
class Driver:
    """How a driver behaves.

    codes: of status(). dns_at_once: it has a server before it has joined; rejoins:
    it does so by itself; lies: isconnected() stays true where the access point has forgotten the
    board; no_name: the number of getaddrinfo()'s OSError.
    """

    codes: dict[str, int]
    power: dict[str, int]
    host_name: str
    dns_at_once: str | None
    rejoins: bool
    lies: bool
    no_name: int


# By their names in boards/
DRIVERS = {
    "cyw43": Driver(
        codes={
            IDLE: 0, CONNECTING: 1, GOT_IP: 3, WRONG_PASSWORD: -3, NO_AP_FOUND: -2,
            "STAT_CONNECT_FAIL": -1,
        },
        power={"PM_NONE": 0x10, "PM_PERFORMANCE": 0xA11142, "PM_POWERSAVE": 0xA11C82},
        host_name="PicoW",
        dns_at_once="8.8.8.8",
        rejoins=False,
        lies=True,
        no_name=-2,
    ),
    "esp32": Driver(
        codes={
            IDLE: 1000, CONNECTING: 1001, GOT_IP: 1010, WRONG_PASSWORD: 202, NO_AP_FOUND: 201,
            "STAT_BEACON_TIMEOUT": 200, "STAT_ASSOC_FAIL": 203, "STAT_HANDSHAKE_TIMEOUT": 204,
        },
        power={"PM_NONE": 0, "PM_PERFORMANCE": 1, "PM_POWERSAVE": 2},
        host_name="mpy-esp32",
        dns_at_once=None,
        rejoins=True,
        lies=False,
        no_name=-202,
    ),
}  # fmt: skip


@dataclass
class Chip:
    """The chip since the last reset of the board."""

    driver: Driver
    air: Air
    servers: list[str] = field(default_factory=lambda: [GATEWAY])  # DNS, as DHCP gives them
    hung: str = ""  # what frees it; "": it does not hang
    joins: int = 0  # the address is another one after each

    def __post_init__(self):
        self.reset()

    # What happens to it

    def reset(self) -> None:
        """The board was reset: nothing is left, not even a hang."""
        self.hung = ""
        self.host_name = self.driver.host_name
        self.country = "XX"
        self.settings = {}
        self.static = None
        self.server = None  # a DNS server that the program chose
        self._off()

    def carries(self, now: float) -> bool:
        """Whether datagrams pass."""
        self._settle(now)
        in_network = self._member == self.air.generation and self.air.reach
        return self._state == GOT_IP and in_network and not self.hung

    def dns(self) -> list[str]:
        """Return the DNS servers that the network stack asks."""
        if self.server:
            return [self.server]
        if self._state == GOT_IP:
            return self.servers
        at_once = self.driver.dns_at_once
        return [at_once] if self.is_active and at_once else []

    # What a program asks of it

    def active(self, now, on=None):
        if on is None:
            return self.is_active
        if self.hung == RESET:
            raise OSError(EPERM)
        if not on:
            self.hung = ""
            self._off()
        self.is_active = bool(on)
        return self.is_active

    def connect(self, now, ssid=None, key=None):
        self._settle(now)
        rp2 = not self.driver.rejoins
        if rp2 and not isinstance(ssid, str):
            raise TypeError("can't convert NoneType to str")
        if self.air.refusal:
            raise self.air.refusal
        if not self.is_active:
            raise OSError(EPERM) if rp2 else OSError("Wifi Not Started")
        if self.hung:
            raise OSError(ETIMEDOUT) if rp2 else RuntimeError("Wifi Unknown Error 0x0103")
        if not rp2 and self._state == CONNECTING:
            raise OSError("Wifi Internal State Error")
        self._wanted = (ssid, key)
        self._begin(now)

    def disconnect(self, now):
        self._wanted = None
        if not self.hung:
            self._state = IDLE
            self._member = None

    def isconnected(self, now):
        self._settle(now)
        return self._state == GOT_IP

    def status(self, now, what=None):
        self._settle(now)
        if what == "rssi":
            return -60
        return self.driver.codes[self._state]

    def config(self, now, what=None, **values):
        if what == "mac":
            return "28:cd:c1:00:00:01"
        if what in ("hostname", "dhcp_hostname"):
            return self.host_name
        if what is not None:
            if what not in self.settings:
                raise ValueError("unknown config param")
            return self.settings[what]
        self.settings.update(values)

    def ifconfig(self, now, values=None):
        if values is not None:
            self.static = None if values == "dhcp" else values[0]
            self.server = None if values == "dhcp" else values[3]
            return None
        servers = self.dns()
        return [*self._addresses(now), servers[0] if servers else NO_ADDRESS]

    def ipconfig(self, now, what=None, **values):
        if what in ("addr4", "gw4"):
            address, mask, gateway = self._addresses(now)
            return [address, mask] if what == "addr4" else gateway
        if what == "has_dhcp4":
            return self._state == GOT_IP and not self.static
        if "addr4" in values:
            address = values["addr4"]
            self.static = (address if isinstance(address, str) else address[0]).split("/")[0]
        if values.get("dhcp4"):
            self.static = None

    # Its states

    def _off(self):
        self.is_active = False
        self._wanted = None
        self._state = IDLE
        self._member = None  # of which life of the access point
        self._due = 0.0  # when a join ends
        self._lost_at = None

    def _begin(self, now):
        self._member = None
        self._state = CONNECTING
        self._due = now + self.air.join_s
        self._lost_at = None

    def _settle(self, now):
        air = self.air
        if self.hung or not self.is_active:
            return
        if self._state == CONNECTING and now >= self._due:
            ssid, key = self._wanted
            if not air.reach or air.ssid not in (None, ssid):
                self._state = NO_AP_FOUND
            elif air.key not in (None, key):
                self._state = WRONG_PASSWORD
            else:
                self._state = GOT_IP
                self._member = air.generation
                self.joins += 1
        elif self._state == GOT_IP:
            forgotten = self._member != air.generation and not self.driver.lies
            if air.reach and not forgotten:
                self._lost_at = None
            elif self._lost_at is None:
                self._lost_at = now
            elif now >= self._lost_at + air.notice_s:
                self._state = IDLE
                self._member = None
        if self.driver.rejoins and self._wanted and self._state not in (GOT_IP, CONNECTING):
            self._begin(now)

    def _addresses(self, now):
        if not self.isconnected(now):
            return [NO_ADDRESS, NO_ADDRESS, NO_ADDRESS]
        return [self.static or "192.168.4.%d" % (16 + self.joins % 200), NETMASK, GATEWAY]
