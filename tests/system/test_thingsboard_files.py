"""What is imported into ThingsBoard: whole, and with exactly the keys that a board reports."""

import ast
import json

import pytest
from tb_ce_client.models.calculated_field import CalculatedField
from tb_ce_client.models.dashboard import Dashboard
from tb_ce_client.models.device_profile import DeviceProfile

from tests.support.field import Field
from tools.tbsim import Simulator
from tools.unixport import ROOT

FOLDER = ROOT / "tools" / "thingsboard"
ALARMS = sorted((FOLDER / "alarms").glob("*.json"))
SERVERS = {"active", "lastActivityTime"}  # attributes that the server keeps of each device
FAULT = (
    (
        "app/measuring.py",
        "last = time.ticks_ms()\n        while True",
        "raise ValueError\n        while True",
    ),
)
PC_ONLY = {"load", "memory"}  # sensors of the unix port, where a board has others
WIDGETS = {  # typeFullFqn: type
    "system.cards.entities_table": "latest",
    "system.time_series_chart": "timeseries",
    "system.alarm_widgets.alarms_table": "alarm",
}


def read(name: str) -> dict:
    return json.loads((FOLDER / name).read_text())


DASHBOARD = read("dashboard.json")
CONFIGURATION = DASHBOARD["configuration"]


def sources() -> list[dict]:
    """Return the datasources of all widgets."""
    widgets = [widget["config"] for widget in CONFIGURATION["widgets"].values()]
    return [source for config in widgets for source in config.get("datasources", [])] + [
        config["alarmSource"] for config in widgets if "alarmSource" in config
    ]


def shown(kind: str) -> set[str]:
    """Return the keys that the dashboard shows: of kind attribute or timeseries."""
    keys = [key for source in sources() for key in source["dataKeys"]]
    return {key["name"] for key in keys if key["type"] == kind}


def sensors() -> set[str]:
    """Return what the firmware's sensors may measure, on any board."""
    tree = ast.parse((ROOT / "firmware/app/sensors.py").read_text())
    dicts = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    keys = [key.value for d in dicts for key in d.keys if isinstance(key, ast.Constant)]
    stores = [n for n in ast.walk(tree) if isinstance(n, ast.Subscript)]
    keys += [n.slice.value for n in stores if isinstance(n.slice, ast.Constant)]
    return {key for key in keys if isinstance(key, str)} - {"unix", "rp2", "esp32"}


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """Client attributes and telemetry of a board that refused an update and took one, in which a
    job ends by a fault.
    """
    folder = tmp_path_factory.mktemp("reported")
    (folder / "mine").mkdir()
    (folder / "foreign").mkdir()
    field, foreign = Field(folder / "mine"), Field(folder / "foreign")
    with Simulator(at_once=True) as sim:
        device = sim.add_device("board", "board")
        board = field.board(folder / "board.img", sim)
        try:
            board.start()
            packages = foreign.package("v1.1"), field.package("v1.1", edits=FAULT)
            for package, end in zip(packages, ("FAILED", "UPDATED")):
                sim.assign(device, package)
                board.wait(lambda end=end: device.latest().get("fw_state") == end, 60, end)
            done = lambda: "last_fault" in device.client_attributes  # noqa: E731
            board.wait(done, 30, "the introduction")
        finally:
            board.stop()
        return set(device.client_attributes), {point.key for point in device.telemetry}


def test_all_that_a_board_tells_is_shown_and_nothing_else(reported):
    attributes, telemetry = reported
    assert shown("attribute") == attributes | SERVERS
    assert telemetry & PC_ONLY and telemetry - PC_ONLY <= shown("timeseries")
    software = {key.replace("fw", "sw") for key in telemetry if "fw_" in key}
    assert shown("timeseries") == (telemetry | software | sensors()) - PC_ONLY


def test_alarm_rules_look_at_what_is_shown():
    for path in ALARMS:
        for name, argument in read(f"alarms/{path.name}")["configuration"]["arguments"].items():
            key = argument["refEntityKey"]
            kind = {"TS_LATEST": "timeseries", "ATTRIBUTE": "attribute"}[key["type"]]
            assert name == key["key"] and key["key"] in shown(kind), path.name
            scope = "SERVER_SCOPE" if key["key"] in SERVERS else "CLIENT_SCOPE"
            assert key.get("scope") in (None, scope)


# Whole


def test_the_dashboard_refers_to_what_it_has():
    widgets, states = CONFIGURATION["widgets"], CONFIGURATION["states"]
    placed = [id for state in states.values() for id in state["layouts"]["main"]["widgets"]]
    assert sorted(placed) == sorted(widgets)
    assert [name for name, state in states.items() if state["root"]] == ["default"]
    for id, widget in widgets.items():
        assert widget["id"] == id
        assert WIDGETS[widget["typeFullFqn"]] == widget["type"]
        for actions in widget["config"]["actions"].values():
            assert all(action["targetDashboardStateId"] in states for action in actions)
    for source in sources():
        assert source["entityAliasId"] in CONFIGURATION["entityAliases"]
    assert Dashboard.from_dict(DASHBOARD).title == DASHBOARD["title"]


def test_widgets_do_not_lie_upon_each_other():
    for state in CONFIGURATION["states"].values():
        taken: set[tuple[int, int]] = set()
        for place in state["layouts"]["main"]["widgets"].values():
            columns = range(place["col"], place["col"] + place["sizeX"])
            rows = range(place["row"], place["row"] + place["sizeY"])
            cells = {(row, column) for row in rows for column in columns}
            assert not cells & taken and columns[-1] < 24
            taken |= cells


@pytest.mark.parametrize("path", ALARMS, ids=lambda path: path.stem)
def test_an_alarm_rule_is_as_the_server_takes_it(path):
    rule = json.loads(path.read_text())
    taken = CalculatedField.from_dict(rule).to_dict()
    for field, value in rule["configuration"].items():
        assert taken["configuration"][field] == value, field
    assert taken["name"] == rule["name"]


def test_the_profile_is_as_the_server_takes_it():
    profile = read("profile.json")
    for name in ("name", "type", "transportType", "provisionType", "profileData"):
        assert name in profile  # what the server's pages ask for before they import
    taken = DeviceProfile.from_dict(profile).to_dict()["profileData"]
    transport = profile["profileData"]["transportConfiguration"]
    payload = transport["coapDeviceTypeConfiguration"]
    assert taken["transportConfiguration"]["coapDeviceTypeConfiguration"] == payload


def test_the_profile_has_the_same_alarm_rules_in_the_words_of_4_2():
    old = {}
    for alarm in read("profile.json")["profileData"]["alarms"]:
        rules = {**alarm["createRules"], "CLEAR": alarm["clearRule"]}
        old[alarm["alarmType"]] = {name: old_words(rule) for name, rule in rules.items()}
    new = {}
    for path in ALARMS:
        rule = json.loads(path.read_text())
        configuration = rule["configuration"]
        rules = {**configuration["createRules"], "CLEAR": configuration["clearRule"]}
        new[rule["name"]] = {name: new_words(rule) for name, rule in rules.items()}
    assert old == new and len(new) == len(ALARMS)


def old_words(rule: dict) -> tuple:
    (condition,) = rule["condition"]["condition"]
    predicate = condition["predicate"]
    value = predicate["value"]["defaultValue"]
    return condition["key"]["key"], condition["valueType"], predicate["operation"], value


def new_words(rule: dict) -> tuple:
    (condition,) = rule["condition"]["expression"]["filters"]
    (predicate,) = condition["predicates"]
    value = predicate["value"]["staticValue"]
    return condition["argument"], condition["valueType"], predicate["operation"], value
