# Runs at every start: settings, watchdog, Wi-Fi, then the application, for ever.

import asyncio
import sys
import time

import machine
import settings

try:
    import wifi
except ImportError:
    wifi = None  # a port without the module `network`: its host is on the net already


start_ms = time.ticks_ms()


def log(text):
    print("%6d %s" % (time.ticks_diff(time.ticks_ms(), start_ms) // 1000, text))


async def feed(watchdog):
    while True:
        watchdog.feed()
        await asyncio.sleep(1)


async def main(values):
    if values["watchdog"] and hasattr(machine, "WDT"):
        asyncio.create_task(feed(machine.WDT(timeout=1000 * values["watchdog"])))
    import app  # under the watchdog: an update may hang here

    application = app.Application(values, log)
    if wifi:
        asyncio.create_task(
            wifi.keep(values["wifi_ssid"], values["wifi_password"], application.joined, log)
        )
    await application.run()


try:
    values = settings.load()
except settings.SettingsError as error:
    print(error)
else:
    try:
        asyncio.run(main(values))
    except Exception as error:
        sys.print_exception(error)
        time.sleep_ms(500)  # what was printed goes out; shorter than any watchdog
        machine.reset()
