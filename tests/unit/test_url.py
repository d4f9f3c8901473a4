# Packages at a coap:// address: what the address says, and the updater against such a server.

import asyncio

from abupdate import Refused
from fakes import raised
from ota import BLOCK, PACKAGES, Life, Server, scene
from rows import rows
from thingsboard.url import split

URL = "coap://files:7/p/1.1?k=1&x"


@rows(
    port=("coap://h:7/p", ("h", 7, ["p"], ())),
    no_port=("coap://h/p/q", ("h", 5683, ["p", "q"], ())),
    empty_port=("coap://h:/p", ("h", 5683, ["p"], ())),
    no_path=("coap://h", ("h", 5683, (), ())),
    root=("coap://h/", ("h", 5683, (), ())),
    query=("coap://h/p?a=1&b=/?", ("h", 5683, ["p"], ["a=1", "b=/?"])),
    query_without_path=("coap://h?a", ("h", 5683, (), ["a"])),
    empty_segments=("coap://h/a//b/", ("h", 5683, ["a", "", "b", ""], ())),
    encoded=("coap://h/my%20%2f%c3%bc?a=%26", ("h", 5683, ["my /\u00fc"], ["a=&"])),
    upper_case=("COAP://Host/P", ("host", 5683, ["P"], ())),
    ipv6=("coap://[2001:db8::1]/p", ("2001:db8::1", 5683, ["p"], ())),
    ipv6_port=("coap://[::1]:7/p", ("::1", 7, ["p"], ())),
    fragment=("coap://h/p#x?y", ("h", 5683, ["p"], ())),
    longest=("coap://h/" + 255 * "x", ("h", 5683, [255 * "x"], ())),
)
def test_what_an_address_says(url, parts):
    assert split(url) == parts


@rows(
    *["", "h/p", "http://h/p", "coaps://h/p", "coap:///p", "coap://", "coap://h:x/p"],
    *["coap://h:0/p", "coap://h:65536/p", "coap://h:99999/p", "coap://h:-1/p", "coap://[]/p"],
    *["coap://h/%", "coap://h/%4", "coap://h/%zz", "coap://h/%+1", "coap://h/%ff", "coap://h?%%"],
    *["coap://h/" + 256 * "x", "coap://h?" + 128 * "%c3%bc"],
)
def test_an_address_of_another_kind_is_refused(url):
    assert str(raised(Refused, split, url)) == "cannot fetch " + url


class Elsewhere(Server):
    """A server of one package, and the client of it."""

    def __init__(self, loop, package):
        super().__init__(loop)
        self.packages = {"1.1": package}
        self.connected = []  # (host, port, window)
        self.open = 0

    async def connect(self, host, port, window_limit):
        self.connected.append((host, port, window_limit))
        self.open += 1
        return self

    def close(self):
        self.open -= 1

    def version(self, path, query):
        assert (path, query) == (["p", "1.1"], ["k=1", "x"])
        return "1.1"


@scene
def test_a_package_at_an_address(slept, server, root):
    it = Elsewhere(server.loop, PACKAGES["1.1"])
    told = []
    server.window_limit = 5
    life = Life(server, root, connect=it.connect, progress=lambda *how: told.append(how))
    life.assign("1.1", {"url": URL, "size": None})
    assert life.until() and life.reset, life.log
    life.off()
    assert it.connected == [("files", 7, 5)] and it.open == it.under_way == 0
    assert len(it.asked) == -(-len(PACKAGES["1.1"]) // BLOCK)
    size = len(PACKAGES["1.1"])
    assert told[0] == (BLOCK, size) and told[-1] == (size, size)
    assert server.asked == slept == [] and Life(server, root).runs() == "1.1"


@rows(*range(1, 7))
@scene
def test_after_silence_it_goes_on_where_the_slot_stands(slept, server, root, n):
    it = Elsewhere(server.loop, PACKAGES["1.1"])
    silence = ["silence"]
    it.fault = lambda version, num: silence.pop() if silence and num == n else None
    life = Life(server, root, connect=it.connect)
    life.assign("1.1", {"url": URL})
    assert life.until() and life.reset, life.log
    life.off()
    assert slept == [1000] and it.open == 0 and Life(server, root).runs() == "1.1"
    # The first block again, as it says which package this is; then the first that is missing.
    again = [num for _, num in it.asked][1:]
    again = again[again.index(0) + 1 :]
    assert n - 1 <= again[0] <= n and len(it.asked) <= 7 + 1 + it.window_limit


@rows(empty=0, header=300, folder=BLOCK, end=len(PACKAGES["1.1"]) - 1)
@scene
def test_a_package_that_ends_early_is_refused(slept, server, root, size):
    it = Elsewhere(server.loop, PACKAGES["1.1"][:size])
    life = Life(server, root, connect=it.connect)
    life.assign("1.1", {"url": URL})
    assert life.until(lambda: "FAILED" in server.values("sw_state"))
    assert server.values("sw_error") == ["shorter than its manifest says"]
    life.off()
    assert it.open == 0 and Life(server, root).runs() == ""


@scene
def test_a_board_that_fetches_nothing_from_elsewhere_says_so(slept, server, root):
    life = Life(server, root)
    life.assign("1.1", {"url": URL})
    assert life.until(lambda: "FAILED" in server.values("sw_state"))
    assert server.values("sw_error") == ["this board fetches no " + URL]


@scene
def test_a_server_that_never_answers_leaves_room_for_another_assignment(slept, server, root):
    class Silent(Elsewhere):
        async def answer(self, *_):
            await asyncio.Event().wait()

    it = Silent(server.loop, b"")
    life = Life(server, root, connect=it.connect)
    life.assign("1.1", {"url": URL})
    assert life.until(lambda: it.asked)
    life.assign("1.2")
    assert life.until() and life.reset, life.log
    life.off()
    assert it.open == it.under_way == 0 and Life(server, root).runs() == "1.2"
