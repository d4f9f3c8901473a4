# Several sensors at one I2C bus, by drivers of micropython-lib. One that fails costs its own
# values only.
#
# The drivers: mpremote mip install hts221 lps22h

import asyncio

import coap
import joining
import machine
import thingsboard

try:
    from hts221 import HTS221
    from lps22h import LPS22H
except ImportError:
    joining.end("no drivers; mpremote mip install hts221 lps22h")

CHIPS = ((HTS221, ("humidity", "temperature")), (LPS22H, ("pressure",)))


def attach(bus):
    """Return functions that measure, by name, of each chip that answers."""
    found = {}
    for driver, names in CHIPS:
        try:
            chip = driver(bus)
        except OSError:
            print(driver.__name__, "does not answer; see its wires")
            continue
        for name in names:
            found[name] = getattr(chip, name)
    return found


async def main():
    settings = joining.settings("access_token")
    sensors = attach(machine.I2C(0))  # the port's own pins; others by scl= and sda=
    client = await coap.connect(settings["server"], settings["port"])
    device = thingsboard.Device(client, settings["access_token"], log=print)
    asyncio.create_task(thingsboard.run(device))
    while True:
        for name, measure in sensors.items():
            try:
                device.record({name: round(measure(), 1)})
            except OSError:
                print(name, "was not measured")
        await asyncio.sleep(settings.get("interval", 30))


joining.run(main())
