# Who this device is to its server: an access token, given by its owner or got by provisioning.

import asyncio
import os
from binascii import hexlify

import coap
import settings
import thingsboard
from micropython import const

_RETRY_S = const(15)  # doubling
_LONGEST_S = const(300)
_LOOK_S = const(60)
_TOKEN_MAX = const(32)  # characters; the server makes tokens of 20


async def access_token(client, config, log):
    """Return the access token; provisions until that succeeds, whatever the server answers.

    The device makes its token and saves it before it asks: were the power to fail between the
    server's answer and the saving, or the answer to be lost, the server would know a device
    whose token nobody has.
    """
    if config["access_token"]:
        return config["access_token"]
    saved = config["credentials"]
    token = saved.get("access_token")
    if not _is_plausible(token):
        token = hexlify(os.urandom(10)).decode()
        saved = {"access_token": token, "provisioned": False}
        settings.save_credentials(saved)
    wait_s = _RETRY_S
    while saved.get("provisioned") is not True:
        try:
            token = await _provision(client, config, token)
            saved = {"access_token": token, "provisioned": True}
            settings.save_credentials(saved)
            log("provisioned")
        except Exception as error:  # the answer may be anything, and the flash full
            log("provisioning: %s" % (error if isinstance(error, ValueError) else repr(error)))
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_S)
    return token


async def renew_when_refused(device, config, log, restart):
    """Wait until the server has refused the token for so long that it will not take it any more.

    Then forget it and call restart(reason): the next start provisions anew. For a device without
    provisioning keys it waits for ever.
    """
    left_s = limit_s = config["refused"]
    look_s = min(_LOOK_S, limit_s)
    while config["access_token"] or not limit_s:
        await asyncio.sleep(_LOOK_S)
    while left_s > 0:
        await asyncio.sleep(look_s)
        # A problem stays until something goes well.
        left_s = left_s - look_s if "4.01" in (device.problem or "") else limit_s
    log("the server does not know this access token any more")
    os.remove(settings.CREDENTIALS)
    restart("the access token was refused")


async def _provision(client, config, token):
    # Return the token that the server answers with. Raises ValueError if it is none.
    fields = {"token": token}
    if config["device_name"]:
        fields["deviceName"] = config["device_name"]
    try:
        answer = await thingsboard.provision(
            client, config["provision_key"], config["provision_secret"], **fields
        )
    except ValueError:
        # An earlier try may have succeeded without our hearing of it.
        if await _works(client, token):
            return token
        raise
    kind = answer.get("credentialsType")
    value = answer.get("credentialsValue")
    if kind != "ACCESS_TOKEN" or not _is_plausible(value):
        text = "provisioning: the credentials of this device are no access token: %s"
        raise ValueError(text % str(kind)[:_TOKEN_MAX])
    return value  # a device made beforehand keeps its own token


def _is_plausible(token):
    # Whether a token can be one: a text of printable ASCII without blanks.
    if not isinstance(token, str) or not 0 < len(token) <= _TOKEN_MAX:
        return False
    return all([32 < ord(character) < 127 for character in token])


async def _works(client, token):
    try:
        await thingsboard.Device(client, token).request_attributes()
        return True
    except (OSError, coap.ResponseError, coap.TransferError):
        return False
