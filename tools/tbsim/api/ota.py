"""The download of packages from /fw and /sw.

Follows OtaPackageTransportResource of ThingsBoard 4.4, its traps included: no answer past the end,
and none to a later block when its transfer is not known.
"""

from collections.abc import Callable

from aiocoap import Code, Message

from ..model.errors import ModelError
from ..model.packages import Part, Served, select
from ..model.store import Store
from ..switches import Switches
from ..wire.blockwise import BlockRules, Blockwise
from ..wire.codec import answer
from ..wire.exchange import Exchange
from .access import code_of, refusal

# The resource cuts its answers itself: it hands out the whole package with a Block2 that may not
# fit it, and takes the exponent of the block's size for the size.
BLOCKS = BlockRules(empty_past_end=True, cut_new_answer=False, more_by_exponent=True)


class Downloads:
    """The resources /fw and /sw. Only block 0 and chunks are looked up; Blockwise has the rest."""

    def __init__(
        self, store: Store, blockwise: Blockwise, switches: Switches, now: Callable[[], float]
    ):
        self.store = store
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
        response = self._look_up(exchange)
        if response:
            if exchange.request.opt.observe == 0:
                response.opt.observe = 0
            exchange.respond(response)
        elif not exchange.confirmable and exchange.request.opt.block2:
            exchange.reset()  # a later block, and its transfer is not known

    def _look_up(self, exchange: Exchange) -> Message | None:
        path = exchange.path
        device = self.store.by_access_token(path[1]) if len(path) == 2 else None
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
        count = self._counter(part)
        return self.blockwise.cut(exchange, answer("2.05", part.data), BLOCKS, count)

    def _counter(self, part: Part) -> Callable[[int, int], None]:
        def count(first: int, size: int) -> None:
            part.package.served.append(Served(self.now(), part.start + first, size))

        return count


def parse_item(item: str) -> tuple[str, str]:
    """Return name and value of a query option; without = the value is "true"."""
    name, equals, value = item.partition("=")
    return name, value if equals else "true"
