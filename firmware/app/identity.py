# A device that its server does not know provisions itself: it gets an access token, or makes its
# certificate known.

import asyncio
import json
import os
from binascii import b2a_base64, hexlify
from hashlib import sha256

import coap
import thingsboard
from micropython import const
from thingsboard.words import words_of

_FILE = const("credentials.json")  # as in settings.py
_X509 = const("X509_CERTIFICATE")
_PEM = const("-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n")
_RETRY_S = const(15)  # doubling
_LONGEST_S = const(300)
_TOKEN_MAX = const(32)  # characters; the server makes tokens of 20


async def provisioned(client, config, log):
    """Return a device's own access token; provisions until that succeeds, whatever is answered.

    With a certificate the device needs none: None is returned, and the server knows the
    certificate then.
    """
    saved = config["credentials"]
    attempt = _get_token
    certificate = _content(config["certificate"])
    if certificate:
        attempt = _make_known
        digest = hexlify(sha256(certificate).digest()).decode()
        if saved.get("certificate") != digest:
            saved = {"certificate": digest}
    elif not _is_plausible(saved.get("access_token")):
        saved = {}
    wait_s = _RETRY_S
    told = None  # the last line, and how often in a row it was that
    times = 0
    while saved.get("provisioned") is not True:
        try:
            await attempt(client, config, saved)
            saved["provisioned"] = True
            _save(saved)
            log("provisioned")
        except Exception as error:  # the answer may be anything, and the flash full
            text = "provisioning: %s" % (words_of(error) or repr(error))
            if isinstance(error, ValueError):
                text = str(error)
            times = times + 1 if text == told else 1
            told = text
            if times & times - 1 == 0:  # 1, 2, 4, 8: the same is told ever more seldom
                log("%s, try %d" % (text, times))
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_S)
    return saved.get("access_token")


async def _get_token(client, config, saved):
    # Have the server take a token, and keep it. The device makes its token and saves it before it
    # asks: were the power to fail between the server's answer and the saving, or the answer to be
    # lost, the server would know a device whose token nobody has.
    if not saved:
        made = {"access_token": hexlify(os.urandom(10)).decode(), "provisioned": False}
        _save(made)
        saved.update(made)
    token = saved["access_token"]
    answer = await _provision(client, config, token, {"token": token})
    if answer is None:
        return
    kind = answer.get("credentialsType")
    value = answer.get("credentialsValue")
    if kind != "ACCESS_TOKEN" or not _is_plausible(value):
        text = "provisioning: the credentials of this device are no access token: %s"
        raise ValueError(text % str(kind)[:_TOKEN_MAX])
    saved["access_token"] = value  # a device made beforehand keeps its own token


async def _make_known(client, config, saved):
    # Have the server take the certificate.
    text = b2a_base64(_content(config["certificate"])).decode()
    fields = {"credentialsType": _X509, "hash": _PEM % text}
    answer = await _provision(client, config, None, fields)
    if answer is not None and answer.get("credentialsType") != _X509:
        raise ValueError("provisioning: the server took no certificate")


async def _provision(client, config, token, fields):
    # Return the server's answer, or None if it knows this device already. Raises ValueError.
    if config["device_name"]:
        fields["deviceName"] = config["device_name"]
    try:
        return await thingsboard.provision(
            client, config["provision_key"], config["provision_secret"], **fields
        )
    except ValueError:
        # An earlier try may have succeeded without our hearing of it.
        if await _works(client, token):
            return None
        raise


def _content(name):
    if name:
        with open(name, "rb") as file:
            return file.read()


def _save(credentials):
    # Through power cuts: at any moment the old or the new ones are on flash, whole.
    with open(_FILE + ".tmp", "w") as f:
        json.dump(credentials, f)
    os.rename(_FILE + ".tmp", _FILE)


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
