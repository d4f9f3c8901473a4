"""The simulator's REST API, as ThingsBoard's own client for Python has it, and as HTTP."""

import json
import urllib.error
import urllib.request

import pytest
from tb_ce_client.client import ThingsboardClient
from tb_ce_client.exceptions import ApiException
from tb_ce_client.models.device import Device
from tb_ce_client.models.entity_data_query import EntityDataQuery
from tb_ce_client.models.save_ota_package_info_request import SaveOtaPackageInfoRequest

from tools.tbsim import Package, Simulator
from tools.tbsim.web import WebServer, rest

DATA = bytes(range(256)) * 8


@pytest.fixture
def sim():
    with Simulator(at_once=True) as sim:
        yield sim


@pytest.fixture
def server(sim):
    with WebServer(sim, [rest.mount]) as server:
        yield server


@pytest.fixture
def client(server):
    with ThingsboardClient(server.url, rest.USER, rest.PASSWORD) as client:
        yield client


def http(server, method, path, body=None, token=None):
    """Return status and JSON of a request."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["X-Authorization"] = "Bearer " + token
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
            return response.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text else None


def log_in(server):
    body = {"username": rest.USER, "password": rest.PASSWORD}
    return http(server, "POST", "/api/auth/login", body)[1]


def uploaded(client, profile, version="1.1", data=DATA, type="FIRMWARE"):
    """Return the id of a package that can be assigned."""
    request = SaveOtaPackageInfoRequest.from_dict(
        {
            "deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": profile.id},
            "type": type,
            "title": "app",
            "version": version,
            "usesUrl": False,
        }
    )
    id = str(client.save_ota_package_info(request).id.id)
    client.save_ota_package_data(id, "SHA256", ("package.bin", data))
    return id


def assign(client, device, id, field="firmwareId"):
    fields = client.get_device_by_id(device.id).to_dict()
    fields[field] = id and {"entityType": "OTA_PACKAGE", "id": id}
    return client.save_device(Device.from_dict(fields))


# Who may call


def test_a_wrong_password_is_401(server):
    body = {"username": rest.USER, "password": "no"}
    status, told = http(server, "POST", "/api/auth/login", body)
    assert (status, told["errorCode"], told["status"]) == (401, 10, 401)
    assert told["message"] == "Invalid username or password"


@pytest.mark.parametrize("token", [None, "no.jwt.atall"])
def test_without_a_token_nothing_is_told(server, token):
    status, told = http(server, "GET", "/api/tenant/devices?pageSize=9&page=0", token=token)
    assert (status, told["errorCode"]) == (401, 10)


def test_a_token_expires_and_is_renewed(server):
    server.app[rest.routes.ACCESS].token_s = -1
    tokens = log_in(server)
    path = "/api/deviceProfiles?pageSize=9&page=0"
    assert http(server, "GET", path, token=tokens["token"])[1]["errorCode"] == 11
    assert http(server, "GET", path, token=tokens["refreshToken"])[0] == 401
    server.app[rest.routes.ACCESS].token_s = 60
    body = {"refreshToken": tokens["refreshToken"]}
    status, renewed = http(server, "POST", "/api/auth/token", body)
    assert status == 200
    assert http(server, "GET", path, token=renewed["token"])[0] == 200


# Devices and profiles


def test_devices_by_page_text_profile_and_name(sim, client):
    pumps = sim.add_profile("pumps")
    for number in range(5):
        sim.add_device(f"pump-{number}", profile=pumps)
    sim.add_device("lamp")
    first = client.get_tenant_device_infos(page_size=4, page=0)
    assert [device.name for device in first.data] == ["lamp", "pump-0", "pump-1", "pump-2"]
    assert (first.total_elements, first.total_pages, first.has_next) == (6, 2, True)
    second = client.get_tenant_device_infos(page_size=4, page=1)
    assert [device.name for device in second.data] == ["pump-3", "pump-4"]
    assert not second.has_next
    found = client.get_tenant_device_infos(page_size=9, page=0, text_search="MP-3")
    assert [device.name for device in found.data] == ["pump-3"]
    found = client.get_tenant_device_infos(page_size=9, page=0, type="default")
    assert [device.name for device in found.data] == ["lamp"]
    found = client.get_tenant_device_infos(page_size=9, page=0, device_profile_id=pumps.id)
    assert len(found.data) == 5
    assert found.data[0].device_profile_name == "pumps"
    assert str(client.get_tenant_device_by_name("lamp").id.id) == sim.device("lamp").id


def test_a_device_that_is_not_there_is_404(client):
    with pytest.raises(ApiException) as caught:
        client.get_device_by_id("784f394c-42b6-435a-983c-b7beff2784f9")
    assert caught.value.status == 404
    with pytest.raises(ApiException) as caught:
        client.get_tenant_device_by_name("nobody")
    assert caught.value.status == 404


def test_a_device_is_made_renamed_and_keeps_what_nobody_reads(sim, client):
    made = client.save_device(Device.from_dict({"name": "new", "label": "roof"}), "TOKEN")
    assert sim.device("new").access_token == "TOKEN"
    fields = made.to_dict() | {"name": "newer"}
    client.save_device(Device.from_dict(fields))
    assert list(sim.store.devices) == ["newer"]
    assert client.get_tenant_device_by_name("newer").label == "roof"


def test_two_users_do_not_overwrite_each_other(sim, client):
    device = sim.add_device("pump")
    mine = client.get_device_by_id(device.id)
    client.save_device(client.get_device_by_id(device.id))
    with pytest.raises(ApiException) as caught:
        client.save_device(mine)
    assert caught.value.status == 409


def test_a_profile_keeps_what_nobody_reads(sim, server):
    token = log_in(server)["token"]
    profile = sim.add_profile("pumps", provision_key="key", transport="COAP", power_mode="PSM")
    path = f"/api/deviceProfile/{profile.id}"
    fields = http(server, "GET", path, token=token)[1]
    assert fields["profileData"]["transportConfiguration"]["clientSettings"]["powerMode"] == "PSM"
    fields["profileData"]["alarms"] = [{"alarmType": "hot"}]
    fields["description"] = "all of them"
    assert http(server, "POST", "/api/deviceProfile", fields, token)[0] == 200
    again = http(server, "GET", path, token=token)[1]
    assert again["profileData"] == fields["profileData"]
    assert again["description"] == "all of them"
    assert again["version"] == fields["version"] + 1


# Packages


def test_a_package_is_uploaded_assigned_and_taken_away(sim, client):
    profile = sim.store.profiles[0]
    device = sim.add_device("pump")
    id = uploaded(client, profile)
    told = client.get_ota_package_info_by_id(id)
    assert (told.has_data, told.data_size, told.file_name) == (True, len(DATA), "package.bin")
    assign(client, device, id)
    shared = device.shared_attributes
    assert (shared["fw_title"], shared["fw_version"], shared["fw_size"]) == (
        "app",
        "1.1",
        len(DATA),
    )
    assert device.latest()["fw_state"] == "INITIATED"
    assert device.packages["fw"].data == DATA
    assert client.download_ota_package(id) == DATA
    with pytest.raises(ApiException) as caught:
        client.delete_ota_package(id)
    assert "referenced by the devices" in caught.value.body
    assign(client, device, None)
    assert "fw_title" not in device.shared_attributes
    client.delete_ota_package(id)
    assert sim.store.packages == {}


def test_what_is_saved_again_is_not_told_again(sim, client):
    device = sim.add_device("pump")
    id = uploaded(client, sim.store.profiles[0])
    assign(client, device, id)
    told = len(device.telemetry)
    assign(client, device, id)
    assert len(device.telemetry) == told


def test_a_profiles_package_is_for_devices_without_their_own(sim, server, client):
    token = log_in(server)["token"]
    profile = sim.store.profiles[0]
    own, other = sim.add_device("own"), sim.add_device("other")
    first, second = uploaded(client, profile, "v1"), uploaded(client, profile, "v2")
    assign(client, own, first)
    fields = http(server, "GET", f"/api/deviceProfile/{profile.id}", token=token)[1]
    fields["firmwareId"] = {"entityType": "OTA_PACKAGE", "id": second}
    assert http(server, "POST", "/api/deviceProfile", fields, token)[0] == 200
    assert own.shared_attributes["fw_version"] == "v1"
    assert other.shared_attributes["fw_version"] == "v2"
    assign(client, own, None)  # the profile's counts now
    assert own.shared_attributes["fw_version"] == "v2"
    told = len(own.telemetry)
    assign(client, own, second)  # the same
    assert len(own.telemetry) == told


def test_what_a_test_assigned_is_kept_when_a_device_is_saved(sim, client):
    """The same package at devices of two profiles, which only a test can do."""
    package = Package("app", "1.0", DATA)
    for name in ("default", "lamps"):
        sim.assign(sim.add_device(name, profile=sim.add_profile(name)), package)
    for device in list(sim.store.devices.values()):
        saved = client.save_device(client.get_device_by_id(device.id))
        assert str(saved.firmware_id.id) == package.id and device.packages["fw"] is package
    assert client.get_ota_packages(page_size=9, page=0).total_elements == 1


def test_packages_are_listed_by_profile_and_type(sim, client):
    profile = sim.store.profiles[0]
    uploaded(client, profile, "1.1")
    uploaded(client, profile, "1.2", type="SOFTWARE")
    assert client.get_ota_packages(page_size=9, page=0).total_elements == 2
    found = client.get_ota_packages_by_device_profile_and_type(profile.id, "SOFTWARE", 9, 0)
    assert [package.version for package in found.data] == ["1.2"]


@pytest.mark.parametrize("field, type", [("firmwareId", "SOFTWARE"), ("softwareId", "FIRMWARE")])
def test_a_package_of_the_other_type_is_refused(sim, client, field, type):
    device = sim.add_device("pump")
    id = uploaded(client, sim.store.profiles[0], type=type)
    with pytest.raises(ApiException) as caught:
        assign(client, device, id, field)
    assert caught.value.status == 400 and device.packages == {}


def test_a_package_of_another_profile_is_refused(sim, client):
    device = sim.add_device("pump")
    id = uploaded(client, sim.add_profile("lamps"))
    with pytest.raises(ApiException) as caught:
        assign(client, device, id)
    assert "different deviceProfile" in caught.value.body
    assert device.packages == {} and device.shared_attributes == {}


def test_title_and_version_are_there_once_and_data_comes_once(sim, client):
    profile = sim.store.profiles[0]
    id = uploaded(client, profile)
    with pytest.raises(ApiException) as caught:
        uploaded(client, profile)
    assert "already exists" in caught.value.body
    with pytest.raises(ApiException) as caught:
        client.save_ota_package_data(id, "SHA256", ("package.bin", b"other"))
    assert "prohibited" in caught.value.body


def test_without_its_bytes_a_package_cannot_be_assigned(sim, server):
    token = log_in(server)["token"]
    device = sim.add_device("pump")
    profile = {"entityType": "DEVICE_PROFILE", "id": device.profile.id}
    info = {"deviceProfileId": profile, "type": "FIRMWARE", "title": "a", "version": "1"}
    status, package = http(server, "POST", "/api/otaPackage", info, token)
    assert status == 200 and not package["hasData"]
    fields = http(server, "GET", f"/api/device/{device.id}", token=token)[1]
    fields["firmwareId"] = package["id"]
    status, told = http(server, "POST", "/api/device", fields, token)
    assert (status, told["message"]) == (400, "Can't assign firmware with empty data!")


# Attributes, telemetry, commands


def test_attributes_are_json_text(sim, server, client):
    device = sim.add_device("pump")
    client.save_entity_attributes_v2(
        "DEVICE", device.id, "SHARED_SCOPE", '{"interval": 5, "limit": "25"}'
    )
    assert device.shared_attributes == {"interval": 5, "limit": 25}
    device.client_attributes["starts"] = 3
    # The client of 4.4.0 forgets to read this answer.
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/values/attributes"
    token = log_in(server)["token"]
    found = http(server, "GET", path + "/CLIENT_SCOPE?keys=starts,no", token=token)[1]
    assert [(a["key"], a["value"]) for a in found] == [("starts", 3)]
    found = http(server, "GET", path, token=token)[1]
    assert {a["key"] for a in found} == {"starts", "interval", "limit", "active"}
    client.delete_entity_attributes("DEVICE", device.id, "SHARED_SCOPE", keys="limit")
    assert device.shared_attributes == {"interval": 5}


def test_telemetry_is_text_unless_strict(sim, client):
    device = sim.add_device("pump")
    sim.call(device.add_points, 1000, {"t": 1.5, "on": True})
    sim.call(device.add_points, 2000, {"t": 2.5})
    found = client.get_latest_timeseries("DEVICE", device.id, keys="t,on,no")
    assert [(p.ts, p.value) for p in found["t"]] == [(2000, "2.5")]
    assert [(p.ts, p.value) for p in found["on"]] == [(1000, "true")]
    assert found["no"][0].value is None
    strict = client.get_latest_timeseries("DEVICE", device.id, "t", use_strict_data_types=True)
    assert strict["t"][0].value == 2.5


def test_a_query_has_the_latest_of_many_devices(sim, client):
    devices = [sim.add_device(name) for name in ("a", "b", "c")]
    sim.call(devices[0].add_points, 1000, {"fw_state": "UPDATED"})
    devices[1].client_attributes["starts"] = 7
    query = {
        "entityFilter": {
            "type": "entityList",
            "entityType": "DEVICE",
            "entityList": [device.id for device in devices[:2]],
        },
        "entityFields": [{"type": "ENTITY_FIELD", "key": "name"}],
        "latestValues": [
            {"type": "TIME_SERIES", "key": "fw_state"},
            {"type": "CLIENT_ATTRIBUTE", "key": "starts"},
            {"type": "SERVER_ATTRIBUTE", "key": "active"},
        ],
        "pageLink": {"page": 0, "pageSize": 10},
    }
    found = client.find_entity_data_by_query(EntityDataQuery.from_dict(query))
    assert found.total_elements == 2
    a, b = [row.latest for row in found.data]
    assert a["ENTITY_FIELD"]["name"].value == "a"
    assert (a["TIME_SERIES"]["fw_state"].ts, a["TIME_SERIES"]["fw_state"].value) == (
        1000,
        "UPDATED",
    )
    assert (b["TIME_SERIES"]["fw_state"].ts, b["TIME_SERIES"]["fw_state"].value) == (0, "")
    assert b["CLIENT_ATTRIBUTE"]["starts"].value == "7"
    assert a["SERVER_ATTRIBUTE"]["active"].value == "false"


def test_a_command_to_nobody_is_504(sim, server):
    token = log_in(server)["token"]
    device = sim.add_device("pump")
    path = f"/api/rpc/twoway/{device.id}"
    assert http(server, "POST", path, {"method": "getInfo", "params": {}}, token)[0] == 504


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("POST", "/api/device", {"name": ""}),
        ("POST", "/api/device", []),
        ("POST", "/api/device", {"name": "x", "deviceProfileId": 5}),
        ("POST", "/api/deviceProfile", {"name": None}),
        ("POST", "/api/otaPackage", {"title": "a", "version": "1", "type": "NO"}),
        ("POST", "/api/otaPackage", {"title": "a", "version": "1", "type": ["FIRMWARE"]}),
        ("GET", "/api/tenant/devices", None),
        ("GET", "/api/tenant/devices?pageSize=0&page=0", None),
        ("GET", "/api/tenant/devices?pageSize=-1&page=0", None),
        ("POST", "/api/entitiesQuery/find", {"pageLink": {"pageSize": 1}, "entityFilter": {}}),
        ("POST", "/api/entitiesQuery/find", {"pageLink": 5}),
        ("POST", "/api/entitiesQuery/find", {"pageLink": {"pageSize": 1}, "entityFields": [1]}),
    ],
)
def test_what_is_wrong_is_400(server, method, path, body):
    status, told = http(server, method, path, body, log_in(server)["token"])
    assert (status, told["status"], told["errorCode"]) == (400, 400, 31)


@pytest.mark.parametrize("path", ["/api/device", "/api/auth/login", "/api/auth/token"])
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe"])
def test_a_body_that_is_no_json_is_400(server, path, body):
    headers = {"X-Authorization": "Bearer " + log_in(server)["token"]}
    request = urllib.request.Request(server.url + path, body, headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 400
