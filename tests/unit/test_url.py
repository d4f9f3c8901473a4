# Packages at a coap:// address: what the address says, and the updater against such a server.

import asyncio
import errno

from abupdate import Refused
from fakes import raised
from ota import CHUNK, PACKAGES, Life, scene
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


class Elsewhere:
    """A server of one package, and the client of it: get() hands its bytes on block by block.

    It falls silent once, before the block `silent_at`; asked has the offsets of all requests.
    """

    def __init__(self, package, silent_at=None):
        self.package = package
        self.silent_at = silent_at
        self.connected = []  # (host, port)
        self.open = 0
        self.asked = []

    async def connect(self, host, port):
        self.connected.append((host, port))
        self.open += 1
        return self

    def close(self):
        self.open -= 1

    async def get(self, path, query, sink, max_body, offset):
        assert (path, query) == (["p", "1.1"], ["k=1", "x"]) and max_body > len(self.package)
        assert offset % CHUNK == 0
        self.asked.append(offset)
        for at in range(offset, len(self.package), CHUNK):
            if at == self.silent_at:
                self.silent_at = None
                raise OSError(errno.ETIMEDOUT)
            sink(self.package[at : at + CHUNK])


@scene
def test_a_package_at_an_address(slept, server, root):
    it = Elsewhere(PACKAGES["1.1"])
    told = []
    life = Life(server, root, connect=it.connect, progress=lambda *how: told.append(how))
    life.assign("1.1", {"url": URL, "size": None})
    assert life.until() and life.reset, life.log
    life.off()
    assert it.connected == [("files", 7)] and it.open == 0 and it.asked == [0]
    size = len(PACKAGES["1.1"])
    assert told[0] == (CHUNK, size) and told[-1] == (size, size)
    assert server.asked == slept == [] and Life(server, root).runs() == "1.1"


@rows(*range(5))
@scene
def test_after_silence_it_goes_on_where_the_slot_stands(slept, server, root, n):
    it = Elsewhere(PACKAGES["1.1"], silent_at=n * CHUNK)
    life = Life(server, root, connect=it.connect)
    life.assign("1.1", {"url": URL})
    assert life.until() and life.reset, life.log
    life.off()
    assert slept == [1000] and it.open == 0 and Life(server, root).runs() == "1.1"
    # The first block again, as it says which package this is; then the first that is missing.
    assert it.asked == ([0, 0, n * CHUNK] if n > 1 else [0, 0])


@rows(header=300, folder=CHUNK, end=len(PACKAGES["1.1"]) - 1)
@scene
def test_a_package_that_ends_early_is_refused(slept, server, root, size):
    it = Elsewhere(PACKAGES["1.1"][:size])
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
        async def get(self, path, **how):
            self.asked.append(path)
            await asyncio.Event().wait()

    it = Silent(b"")
    life = Life(server, root, connect=it.connect)
    life.assign("1.1", {"url": URL})
    assert life.until(lambda: it.asked)
    life.assign("1.2")
    assert life.until() and life.reset, life.log
    life.off()
    assert it.open == 0 and Life(server, root).runs() == "1.2"
