# A device without credentials becomes one with (ThingsBoard: device provisioning).

from coap import ResponseError, TransferError

from . import payload_json


async def provision(client, key, secret, payload=payload_json, **fields):
    """Provision a device; returns {"credentialsType": .., "credentialsValue": ..}.

    key and secret are the device profile's; payload is a codec. fields go to the
    server as they are: deviceName (else the server makes one), token (else the server makes one),
    gateway=True; credentialsType "X509_CERTIFICATE" with hash (the certificate's PEM text), or
    "MQTT_BASIC" with clientId, username and password. Raises ValueError with the server's reason,
    OSError, TransferError.
    """
    fields["provisionDeviceKey"] = key
    fields["provisionDeviceSecret"] = secret
    try:
        answer = await client.post("api/v1/provision", payload.encode("provision", fields))
        return payload.decode("credentials", answer.payload)
    except ResponseError as error:
        reason = "the server answered %s" % error
        try:
            status = payload.decode("credentials", error.payload).get("status")
        except TransferError:
            status = None
        if status == "NOT_FOUND":
            reason = "wrong key or secret, or the profile does not provision"
        elif status == "FAILURE":
            reason = "the device exists, or was provisioned before"
        raise ValueError("provisioning: " + reason)
