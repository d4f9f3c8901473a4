# A device without credentials becomes one with (ThingsBoard: device provisioning).

import json

from coap import ResponseError

from . import ProvisionError
from .device import encode


async def provision(
    client, key, secret, device_name=None, token=None, certificate=None, basic=None, gateway=False
):
    """Provision a device and return its credentials: {"credentialsType": .., "credentialsValue": ..}.

    key and secret are the device profile's. Without a device_name the server makes one. Credentials: the server makes an access token,
    or takes ours (token), a certificate (its PEM text), or basic=(client_id, user, password) for MQTT.
    Raises ProvisionError, OSError.
    """
    request = {"provisionDeviceKey": key, "provisionDeviceSecret": secret}
    if device_name:
        request["deviceName"] = device_name
    if gateway:
        request["gateway"] = True
    if token:
        request["token"] = token
    if certificate:
        request["credentialsType"] = "X509_CERTIFICATE"
        request["hash"] = certificate
    if basic:
        request["credentialsType"] = "MQTT_BASIC"
        request["clientId"], request["username"], request["password"] = basic
    status = None
    try:
        response = await client.post("api/v1/provision", encode(request))
        answer = json.loads(response.payload)
        status = answer["status"]
    except ResponseError as error:
        if error.code != 0x80:
            raise ProvisionError("provisioning: the server answered %s" % error)
        status = "NOT_FOUND" if b"NOT_FOUND" in error.payload else None
        status = "FAILURE" if b"FAILURE" in error.payload else status
    except (ValueError, KeyError, TypeError):
        pass
    if status == "SUCCESS":
        return answer
    raise ProvisionError(_REASONS.get(status, "provisioning: the server did not understand"))


_REASONS = {
    "NOT_FOUND": "provisioning: key or secret is wrong, or the profile does not provision",
    "FAILURE": "provisioning: the device exists, was provisioned before, or is not expected",
}
