# A device without a token gets one, by the key and the secret of its profile, and keeps it.

import json

import coap
import joining
import thingsboard

FILE = "provisioned.json"


async def access_token(client, settings):
    try:
        with open(FILE) as file:
            return json.load(file)["access_token"]
    except OSError:  # the first start
        pass
    key, secret = settings["provision_key"], settings["provision_secret"]
    name = settings.get("device_name")
    fields = {"deviceName": name} if name else {}  # without a name the server makes one
    answer = await thingsboard.provision(client, key, secret, **fields)
    with open(FILE, "w") as file:
        json.dump({"access_token": answer["credentialsValue"]}, file)
    print("provisioned")
    return answer["credentialsValue"]


async def main():
    settings = joining.settings("provision_key", "provision_secret")
    client = await coap.connect(settings["server"], settings["port"])
    try:
        device = thingsboard.Device(client, await access_token(client, settings))
        await device.send_telemetry({"hello": 1})
        print("telemetry accepted")
    except ValueError as error:  # its text says why not
        print(error)
    client.close()


joining.run(main())
