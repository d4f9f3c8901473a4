"""Provisioning: a profile's key and secret for a device and its credentials
(DeviceProvisionServiceImpl).
"""

from typing import NamedTuple

from .devices import Device, Profile
from .errors import BadRequest
from .protobuf import read, write
from .store import Store, random_text
from .values import compact, parse_json

NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}
FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}
STATUSES = ("UNKNOWN", "SUCCESS", "NOT_FOUND", "FAILURE")  # as Protobuf counts them
TYPES = ("ACCESS_TOKEN", "X509_CERTIFICATE", "MQTT_BASIC", "LWM2M_CREDENTIALS")


class Result(NamedTuple):
    success: bool
    body: bytes  # of the answer; empty: the request could not be decoded
    protobuf: bool = False


def provision(store: Store, body: bytes) -> Result:
    """Take a request in JSON, or else in Protobuf, as which an empty one passes."""
    try:
        request = parse_json(body)
    except BadRequest:
        request = None
    if isinstance(request, dict):
        if not _is_complete(request):
            return Result(False, b"")
        result = _provision(store, request)
        return Result(result["status"] == "SUCCESS", compact(result))
    try:
        result = _provision(store, _from_protobuf(read("ProvisionDeviceRequestMsg", body)))
    except BadRequest:
        return Result(False, b"")
    return Result(result["status"] == "SUCCESS", _to_protobuf(result), protobuf=True)


def _is_complete(request: dict) -> bool:
    credentials = (request.get("provisionDeviceKey"), request.get("provisionDeviceSecret"))
    if not all(isinstance(value, str) for value in credentials):
        return False
    return request.get("credentialsType", "ACCESS_TOKEN") in TYPES


def _from_protobuf(message: dict) -> dict:
    """Return a request as JSON would say it."""
    request = {"provisionDeviceKey": "", "provisionDeviceSecret": ""}
    request |= message.get("provisionDeviceCredentialsMsg", {})
    for credentials in message.get("credentialsDataProto", {}).values():
        request |= credentials
    request["credentialsType"] = TYPES[message.get("credentialsType", 0)]
    return request | {name: message[name] for name in ("deviceName", "gateway") if name in message}


def _to_protobuf(result: dict) -> bytes:
    message = {"status": STATUSES.index(result["status"])}
    if result["status"] == "SUCCESS":
        message["credentialsType"] = TYPES.index(result["credentialsType"])
        value = result["credentialsValue"]
        message["credentialsValue"] = value if isinstance(value, str) else compact(value).decode()
    return write("ProvisionDeviceResponseMsg", message)


def _provision(store: Store, request: dict) -> dict:
    profile = _profile(store, request["provisionDeviceKey"], request["provisionDeviceSecret"])
    if not profile:
        return NOT_FOUND
    name = request.get("deviceName")
    device = store.devices.get(name)
    if profile.strategy == "CHECK_PRE_PROVISIONED_DEVICES":
        if not device or device.profile is not profile:
            return FAILURE
        if device.server_attributes.get("provisionState") == "provisioned":
            return FAILURE
    else:
        access_token = request.get("token")
        if device or name and not name.strip():
            return FAILURE
        if access_token and store.by_access_token(access_token):
            return FAILURE
        device = store.add_device(name or random_text(), access_token, profile)
        _give_credentials(device, request)
        if request.get("gateway"):
            device.server_attributes["gateway"] = True
    device.server_attributes["provisionState"] = "provisioned"
    return {
        "credentialsValue": device.credentials_value,
        "credentialsType": device.credentials_type,
        "status": "SUCCESS",
    }


def _profile(store: Store, key: str, secret: str) -> Profile | None:
    for profile in store.profiles:
        if key and profile.provision_key == key and profile.provision_secret == secret:
            return profile if profile.strategy != "DISABLED" else None
    return None


def _give_credentials(device: Device, request: dict) -> None:
    # What comes without its fields, and LWM2M in any case, stays with the access token.
    credentials_type, value = request.get("credentialsType"), None
    if credentials_type == "X509_CERTIFICATE":
        lines = request.get("hash", "").splitlines()
        value = "".join(line for line in lines if "-----" not in line)
    elif credentials_type == "MQTT_BASIC":
        fields = {"clientId": "clientId", "userName": "username", "password": "password"}
        value = {name: request.get(field) for name, field in fields.items()}
        value = value if any(value.values()) else None
    if value:
        device.credentials_type, device.credentials_value = credentials_type, value
