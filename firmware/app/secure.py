# DTLS: whom this device trusts and who it is, by the files that the settings name; and the clock,
# against which certificates are checked.

import asyncio
import time

import coap
from coap.dtls import Security
from machine import RTC
from micropython import const
from thingsboard.clock import YEAR, Clock
from thingsboard.words import words_of

_RETRY_S = const(15)  # doubling
_LONGEST_S = const(300)
_EPOCH_2000_S = const(946684800)


async def security(config, log):
    """Return the Security that the settings describe.

    Files that the cryptography refuses stay as they are until a person comes: it is told, ever
    more seldom, and no crash restarts the board again and again. An update that refuses them is
    taken back when its trial is over, as one that does not reach the server.
    """
    wait_s = _RETRY_S
    while True:
        try:
            files = {name: _content(config[name]) for name in ("trusted", "certificate", "key")}
            return Security(name=config["server_name"], **files)
        except (ValueError, OSError) as error:
            names = [config[name] for name in ("trusted", "certificate", "key") if config[name]]
            log("settings.json: %s; copy the files anew: %s" % (error, ", ".join(names)))
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_S)


def _content(name):
    if name:
        with open(name, "rb") as file:
            return file.read()


async def set_clock(config, log, now_ms=None):
    """Return once the board's clock can be right; set it by the server's time if it cannot.

    now_ms is the Unix time in milliseconds if that went on through a sleep. The server's comes
    over plain CoAP, and anybody on the way can send another (docs/security.md). With the setting
    time_port 0 it is not asked for: somebody else sets the clock, or nobody.
    """
    wait_s = _RETRY_S
    if now_ms is not None:
        _set(now_ms)
    while time.gmtime()[0] < YEAR:
        if config["time_port"]:
            try:
                return await _ask(config["server"], config["time_port"], log)
            except Exception as error:  # the answer may be anything
                log("clock: not set, and no time: %s" % (words_of(error) or repr(error)))
        elif wait_s == _RETRY_S:
            log("clock: not set; DTLS waits for it")
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_S)


async def _ask(server, port, log):
    clock = Clock()
    client = await coap.connect(server, port)
    try:
        await clock.sync(client)
    finally:
        client.close()
    _set(clock.now_ms())
    log("clock: set by the server's word")


def _set(now_ms):
    epoch_s = _EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0
    moment = time.gmtime(now_ms // 1000 - epoch_s)
    year, month, day, hour, minute, second, weekday = moment[:7]
    RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
