"""Entities as REST shows them."""

from ...model.devices import Device, Profile
from ...model.packages import Package
from ...model.store import Store

NO_ONE = "13814000-1dd2-11b2-8080-808080808080"  # EntityId.NULL_UUID
TENANT = "d2f6ba60-8a5c-11ef-9a3e-5b3f0f6f2c11"
INACTIVE_MS = 600_000  # state.defaultInactivityTimeoutInSec
TYPES = {"fw": "FIRMWARE", "sw": "SOFTWARE"}
KINDS = {type: kind for kind, type in TYPES.items()}
ID_FIELDS = {"fw": "firmwareId", "sw": "softwareId"}


def reference(entity_type: str, id: str) -> dict:
    return {"entityType": entity_type, "id": id}


def assigned(packages: dict[str, Package]) -> dict:
    """Return the fields firmwareId and softwareId."""
    return {
        field: reference("OTA_PACKAGE", packages[kind].id) if kind in packages else None
        for kind, field in ID_FIELDS.items()
    }


def of_device(device: Device) -> dict:
    """Return a Device. What a user saved and nobody here reads comes back as it was."""
    default = {
        "label": None,
        "additionalInfo": None,
        "deviceData": {
            "configuration": {"type": "DEFAULT"},
            "transportConfiguration": {"type": "DEFAULT"},
        },
    }
    return (
        default
        | device.saved
        | {
            "id": reference("DEVICE", device.id),
            "createdTime": device.created_ms,
            "tenantId": reference("TENANT", TENANT),
            "customerId": reference("CUSTOMER", NO_ONE),
            "name": device.name,
            "type": device.profile.name,
            "deviceProfileId": reference("DEVICE_PROFILE", device.profile.id),
            "version": device.revision,
        }
        | assigned(device.packages)
    )


def is_active(device: Device, now_ms: int) -> bool:
    return now_ms - device.heard_ms < INACTIVE_MS


def of_device_info(device: Device, now_ms: int) -> dict:
    """Return a DeviceInfo, which lists have."""
    return of_device(device) | {
        "customerTitle": None,
        "customerIsPublic": False,
        "deviceProfileName": device.profile.name,
        "active": is_active(device, now_ms),
    }


def of_profile_info(profile: Profile) -> dict:
    return {
        "id": reference("DEVICE_PROFILE", profile.id),
        "tenantId": reference("TENANT", TENANT),
        "name": profile.name,
        "image": None,
        "defaultDashboardId": None,
        "type": "DEFAULT",
        "transportType": profile.transport if profile.transport != "EFENTO" else "COAP",
    }


def of_profile(store: Store, profile: Profile) -> dict:
    """Return a DeviceProfile. What a user saved and nobody here reads comes back as it was."""
    told = of_profile_info(profile) | {
        "createdTime": profile.created_ms,
        "default": profile is store.profiles[0],
        "provisionType": profile.strategy,
        "provisionDeviceKey": profile.provision_key or None,
        "version": profile.revision,
    }
    data = {"configuration": {"type": "DEFAULT"}, "alarms": None}
    data |= profile.saved.get("profileData") or {}
    data["transportConfiguration"] = transport(profile)
    data["provisionConfiguration"] = {
        "type": profile.strategy,
        "provisionDeviceSecret": profile.provision_secret or None,
    }
    return profile.saved | told | assigned(profile.packages) | {"profileData": data}


def transport(profile: Profile) -> dict:
    """Return a profile's transportConfiguration."""
    kind = of_profile_info(profile)["transportType"]
    if kind != "COAP":
        return {"type": kind}
    device_type = {"coapDeviceType": "EFENTO"}
    if profile.transport == "COAP":
        payload = {"transportPayloadType": profile.payload}
        device_type = {
            "coapDeviceType": "DEFAULT",
            "transportPayloadTypeConfiguration": payload,
        }
    return {
        "type": "COAP",
        "coapDeviceTypeConfiguration": device_type,
        "clientSettings": {
            "powerMode": profile.power_mode,
            "psmActivityTimer": profile.activity_ms if profile.power_mode == "PSM" else None,
            "edrxCycle": None,
            "pagingTransmissionWindow": (
                profile.activity_ms if profile.power_mode == "E_DRX" else None
            ),
        },
    }


def of_package(package: Package) -> dict:
    """Return an OtaPackageInfo."""
    data = package.data
    return {
        "id": reference("OTA_PACKAGE", package.id),
        "createdTime": package.created_ms,
        "tenantId": reference("TENANT", TENANT),
        "deviceProfileId": reference("DEVICE_PROFILE", package.profile.id),
        "type": TYPES[package.kind],
        "title": package.title,
        "version": package.version,
        "tag": package.tag,
        "url": package.url,
        "hasData": bool(data or package.url),
        "fileName": package.file_name,
        "contentType": package.content_type,
        "checksumAlgorithm": package.algorithm if data else None,
        "checksum": package.checksum if data else None,
        "dataSize": len(data) if data else None,
        "additionalInfo": None,
        "name": package.title,
    }
