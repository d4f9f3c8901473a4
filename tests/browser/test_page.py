"""The simulator's page in a browser, with a board that runs the firmware."""

import base64
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import HOSTILE, LAPTOP
from tests.support.field import version
from tools.unixport import BUILD

SCREENSHOT = Path(os.environ.get("SCREENSHOT") or BUILD / "simulator.png")
LARGEST_SCREENSHOT = 200_000  # bytes
DROP = """([base64, name]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    return dataTransfer;
}"""


def drop(tab, data: bytes, name: str) -> None:
    """Drop a file on the page, as a hand would."""
    what = tab.evaluate_handle(DROP, [base64.b64encode(data).decode(), name])
    for event in ("dragover", "drop"):
        tab.dispatch_event("#drop", event, {"dataTransfer": what})


def switch(tab, label: str, value) -> None:
    box = tab.get_by_label(label, exact=True)
    box.fill(str(value))
    box.press("Enter")


def in_touch(scene) -> None:
    scene.board.wait(lambda: scene.sim.observes(scene.device, "rpc"), 40, "an observation")


def test_a_board_that_reports_is_seen_with_charts_and_what_it_tells_of_itself(scene, tab):
    expect(tab.locator("#devices .dot.good")).to_have_count(1)
    expect(tab.locator("#name")).to_have_text("greenhouse")
    expect(tab.locator("#contact")).to_have_text(re.compile(r"online, heard \d+ s ago"))
    expect(tab.locator("#client")).to_contain_text('platform"unix"')
    chart = tab.locator("#charts figure", has_text="heap")
    expect(chart.locator("path.stroke")).to_have_attribute("d", re.compile(r"M.*L"))
    shown = chart.locator("output")
    expect(shown).to_have_text(re.compile(r"\d"))
    assert float(shown.text_content()) in {
        value for _, key, value in scene.device.telemetry if key == "heap"
    }
    expect(tab.locator("#listens")).to_have_text("listens for attributes and commands")


def test_an_attribute_is_edited_and_arrives_at_the_board(scene, tab):
    in_touch(scene)
    line = len(scene.board.lines)
    box = tab.get_by_label("Value of interval")
    expect(box).to_have_value("1")
    box.fill("0.5")
    box.press("Enter")
    scene.board.wait_line("interval 0.5 s", 20, line)
    assert scene.device.shared_attributes["interval"] == 0.5


