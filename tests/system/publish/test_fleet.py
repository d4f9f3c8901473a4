"""The fleet at a glance."""


def test_the_fleet_shows_what_is_wrong(sim, server, user, tool):
    device = sim.device("pump-03")
    about = {"version": "0.9", "starts": 4, "restart": "watchdog", "restarts": 2, "faults": 1}
    device.client_attributes |= about | {"last_fault": "sensors: \x1b]0;no"}
    sim.call(device.add_points, 1, {"fw_state": "FAILED", "fw_error": "no room"})
    code, said = tool("fleet", "--server", server.url, "--device", "pump-03,pump-04")
    (line,) = [line for line in said.splitlines() if "pump-03" in line]
    for word in ("0.9", "never", "4", "2 (watchdog)", "sensors: ?]0;no", "FAILED: no room"):
        assert word in line, word
    assert said.endswith("2 devices, 2 silent, 1 with a problem")
