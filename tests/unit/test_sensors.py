# What a board measures of itself: each port's units, and sensors that fail.

from hardware import Hardware, Module
from rows import rows

KIB = 1024


def sensors(board):
    """Return the module on a board with 100.5 KiB of free heap."""
    module = board.load("app.sensors")
    module.gc = Module(collect=lambda: None, mem_free=lambda: 100 * KIB + 512)
    return module


class ADC:
    """machine.ADC of an RP2."""

    CORE_TEMP = 4
    volts = 0.706

    def __init__(self, channel):
        assert channel == self.CORE_TEMP

    def read_u16(self):
        return int(self.volts * 65535 / 3.3)


@rows((0.706, 27), (0.706 + 0.001721 * 27, 0), (0.706 - 0.001721 * 58, 85))
def test_the_temperature_of_an_rp2(volts, celsius):
    with Hardware(port="rp2") as board:
        board.machine.ADC = ADC
        ADC.volts = volts
        readings = sensors(board).read()
        assert abs(readings["temperature"] - celsius) < 0.05
        assert readings["heap"] == 100 and len(readings) == 2


def test_the_temperature_of_an_esp32():
    esp32 = Module(mcu_temperature=lambda: 41)
    with Hardware(modules={"esp32": esp32}, port="esp32") as board:
        assert sensors(board).read() == {"temperature": 41, "heap": 100}


@rows((32, 0), (212, 100), (127.4, 53))
def test_the_first_esp32_measures_in_fahrenheit(fahrenheit, celsius):
    esp32 = Module(raw_temperature=lambda: fahrenheit)
    with Hardware(modules={"esp32": esp32}, port="esp32") as board:
        assert abs(sensors(board).read()["temperature"] - celsius) < 0.001


def test_an_esp32_without_a_sensor():
    with Hardware(modules={"esp32": Module()}, port="esp32") as board:
        assert sensors(board).read() == {"heap": 100}


def test_a_board_that_nobody_knows():
    with Hardware(port="samd") as board:
        assert sensors(board).read() == {"heap": 100}


@rows(OSError(5), RuntimeError(), MemoryError(), TypeError("t"))
def test_where_a_sensor_fails_there_is_its_exception(error):
    def fail():
        raise error

    esp32 = Module(mcu_temperature=fail)
    with Hardware(modules={"esp32": esp32}, port="esp32") as board:
        assert sensors(board).read() == {"temperature": error, "heap": 100}


class Files:
    """open() of a host with these files of one text each."""

    def __init__(self, files):
        self.files = files

    def open(self, path):
        if path not in self.files:
            raise OSError(2)
        self.lines = self.files[path].split("\n")
        return self

    def readline(self):
        return self.lines.pop(0)

    def __iter__(self):
        return iter(self.lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


THERMAL = "/sys/class/thermal/thermal_zone0/temp"
HOST = {
    "/proc/loadavg": "0.42 0.30 0.20 1/100 1234\n",
    "/proc/meminfo": "MemTotal:  8000 kB\nMemFree:  100 kB\nMemAvailable:    5000 kB\n",
}


def on_a_host(board, files):
    """Return what the sensors of a host with these files say."""
    module = sensors(board)
    module.open = Files(files).open
    module._sensors = module._unix_sensors()
    return module.read()


def test_a_host():
    files = {THERMAL: "48500\n"}
    files.update(HOST)
    with Hardware(port="unix") as board:
        expected = {"load": 0.42, "memory": 5000, "temperature": 48.5, "heap": 100}
        assert on_a_host(board, files) == expected


def test_a_host_without_a_temperature():
    with Hardware(port="unix") as board:
        assert on_a_host(board, HOST) == {"load": 0.42, "memory": 5000, "heap": 100}


@rows(gone={}, empty={"/proc/loadavg": "", "/proc/meminfo": ""}, words={"/proc/loadavg": "x y"})
def test_a_host_that_tells_nothing(files):
    with Hardware(port="unix") as board:
        readings = on_a_host(board, files)
        assert isinstance(readings["load"], Exception) and readings["heap"] == 100
        assert not isinstance(readings["memory"], int)
