# Provisioning: each answer of the server.

import json

from coap import TransferError
from coap.message import Message
from fakes import Client, raised, run
from rows import rows
from thingsboard.provisioning import provision

SUCCESS = b'{"credentialsValue":"aBcD","credentialsType":"ACCESS_TOKEN","status":"SUCCESS"}'


def ask(answer, **fields):
    client = Client(answer)
    return client, provision(client, "key", "s3cret", **fields)


def sent(client):
    ((code, path, payload),) = client.requests
    assert (code, path) == (2, "api/v1/provision")
    return json.loads(payload)


def test_server_made_token():
    client, asking = ask(Message(0x41, SUCCESS))
    assert run(asking)["credentialsValue"] == "aBcD"
    assert sent(client) == {"provisionDeviceKey": "key", "provisionDeviceSecret": "s3cret"}


def test_all_fields_reach_the_server():
    fields = {
        "deviceName": "pump",
        "token": "t",
        "gateway": True,
        "credentialsType": "MQTT_BASIC",
        "clientId": "c",
        "username": "u",
        "password": "p",
    }
    client, asking = ask(Message(0x41, SUCCESS), **fields)
    run(asking)
    request = sent(client)
    assert all(request[name] == value for name, value in fields.items())


@rows(
    not_found=(
        0x80,
        b'{"errorMsg":"Provision data was not found!","status":"NOT_FOUND"}',
        "secret",
    ),
    failure=(0x80, b'{"errorMsg":"Failed to provision device!","status":"FAILURE"}', "exists"),
    without_a_reason=(0x80, b"", "4.00"),
    busy=(0xA0, b"", "5.00"),
)
def test_refusals_say_what_to_look_at(code, payload, word):
    _, asking = ask(Message(code, payload))
    error = raised(ValueError, lambda: asking)
    assert word in str(error) and str(error).startswith("provisioning: ")
    assert "s3cret" not in str(error) and "key," not in str(error)


def test_an_answer_that_is_no_json():
    _, asking = ask(Message(0x41, b"\x08\x01"))
    assert raised(TransferError, lambda: asking)
