# Telemetry in a form of one's own: a device profile with Protobuf, whose schema for telemetry is
#
#   syntax = "proto3";
#   message Tank {
#     message Values { optional sint32 level = 1; optional bool pump = 2; }
#     optional sint32 level = 1; optional bool pump = 2;
#     optional int64 ts = 3; Values values = 4;
#   }
#
# `python -m tools.protobuf tank.proto` prints TANK. A record takes 14 bytes; as JSON it has 52.
# Any other form is an object with the functions of thingsboard/payload_json.py.

import asyncio

import coap
import joining
import thingsboard
from thingsboard.payload_protobuf import Protobuf

VALUES = {"level": (1, "sint32"), "pump": (2, "bool")}
TANK = {"level": (1, "sint32"), "pump": (2, "bool"), "ts": (3, "int64"), "values": (4, VALUES)}


async def main():
    settings = joining.settings("access_token")
    client = await coap.connect(settings["server"], settings["port"])
    payload = Protobuf(telemetry=TANK)
    device = thingsboard.Device(client, settings["access_token"], log=print, payload=payload)
    asyncio.create_task(thingsboard.run(device))
    level = 0
    while True:
        level = (level + 7) % 100
        device.record({"level": level, "pump": level < 50})
        print("level", level)
        await asyncio.sleep(10)


joining.run(main())
