# RPC both ways: the server has a LED switched, and the device asks the server for the time.
#
# The server answers getTime if a rule chain does: docs/thingsboard.md shows it, `make sim` has it.

import asyncio

import coap
import joining
import thingsboard

state = {"on": False}


def set_led(params):
    state["on"] = bool(params)  # a board sets its pin here: machine.Pin("LED").value(...)
    print("led", state["on"])
    return state


async def main():
    settings = joining.settings("access_token")
    client = await coap.connect(settings["server"], settings["port"])
    device = thingsboard.Device(client, settings["access_token"], log=print)
    device.on_rpc("setLed", set_led)
    device.on_rpc("getLed", lambda params: state)
    asyncio.create_task(thingsboard.run(device))
    try:
        print("the server's time:", await device.call("getTime"))
    except OSError:
        print("no rule chain answers getTime")
    while True:
        await asyncio.sleep(3600)


joining.run(main())
