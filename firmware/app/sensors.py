# What this board can measure without further hardware.

import gc

from board import board


def read():
    """Return the measurements, a dict: degrees Celsius, KiB of memory, load."""
    readings = _read()
    gc.collect()
    readings["heap"] = gc.mem_free() // 1024
    return readings


def _first_number(path):
    # The first word of a file of the host as a float.
    with open(path) as f:
        return float(f.readline().split()[0])


def _linux():
    readings = {"load": _first_number("/proc/loadavg")}
    with open("/proc/meminfo") as f:
        for line in f:
            if line.startswith("MemAvailable:"):
                readings["memory"] = int(line.split()[1])
                break
    try:
        readings["temperature"] = _first_number("/sys/class/thermal/thermal_zone0/temp") / 1000
    except OSError:
        pass  # most virtual machines have no sensor
    return readings


def _rp2():
    from machine import ADC

    volts = ADC(ADC.CORE_TEMP).read_u16() * 3.3 / 65535
    return {"temperature": 27 - (volts - 0.706) / 0.001721}  # RP2040 data sheet, section 4.9.5


def _esp32():
    import esp32

    if hasattr(esp32, "mcu_temperature"):  # all but the first ESP32
        return {"temperature": esp32.mcu_temperature()}
    if hasattr(esp32, "raw_temperature"):  # the first ESP32, in degrees Fahrenheit
        return {"temperature": (esp32.raw_temperature() - 32) / 1.8}
    return {}


_read = {"linux": _linux, "rp2": _rp2, "esp32": _esp32}.get(board.sensor, dict)
