# For a while whoever knows the device's name and this secret may claim it for their account.

import os
from binascii import hexlify

import coap
import joining
import thingsboard


async def main():
    settings = joining.settings("access_token")
    client = await coap.connect(settings["server"], settings["port"])
    device = thingsboard.Device(client, settings["access_token"])
    secret = hexlify(os.urandom(4)).decode()
    await device.claim(secret, duration_ms=300_000)
    print("within five minutes: the claiming widget, this device's name, secret", secret)
    client.close()


joining.run(main())
