"""Foreign clients against tbsim, with the commands of ThingsBoard's own CoAP guide.

libcoap's `coap-client` and npm's `coap`, as the guide shows them: bodies from files or standard
input. Query parameters are left to coap-client, which the guide recommends for them.
"""

import json

import pytest

from tests.interop.peers import Background, coap_cli, coap_client, program
from tools.tbsim import Simulator

TOKEN = "A1_TEST_TOKEN"
WAIT_S = 20


@pytest.fixture
def sim():
    with Simulator() as simulator:
        simulator.add_device("guide", TOKEN)
        yield simulator


@pytest.fixture
def device(sim):
    return sim.device("guide")


def url(sim, path: str) -> str:
    return f"coap://127.0.0.1:{sim.port}/api/v1/{TOKEN}/{path}"


class Libcoap:
    """`coap-client -m post -f - URL`"""

    @staticmethod
    def post(folder, url: str, body: str) -> str:
        run = coap_client("-m", "post", "-t", "json", "-f", "-", url, stdin=body)
        assert run.returncode == 0
        return run.stderr or run.stdout

    @staticmethod
    def observe(folder, url: str) -> Background:
        command = program("coap-client-notls"), "-m", "get", "-w", "-s", str(WAIT_S), url
        return Background(folder, *command)


class CoapCli:
    """`cat body.json | coap post URL`"""

    @staticmethod
    def post(folder, url: str, body: str) -> str:
        path = folder / "body.json"
        path.write_text(body)
        with (
            path.open() as stdin,
            Background(folder, *coap_cli(), "post", url, stdin=stdin) as run,
        ):
            run.process.wait(WAIT_S)
            return run.output()

    @staticmethod
    def observe(folder, url: str) -> Background:
        return Background(folder, *coap_cli(), "get", "-o", url)


both = pytest.mark.parametrize("client", [Libcoap, CoapCli], ids=["coap-client", "coap-cli"])


@both
@pytest.mark.parametrize(
    "body,stored",
    [
        ('{"stringKey":"value1", "booleanKey":true, "longKey":73}', None),
        ('{"doubleKey":42.5, "jsonKey":{"someArray":[1,2,3]}}', None),
        ('[{"key1":"value1"}, {"key2":true}]', {"key1": "value1", "key2": True}),
        (
            '{"ts":1451649600512, "values":{"key1":"value1", "key2":7}}',
            {"key1": "value1", "key2": 7},
        ),
    ],
    ids=["object", "json", "array", "timestamp"],
)
def test_telemetry(sim, device, client, body, stored, tmp_path):
    client.post(tmp_path, url(sim, "telemetry"), body)
    assert device.latest() == (stored or json.loads(body))


@both
def test_wrong_token(sim, client, tmp_path):
    output = client.post(tmp_path, url(sim, "telemetry").replace(TOKEN, "WRONG"), '{"a":1}')
    assert "4.01" in output


@both
def test_publish_attributes(sim, device, client, tmp_path):
    body = {"attribute1": "value1", "attribute2": True, "attribute3": 42.5}
    client.post(tmp_path, url(sim, "attributes"), json.dumps(body))
    assert device.client_attributes == body


def test_request_attributes(sim, device):
    device.client_attributes.update(attribute1="value1", attribute2=True, other=1)
    device.shared_attributes.update(shared1="value1", other=2)
    query = "?clientKeys=attribute1,attribute2&sharedKeys=shared1,shared2"
    run = coap_client("-m", "get", url(sim, "attributes") + query)
    assert json.loads(run.stdout) == {
        "client": {"attribute1": "value1", "attribute2": True},
        "shared": {"shared1": "value1"},
    }


@both
def test_subscribe_to_attributes(sim, device, client, tmp_path):
    device.shared_attributes["first"] = 1
    with client.observe(tmp_path, url(sim, "attributes")) as run:
        assert sim.until(lambda: '"first":1' in run.output())
        sim.set_shared(device, second="x")
        assert sim.until(lambda: '{"second":"x"}' in run.output())
        sim.delete_shared(device, "first")
        assert sim.until(lambda: '{"deleted":["first"]}' in run.output())


@both
def test_server_side_rpc(sim, device, client, tmp_path):
    # Only coap-client can wait for commands: coap-cli ends at the first empty answer, the 2.03.
    with Libcoap.observe(tmp_path, url(sim, "rpc")) as run:
        assert sim.until(lambda: sim.observes(device, "rpc"))
        rpc = sim.persistent_rpc(device, "setGPIO", {"pin": 23, "value": 1})
        assert sim.until(
            lambda: '"method":"setGPIO","params":{"pin":23,"value":1}' in run.output()
        )
        assert sim.until(lambda: rpc.status == "DELIVERED")
        replies = tmp_path / "replies"
        replies.mkdir()
        client.post(replies, url(sim, f"rpc/{rpc.id}"), '{"result":"ok"}')
        assert rpc.status == "SUCCESSFUL" and rpc.response == {"result": "ok"}


@both
def test_client_side_rpc(sim, client, tmp_path):
    sim.rpc_rule("getTime", lambda params: {"time": 1727000000000, "params": params})
    output = client.post(tmp_path, url(sim, "rpc"), '{"method":"getTime","params":{}}')
    assert '{"time":1727000000000,"params":{}}' in output


@both
def test_claim(sim, device, client, tmp_path):
    client.post(tmp_path, url(sim, "claim"), '{"secretKey":"value", "durationMs":60000}')
    assert device.claims == [{"secretKey": "value", "durationMs": 60000}]


@both
def test_provision(sim, client, tmp_path):
    sim.add_profile(
        "p", provision_key="key", provision_secret="secret", strategy="ALLOW_CREATE_NEW_DEVICES"
    )
    body = {
        "deviceName": "new",
        "provisionDeviceKey": "key",
        "provisionDeviceSecret": "secret",
    }
    where = f"coap://127.0.0.1:{sim.port}/api/v1/provision"
    output = client.post(tmp_path, where, json.dumps(body))
    answer = json.loads(output[output.index("{") :])
    assert answer["status"] == "SUCCESS" and answer["credentialsType"] == "ACCESS_TOKEN"
    assert sim.device("new").access_token == answer["credentialsValue"]
    refused = client.post(tmp_path, where, json.dumps({**body, "provisionDeviceSecret": "x"}))
    assert "NOT_FOUND" in refused
