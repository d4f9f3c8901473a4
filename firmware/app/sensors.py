# What this board can measure without further hardware.

import gc

from board import board


def read():
    """Return the measurements, a dict: degrees Celsius, KiB of memory, load.

    Where a sensor fails there is its exception instead of the value.
    """
    readings = {}
    for name, sensor in _sensors.items():
        try:
            readings[name] = sensor()
        except Exception as error:
            readings[name] = error
    gc.collect()
    readings["heap"] = gc.mem_free() // 1024
    return readings


def _first_number(path):
    # The first word of a file of the host as a float.
    with open(path) as f:
        return float(f.readline().split()[0])


def _linux_memory():
    with open("/proc/meminfo") as f:
        for line in f:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1])


def _rp2_temperature():
    from machine import ADC

    volts = ADC(ADC.CORE_TEMP).read_u16() * 3.3 / 65535
    return 27 - (volts - 0.706) / 0.001721  # RP2040 data sheet, section 4.9.5


def _esp32_sensors():
    import esp32

    if hasattr(esp32, "mcu_temperature"):  # all but the first ESP32
        return {"temperature": esp32.mcu_temperature}
    if hasattr(esp32, "raw_temperature"):  # the first ESP32, in degrees Fahrenheit
        return {"temperature": lambda: (esp32.raw_temperature() - 32) / 1.8}
    return {}


def _unix_sensors():
    sensors = {"load": lambda: _first_number("/proc/loadavg"), "memory": _linux_memory}
    thermal = "/sys/class/thermal/thermal_zone0/temp"
    try:
        _first_number(thermal)  # most virtual machines have no sensor
        sensors["temperature"] = lambda: _first_number(thermal) / 1000
    except OSError:
        pass
    return sensors


def _rp2_sensors():
    return {"temperature": _rp2_temperature}


_sensors = {"unix": _unix_sensors, "rp2": _rp2_sensors, "esp32": _esp32_sensors}.get(
    board.port, dict
)()
