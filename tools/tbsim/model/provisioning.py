"""Provisioning: a profile's key and secret for a device and its credentials
(DeviceProvisionServiceImpl).
"""

import json

from .devices import Device, Profile
from .errors import BadRequest
from .store import Store, random_text
from .values import parse_json

NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}
FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}
TYPES = ("ACCESS_TOKEN", "X509_CERTIFICATE", "MQTT_BASIC", "LWM2M_CREDENTIALS")


def provision(store: Store, body: bytes) -> tuple[bool, bytes]:
    """Return (success, answer body); an empty body: the server cannot decode the request."""
    if not body:
        return False, b"\x08\x02"  # decodes as an empty Protobuf message: status NOT_FOUND
    try:
        request = parse_json(body)
    except BadRequest:
        return False, b""
    if not _is_decodable(request):
        return False, b""
    result = _provision(store, request, request.get("credentialsType", "ACCESS_TOKEN"))
    return result.get("status") == "SUCCESS", json.dumps(result, separators=(",", ":")).encode()


def _is_decodable(request) -> bool:
    if not isinstance(request, dict):
        return False
    credentials = (request.get("provisionDeviceKey"), request.get("provisionDeviceSecret"))
    if not all(isinstance(value, str) for value in credentials):
        return False
    return request.get("credentialsType", "ACCESS_TOKEN") in TYPES


def _provision(store: Store, request: dict, credentials_type: str) -> dict:
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
        if device or name is not None and not name.strip():
            return FAILURE
        if access_token and store.by_access_token(access_token):
            return FAILURE
        device = store.add_device(name or random_text(), access_token, profile)
        _give_credentials(device, credentials_type, request)
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


def _give_credentials(device: Device, credentials_type: str, request: dict) -> None:
    device.credentials_type = credentials_type
    if credentials_type == "X509_CERTIFICATE":
        lines = request.get("hash", "").splitlines()
        device.credentials_value = "".join(line for line in lines if "-----" not in line)
    elif credentials_type == "MQTT_BASIC":
        device.credentials_value = {
            "clientId": request.get("clientId"),
            "userName": request.get("username"),
            "password": request.get("password"),
        }