def test_an_attribute_is_added_and_deleted_by_keys_alone(scene, tab):
    tab.get_by_label("Name of a new attribute").focus()
    tab.keyboard.type("limits")
    tab.keyboard.press("Tab")
    tab.keyboard.type('{"low": 1.5}')
    tab.keyboard.press("Enter")
    box = tab.get_by_label("Value of limits")
    expect(box).to_have_value('{"low": 1.5}')
    assert scene.device.shared_attributes["limits"] == {"low": 1.5}
    box.focus()
    tab.keyboard.press("Tab")
    expect(tab.get_by_label("Delete limits")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(box).to_have_count(0)
    assert "limits" not in scene.device.shared_attributes


def test_what_is_being_typed_is_left_alone_and_a_wrong_value_is_told(scene, tab):
    box = tab.get_by_label("Value of interval")
    box.fill("{wrong")
    scene.sim.set_shared(scene.device, other=1)
    expect(tab.get_by_label("Value of other")).to_have_value("1")
    tab.get_by_label("Method").focus()
    scene.sim.set_shared(scene.device, other=2)
    expect(tab.get_by_label("Value of other")).to_have_value("2")
    expect(box).to_have_value("{wrong")
    box.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("interval: no JSON")
    expect(box).to_have_value("{wrong")
    box.press("Escape")
    expect(box).to_have_value("0.5")
    assert scene.device.shared_attributes["interval"] == 0.5


def test_a_command_is_sent_and_its_answer_shown(scene, tab):
    in_touch(scene)
    tab.get_by_label("Method").fill("setLed")
    tab.get_by_label("Parameters").fill('{"on": true}')
    tab.get_by_role("button", name="Send").click()
    expect(tab.locator("#answers li").first).to_contain_text('→ {"on": true}')
    scene.board.wait(lambda: scene.board.led, 5, "the LED")


def test_a_package_is_dropped_assigned_and_the_board_updates_itself(scene, tab, field):
    in_touch(scene)
    scene.board.wait(lambda: scene.device.posts > 20, 20, "a chart for the picture")
    switch(tab, "delay, ms one way", 60)
    package = field.package("1.1")
    drop(tab, package.data, "release.pkg")
    tab.get_by_role("button", name=f"Assign {package.title} 1.1").click()
    update = tab.locator(".update")
    expect(update.locator(".chip")).to_have_text("DOWNLOADING")
    bar = update.get_by_role("progressbar")
    tab.wait_for_function(
        "([bar, size]) => bar.value > size / 5 && bar.value < size && bar.max === size",
        arg=[bar.element_handle(), len(package.data)],
    )
    expect(update).to_contain_text("KiB/s")
    tab.mouse.move(0, 0)
    tab.screenshot(path=SCREENSHOT)
    assert SCREENSHOT.stat().st_size < LARGEST_SCREENSHOT
    switch(tab, "delay, ms one way", 0)
    expect(update.locator(".chip")).to_have_text("UPDATED", timeout=60_000)
    expect(tab.locator("#about")).to_contain_text("version 1.1")
    assert version(scene.sim, scene.device) == "1.1"


def test_a_file_that_is_no_package_is_told_and_not_kept(scene, tab):
    before = dict(scene.sim.store.packages)
    drop(tab, b"MZ\x90", "setup.exe")
    expect(tab.get_by_role("alert")).to_contain_text("setup.exe: this is no update package")
    assert scene.sim.store.packages == before


def test_the_loss_switch_loses_datagrams(scene, tab):
    before = dict(scene.sim.link.counts)
    switch(tab, "lost on the way up, %", 100)
    scene.board.wait(
        lambda: scene.sim.link.counts["dropped_up"] > before["dropped_up"], 20, "loss"
    )
    arrived = len(scene.device.telemetry)
    expect(tab.locator("#counts")).to_contain_text(re.compile(r"[1-9]\d* lost; ↓"))
    assert len(scene.device.telemetry) == arrived
    switch(tab, "lost on the way up, %", 0)
    scene.board.wait(lambda: len(scene.device.telemetry) > arrived, 40, "telemetry")


def test_a_switch_is_refused_what_it_cannot_be(scene, tab):
    box = tab.get_by_label("duplicated, %", exact=True)
    box.fill("400")
    box.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("duplicated: expected a number from 0 to 100")
    box.blur()
    expect(box).to_have_value("0")


def test_an_outage_and_a_restart(scene, tab):
    state = tab.locator("#state")
    tab.get_by_role("button", name="Outage").click()
    expect(state).to_have_text("outage")
    assert scene.sim.layer.deaf
    tab.get_by_role("button", name="End the outage").click()
    expect(state).to_have_text("answers")
    tab.get_by_role("button", name="Restart").click()
    expect(state).to_have_text("starting")
    expect(state).to_have_text("answers")
    in_touch(scene)


def test_datagrams_are_decoded_filtered_and_held(scene, tab):
    tab.get_by_placeholder("Filter").fill("telemetry")
    rows = tab.locator("#rows details:visible", has_text="POST")
    expect(rows.first).to_be_visible()
    tab.get_by_role("button", name="Pause").click()
    row = rows.last
    row.locator("summary").press("Enter")
    details = row.locator("dl")
    expect(details).to_contain_text("message id")
    expect(details).to_contain_text("/api/v1/…/telemetry")
    expect(details).to_contain_text('"heap":')
    expect(tab.locator("#rows details:visible", has_text="/rpc")).to_have_count(0)
    count = tab.locator("#rows details").count()
    records = len(scene.device.telemetry)
    scene.board.wait(lambda: len(scene.device.telemetry) > records + 5, 20, "records")
    assert tab.locator("#rows details").count() == count
    tab.get_by_role("button", name="Go on").click()
    tab.wait_for_function(f"() => document.querySelectorAll('#rows details').length > {count}")
    visible = tab.locator("#rows details:visible")
    expect(visible.filter(has_not_text="telemetry")).to_have_count(0)  # nor new ones
    tab.get_by_placeholder("Filter").fill("")
    expect(visible.filter(has_not_text="telemetry").first).to_be_visible()
    assert "greenhouse/" not in tab.locator("#rows").text_content()  # the access token


def test_what_devices_say_stays_text(scene, tab):
    hostile = scene.sim.add_device(HOSTILE, "hostile")
    scene.sim.call(hostile.add_points, 1, {HOSTILE: 1, "text": HOSTILE, "fw_state": HOSTILE})
    scene.sim.call(hostile.client_attributes.update, {HOSTILE: HOSTILE})
    scene.sim.set_shared(hostile, **{HOSTILE: HOSTILE, "fw_title": HOSTILE})
    tab.get_by_role("button", name=re.compile("<script>")).focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("#name")).to_have_text(HOSTILE)
    expect(tab.locator("#charts figcaption span")).to_have_text(HOSTILE)
    for table in ("#client", "#values", "#shared"):
        expect(tab.locator(table)).to_be_visible()
    expect(tab.locator("#client td").first).to_have_text(HOSTILE)
    assert tab.title() == "ThingsBoard simulator"
    assert tab.locator("img").count() == 0 and tab.locator("script").count() == 1
    tab.locator("#devices button").first.click()
    expect(tab.locator("#name")).to_have_text("greenhouse")


@pytest.mark.parametrize("width", [1920, 1366, 1024, 800, 390])
def test_it_fits_its_window(tab, width):
    try:
        tab.set_viewport_size({"width": width, "height": 768})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        for part in ("main", "nav", "aside"):
            wide = f"(e => e.scrollWidth - e.clientWidth)(document.querySelector('{part}'))"
            assert tab.evaluate(wide) <= 0, part
    finally:
        tab.set_viewport_size(LAPTOP)


def test_light_and_dark(tab):
    def ground():
        return tab.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    tab.emulate_media(color_scheme="dark")
    dark = ground()
    assert dark != light
    tab.get_by_role("button", name="Colours").click()  # now light, whatever the system has
    assert ground() == light
    tab.get_by_role("button", name="Colours").click()
    tab.emulate_media(color_scheme="light")
    assert ground() == dark
    tab.get_by_role("button", name="Colours").click()
    assert ground() == light


def test_every_control_has_a_name(tab):
    nameless = """[...document.querySelectorAll("button, input, select")].filter((e) =>
        !(e.textContent.trim() || e.getAttribute("aria-label") || e.ariaLabel || e.labels?.length))
        .map((e) => e.outerHTML)"""
    assert tab.evaluate(nameless) == []
