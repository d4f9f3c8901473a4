# What the .proto files in firmware/profile say, as tools.protobuf prints it.
# What it says twice stands here once, since it is in memory.

_VALUES = {
    "temperature": (1, "double"),
    "heap": (2, "int32"),
    "load": (3, "double"),
    "memory": (4, "int32"),
    "current_fw_title": (5, "string"),
    "current_fw_version": (6, "string"),
    "fw_state": (7, "string"),
    "fw_error": (8, "string"),
    "current_sw_title": (9, "string"),
    "current_sw_version": (10, "string"),
    "sw_state": (11, "string"),
    "sw_error": (12, "string"),
}
Telemetry = dict(_VALUES)
Telemetry["ts"] = (101, "int64")
Telemetry["values"] = (102, _VALUES)  # type: ignore[assignment]  # a message in a message

Attributes = {
    "version": (1, "string"),
    "platform": (2, "string"),
    "starts": (3, "int32"),
    "restart": (4, "string"),
    "restarts": (5, "int32"),
    "faults": (6, "int32"),
    "last_fault": (7, "string"),
    "report_every": (8, "int32"),
}
