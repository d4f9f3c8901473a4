# Who this device is to its server: an access token, given by its owner or got by provisioning.

import asyncio
import os
from binascii import hexlify

import coap
import settings
import thingsboard
from micropython import const

_RETRY_S = const(10)
_REFUSED_S = const(300)  # a refusal needs a person


async def access_token(client, config, log):
    """Return the access token; provisions until that succeeds.

    The device makes its token and saves it before it asks: were the power to fail between the
    server's answer and the saving, or the answer to be lost, the server would know a device
    whose token nobody has.
    """
    if config["access_token"]:
        return config["access_token"]
    saved = config["credentials"]
    token = saved.get("access_token")
    if not token:
        token = hexlify(os.urandom(10)).decode()
        saved = {"access_token": token, "provisioned": False}
        settings.save_credentials(saved)
    while not saved["provisioned"]:
        try:
            token = await _provision(client, config, token)
        except ValueError as error:  # refused
            if not await _works(client, token):
                log(str(error))
                await asyncio.sleep(_REFUSED_S)
                continue
        except (OSError, coap.TransferError) as error:
            log("provisioning: %r" % error)
            await asyncio.sleep(_RETRY_S)
            continue
        saved = {"access_token": token, "provisioned": True}
        settings.save_credentials(saved)
        log("provisioned")
    return token


async def _provision(client, config, token):
    fields = {"token": token}
    if config["device_name"]:
        fields["deviceName"] = config["device_name"]
    answer = await thingsboard.provision(
        client, config["provision_key"], config["provision_secret"], **fields
    )
    return answer["credentialsValue"]  # a device made beforehand keeps its own token


async def _works(client, token):
    # An earlier try may have succeeded without our hearing of it.
    try:
        await thingsboard.Device(client, token).request_attributes()
        return True
    except (OSError, coap.ResponseError, coap.TransferError):
        return False
