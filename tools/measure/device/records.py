# Runs on the unix port: how many bytes the firmware's payloads take, in JSON and in Protobuf.

import json

from app.schemas import Attributes, Telemetry
from thingsboard import payload_json
from thingsboard.payload_protobuf import Protobuf

_TS = 1767225600000
_RECORD = {"temperature": 21.5, "heap": 83}
_ABOUT = {"version": "0.1.0", "platform": "rp2", "starts": 7, "restart": "power on"}
_ABOUT |= {"restarts": 0, "report_every": 0}


def payloads(codec):
    record = codec.record(_RECORD)
    return {
        "a record with its time": codec.batch([(record, _TS)])[1],
        "the state of an update": codec.encode("telemetry", {"fw_state": "DOWNLOADING"}),
        "the attributes": codec.encode("attributes", _ABOUT),
        "a reply": codec.encode("reply", {"on": True}),
    }


in_json = payloads(payload_json)
in_protobuf = payloads(Protobuf(Telemetry, Attributes))
sizes = {
    name: {"json": len(in_json[name]), "protobuf": len(in_protobuf[name])} for name in in_json
}
print(json.dumps(sizes))
