"""The download of packages from /fw and /sw.

Follows OtaPackageTransportResource of ThingsBoard 4.4, its traps included: no answer to a chunk
past the end, and none but an RST to a later block when its transfer is not known.
"""

from collections.abc import Callable

from aiocoap import Code, Message

from ..model.devices import Device
from ..model.errors import ModelError
from ..model.packages import Part, Served, package_of, select
from ..model.store import Store
from ..switches import Switches
from ..wire.blockwise import BlockRules, Blockwise
from ..wire.codec import answer
from ..wire.exchange import Exchange
from .access import code_of, refusal
from .backend import Backend

# The resource cuts its answers itself: it hands out the whole package with a Block2 that may not
# fit it, and takes the exponent of the block's size for the size.
BLOCKS = BlockRules(empty_past_end=True, cut_new_answer=False, more_by_exponent=True)

PATH_LENGTH = 2  # fw or sw, access token
POLLS = 2  # one for the access token, one for the package


class Downloads:
    """The resources /fw and /sw. Only block 0 and chunks are looked up; Blockwise has the rest."""

    def __init__(
        self,
        store: Store,
        blockwise: Blockwise,
        backend: Backend,
        switches: Switches,
        now: Callable[[], float],
    ):
        self.store = store
        self.backend = backend
        self.blockwise = blockwise
        self.switches = switches
        self.now = now  # a monotonic clock in seconds

    def serve(self, exchange: Exchange) -> None:
        if exchange.request.code is not Code.GET:
            exchange.refuse("4.05")
            return
        block = self.blockwise.kept_block(exchange)
        if block:
            exchange.respond(block, typed=False)
            return
        exchange.acknowledge()
        if len(exchange.path) != PATH_LENGTH:
            exchange.respond(answer("4.01"))
        elif exchange.confirmable or not self.backend.starting:
            self.backend.answer(POLLS, lambda: self._answer(exchange))
        elif self.backend.resets:
            exchange.reset()

    def _answer(self, exchange: Exchange) -> None:
        response = self._look_up(exchange)
        if response:
            if exchange.request.opt.observe == 0:
                response.opt.observe = 0
            exchange.respond(response)

    def _look_up(self, exchange: Exchange) -> Message | None:
        path = exchange.path
        device = self.store.by_access_token(path[1])
        refused = refusal(device, self.switches)
        if refused:
            return answer(refused)
        query = dict(parse_item(item) for item in exchange.request.opt.uri_query)
        try:
            part = select(device, path[0], query)
        except ModelError as error:
            return answer(code_of(error))
        if not part.data:
            return None
        count = self._counter(device, part)
        response = self.blockwise.cut(exchange, answer("2.05", part.data), BLOCKS, count)
        if not response:
            exchange.reset()
        return response

    def _counter(self, device: Device, part: Part) -> Callable[[int, int], None]:
        package = part.package

        def count(first: int, size: int) -> None:
            package.served.append(Served(self.now(), part.start + first, size))
            if package_of(device, package.kind) is package:  # else another was assigned meanwhile
                device.was_sent(package.kind, part.start + first, size)

        return count


def parse_item(item: str) -> tuple[str, str]:
    """Return name and value of a query option; without = the value is "true"."""
    name, equals, value = item.partition("=")
    return name, value if equals else "true"
