# The Wi-Fi on drivers that raise, refuse, hang, lie, and rejoin by themselves.

from rows import rows
from station import WLAN, Scene

OFF = ("active", False)
ADDRESS = ["10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1"]


def test_it_joins_and_stays():
    with Scene() as scene:
        scene.seconds(400)
        assert scene.wlan.count("connect", "net", "secret12", {}) == 1
        assert scene.wlan.count("connect") == 1 and scene.wlan.count(*OFF) == 0
        assert scene.application.entries == 1
        assert scene.lines == ["wifi: joining", "wifi: joined, address 10.0.0.2"]


METHODS = "active config connect disconnect isconnected address ifconfig status hostname country"


@rows(*METHODS.split())
def test_it_joins_whatever_the_driver_raises(method):
    for kind in (OSError, RuntimeError, TypeError, MemoryError):
        wlan = WLAN()
        wlan.fails[method] = [kind("Wifi Unknown Error 0x3001")]
        wlan.hung = method in ("status", "disconnect")  # asked only after a failure
        with Scene(wlan, wifi_awake=0, wifi_country="DE", wifi_address=ADDRESS) as scene:
            scene.seconds(120 if wlan.hung else 20)
            assert wlan.fails[method] == []
            assert wlan.joined and scene.application.entries == 1


@rows("config", "hostname", "country", "address")
def test_a_driver_without_what_is_not_needed(method):
    for kind in (OSError, RuntimeError, TypeError, ValueError):
        wlan = WLAN()
        wlan.fails[method] = [kind("unknown config param") for _ in range(100)]
        with Scene(wlan, wifi_awake=0, wifi_country="DE", wifi_address=ADDRESS) as scene:
            scene.seconds(20)
            assert wlan.joined and wlan.count("connect") == 1


@rows(
    (-3, "the password is refused"),
    (-2, "no such network"),
    (-1, "the access point refuses this board"),
    (2, "no address"),
    (15, "the password is refused"),
    (200, "no answer"),
    (201, "no such network"),
    (203, "the access point refuses this board"),
    (202, "the password is refused"),
    (204, "the password is refused"),
    (1001, "no answer; the password may be wrong"),
    (77, "status 77"),
    (None, "status None"),
)
def test_a_refusal_is_told_in_words(code, words):
    wlan = WLAN()
    wlan.accepts = False
    wlan.code = code
    with Scene(wlan) as scene:
        scene.seconds(20)
        assert "wifi: %s, try 1" % words in scene.lines
        assert not [line for line in scene.lines if "secret12" in line]


def test_the_same_refusal_is_counted_and_another_one_told():
    wlan = WLAN()
    wlan.accepts = False
    with Scene(wlan) as scene:
        scene.seconds(21 * 9)
        words = "wifi: the password is refused"
        counted = [words + ", try %d" % n for n in (1, 2, 4, 8)]
        assert scene.lines == ["wifi: joining"] + counted
        wlan.code = -2
        scene.seconds(21)
        assert scene.lines[5:] == ["wifi: no such network, try 1"]
        wlan.accepts = True
        scene.seconds(30)
        wlan.joined = wlan.accepts = False
        scene.seconds(21)
        assert scene.lines[-2:] == ["wifi: joining", "wifi: no such network, try 1"]


def test_a_chip_that_hangs_is_switched_off_and_on():
    wlan = WLAN()
    wlan.hung = True
    with Scene(wlan) as scene:
        scene.seconds(120)
        assert wlan.count(*OFF) == 1 and scene.application.entries == 1


def test_an_access_point_that_is_gone_for_long_is_asked_all_the_time():
    wlan = WLAN()
    wlan.accepts = False
    with Scene(wlan) as scene:
        scene.seconds(400)
        assert 15 <= wlan.count("connect") <= 20
        wlan.accepts = True
        scene.seconds(120)
        assert scene.application.entries == 1


def test_a_network_that_goes_is_entered_again():
    with Scene() as scene:
        scene.seconds(20)
        scene.wlan.joined = False
        scene.seconds(20)
        assert scene.wlan.joined and scene.application.entries == 2
        assert scene.wlan.count(*OFF) == 0


def test_power_cycle():
    with Scene() as scene:
        scene.seconds(20)
        scene.station.power_cycle()
        scene.seconds(20)
        assert scene.wlan.count(*OFF) == 1
        assert scene.wlan.joined and scene.application.entries == 2


def test_a_connection_that_lies_is_joined_anew_ever_more_seldom():
    wlan = WLAN()
    with Scene(wlan) as scene:
        scene.seconds(60)
        counts = []
        for _ in range(7):
            scene.seconds(190, talking=False)
            counts.append(wlan.count("connect"))
        assert counts == [2, 2, 3, 3, 3, 3, 4]
        scene.seconds(20)
        scene.seconds(190, talking=False)
        assert wlan.count("connect") == 5


def test_another_address_without_a_word_is_told():
    with Scene() as scene:
        scene.seconds(20)
        scene.wlan.address = "10.0.0.3"
        scene.seconds(10)
        assert scene.application.entries == 2
        assert scene.lines[-1] == "wifi: joined, address 10.0.0.3"
        assert scene.wlan.count("connect") == 1


def test_a_fixed_address():
    with Scene(wifi_address=ADDRESS) as scene:
        scene.seconds(20)
        assert scene.wlan.count("address", tuple(ADDRESS)) == 1
        assert scene.lines[-1] == "wifi: joined, address 10.0.0.9"


def test_the_country_is_told_before_the_chip_is_on():
    with Scene(wifi_country="de") as scene:
        scene.wlan.fails["active"] = [OSError(1)]
        scene.world.pass_ms(0)
        assert ("country", "DE") in scene.names
        assert scene.wlan.calls == [("active", True)]


@rows((None, "tb-abcdef"), ("pump-7", "pump-7"))
def test_the_host_name(setting, name):
    with Scene(hostname=setting) as scene:
        scene.seconds(10)
        assert scene.names == [("hostname", name)]


@rows(
    none=(None, {}),
    word=("wpa3", {"security": 3}),
    number=(5, {"security": 5}),
    open=(0, {"security": 0}),
    unknown=("wpa9", {}),
)
def test_security(setting, more):
    with Scene(wifi_security=setting) as scene:
        scene.seconds(10)
        assert scene.wlan.count("connect", "net", "secret12", more) == 1
        assert ("wifi_security: unknown" in scene.lines) == (setting == "wpa9")


@rows((None, 0), (0, 1), (160, 1))
def test_power_saving_is_off_where_the_port_has_it(awake, calls):
    with Scene(wifi_awake=awake) as scene:
        scene.seconds(10)
        assert scene.wlan.count("config", {"pm": awake}) == calls
