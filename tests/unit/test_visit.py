# In touch with the server once: what comes first, when it is over, and when it is in vain.

import json

from coap import ResponseError
from coap.message import Message
from rows import rows
from thingsboard.clock import Clock
from thingsboard.device import Device
from thingsboard.visit import visit
from world import Client, World, failing, silence

COMMAND = b'{"id":1,"method":"m","params":{}}'


class Scene:
    """`with Scene() as scene:` a device visits its server; result is what visit() returns."""

    def __init__(self, updater=None, errands=(), records=0, answers=None, **how):
        self.world = World()
        self.client = Client(self.world)
        if answers:
            self.client.answers = answers
        self.log = []
        self.device = device = Device(self.client, "TOK", self.log.append, Clock(self.world))
        device.clock.set(1_790_000_000_000)
        for n in range(records):
            device.record({"n": n})
        self.result = None
        self.at = None  # when it was over
        self._how = {"updater": updater, "errands": errands}
        self._how.update(how)

    def __enter__(self):
        self.world.__enter__()
        self.world.loop.start(self._visit())
        self.world.pass_ms(0)
        return self

    def __exit__(self, *_):
        self.world.__exit__()

    async def _visit(self):
        self.result = await visit(self.device, **self._how)
        self.at = self.world.now

    def asked(self):
        """Return what the server was asked for, in order."""
        return [what for _, _, what in self.client.done]

    def register(self):
        """Let both registrations be answered."""
        self.answer()
        self.answer(payload=b"{}")

    def answer(self, number=0, payload=b""):
        """Let the newest registration be answered."""
        self.client.observations[-1].notify(number, payload)
        self.world.pass_ms(100)


def test_commands_are_registered_for_before_all_else():
    with Scene(records=1) as scene:
        scene.world.pass_ms(5000)
        assert scene.asked() == ["rpc"]
        scene.answer()
        assert scene.asked() == ["rpc", "attributes", "telemetry"]


def test_it_is_over_when_the_server_has_said_nothing_more():
    with Scene(records=1, listen_ms=3000) as scene:
        scene.answer()
        assert scene.client.done[-1][0] == scene.world.now - 50
        scene.answer(payload=b'{"a":1}')
        heard = scene.world.now - 100
        scene.world.pass_ms(10_000)
        assert scene.result is True and heard + 3000 <= scene.at <= heard + 3100
        assert scene.device.shared == {"a": 1} and not len(scene.device.outbox)


def test_what_comes_later_is_obeyed_and_listened_after():
    with Scene(listen_ms=3000) as scene:
        obeyed = []
        scene.device.on_rpc("m", obeyed.append)
        scene.register()
        scene.world.pass_ms(2000)
        scene.client.observations[0].notify(1, COMMAND)
        scene.world.pass_ms(2500)
        assert obeyed == [{}] and scene.asked()[-1] == "1" and scene.result is None
        scene.world.pass_ms(1000)
        assert scene.result is True


def test_a_command_that_comes_again_after_its_reply_is_obeyed_once():
    with Scene(listen_ms=30_000) as scene:
        obeyed = []
        scene.device.on_rpc("m", obeyed.append)
        scene.register()
        for wait_ms in (2500, 8000, 0):  # after ten seconds it is another one
            scene.client.observations[0].notify(1, COMMAND)
            scene.world.pass_ms(wait_ms)
        scene.world.pass_ms(1000)
        assert len(obeyed) == 2 and scene.asked().count("1") == 2


def test_a_command_under_way_is_waited_for():
    with Scene(listen_ms=1000) as scene:

        async def handler(params):
            import asyncio

            await asyncio.sleep_ms(20_000)

        scene.device.on_rpc("m", handler)
        scene.register()
        scene.client.observations[0].notify(1, COMMAND)
        scene.world.pass_ms(19_000)
        assert scene.result is None
        scene.world.pass_ms(3000)
        assert scene.result is True and scene.asked()[-1] == "1"


def test_nobody_is_told_that_it_ends():
    # The server's answer to the next registration takes the place of what it has.
    with Scene(listen_ms=0) as scene:
        scene.register()
        scene.world.pass_ms(200)
        assert scene.result is True
        assert [(one.cancelled, one.dropped) for one in scene.client.observations] == [
            (False, True),
            (False, True),
        ]


@rows(at_once=0, later=2)
def test_a_silent_server_is_given_up(answered):
    with Scene(records=1, answers=failing("telemetry", [silence() for _ in range(99)])) as scene:
        for _ in range(answered):
            scene.answer(payload=b"{}")
        scene.world.pass_ms(40_000)
        assert scene.result is False and 40_000 <= scene.at < 41_000
        assert len(scene.device.outbox) == 1


def test_a_server_that_refuses_only_commands_gets_the_records():
    with Scene(records=1) as scene:
        scene.client.observations[0].put(ResponseError(Message(0xA3)))
        scene.world.pass_ms(4000)
        assert "telemetry" not in scene.asked()
        scene.world.pass_ms(2000)
        assert "telemetry" in scene.asked() and not len(scene.device.outbox)
        scene.world.pass_ms(200_000)
        assert scene.result is False


def test_a_server_that_says_no_has_two_minutes():
    refusal = ResponseError(Message(0xA3))
    with Scene(records=1, answers=failing("telemetry", [refusal] * 99)) as scene:
        scene.register()
        for _ in range(20):
            scene.client.observations[0].notify(1, COMMAND)  # so that it is no silence
            scene.world.pass_ms(10_000)
        assert scene.result is False and 120_000 <= scene.at < 121_000


def test_many_records_go_in_batches():
    with Scene(records=200) as scene:
        scene.register()
        scene.world.pass_ms(5000)
        assert scene.result is True
        sizes = [len(payload) for payload in scene.client.payloads]
        sent = [one["values"]["n"] for p in scene.client.payloads for one in json.loads(p)]
        assert sent == list(range(200)) and max(sizes) <= 1024
        assert min(sizes[:-1]) > 900


def test_errands_are_done_once_whatever_ends_them():
    done = []

    async def good():
        done.append("good")

    async def bad():
        done.append("bad")
        raise ValueError("an errand")

    with Scene(errands=[("a", good), ("b", bad)], listen_ms=1000) as scene:
        scene.world.pass_ms(100)
        assert done == []
        scene.register()
        scene.world.pass_ms(5000)
        assert sorted(done) == ["bad", "good"] and scene.result is True
        assert scene.log == ["b: ValueError an errand"]


class Updater:
    """Busy until it is told otherwise."""

    busy = True

    def __init__(self):
        self.begun = 0

    async def run(self):
        import asyncio

        self.begun += 1
        await asyncio.Event().wait()


def test_an_update_under_way_has_twenty_minutes():
    updater = Updater()
    with Scene(updater=updater) as scene:
        scene.answer()
        assert updater.begun == 1
        scene.answer(payload=b"{}")
        for _ in range(119):
            scene.client.endpoint.heard += 1  # blocks arrive
            scene.world.pass_ms(10_000)
        assert scene.result is None
        scene.client.endpoint.heard += 1
        scene.world.pass_ms(11_000)
        assert scene.result is False


def test_an_update_that_ends_is_no_reason_to_stay():
    updater = Updater()
    with Scene(updater=updater) as scene:
        scene.register()
        scene.world.pass_ms(20_000)
        assert scene.result is None
        updater.busy = False
        scene.world.pass_ms(3000)
        assert scene.result is True
