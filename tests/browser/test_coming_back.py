"""A page whose simulator ends, and comes back."""

from playwright.sync_api import expect

from tools.tbsim import Simulator
from tools.tbsim.web import WebServer, page


def test_a_simulator_that_ends_is_told_and_one_that_is_back_is_shown(chromium):
    tab = chromium.new_page()
    with Simulator() as sim:
        sim.add_device("first")
        with WebServer(sim, [page.mount]) as server:
            tab.goto(server.url)
            expect(tab.locator("#name")).to_have_text("first")
        expect(tab.locator("#state")).to_have_text("make sim is not there")
    with Simulator() as sim:
        sim.add_device("second")
        with WebServer(sim, [page.mount], port=server.port):
            expect(tab.locator("#name")).to_have_text("second")
            expect(tab.locator("#devices li")).to_have_count(1)
    tab.close()
