"""How pytest-xdist spreads the tests over its processes.

A file stays in one process: its fixtures are made once, and it runs once on MicroPython. Only slow
files that need not are cut in parts. The slow ones begin first, so that none is left at the end.
"""

from collections import Counter

from xdist.scheduler import LoadScopeScheduling

# Files that take half a minute and more, longest first: how many processes share one.
SLOW = {
    "tests/system/test_firmware_sleep.py": 4,
    "tests/system/test_secure_device.py": 3,
    "tests/system/test_firmware_dtls.py": 2,
    "tests/system/test_firmware_update.py": 3,
    "tests/system/test_board_tools.py": 2,
    "tests/system/test_soak.py": 2,
    "tests/power/test_sleeping_week.py": 2,
    "tests/system/test_board_room.py": 1,
    "tests/system/test_vboard_firmware.py": 1,
    "tests/system/test_device.py": 1,
    "tests/system/test_vboard_boards.py": 1,
    "tests/system/test_vboard_network.py": 1,
    "tests/system/test_mip.py": 1,
    "tests/system/test_manifests.py": 1,
    "tests/system/test_firmware.py": 1,
    "tests/system/test_examples.py": 1,
    "tests/power/test_firmware_update.py": 1,
    "tests/power/test_app_slot.py": 1,
    "tests/interop/test_californium_download.py": 1,
    "tests/interop/test_californium.py": 1,
}


def slowest_first(items: list) -> None:
    """Sort items so that those of the slow files come first."""
    order = {path: n for n, path in enumerate(SLOW)}
    items.sort(key=lambda item: order.get(path_of(item.nodeid), len(order)))


def path_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class Spread(LoadScopeScheduling):
    """Gives each process a file, or a part of one, at a time."""

    def __init__(self, config, log=None):
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the order is that of slowest_first()
        self._parts = {}  # nodeid: the part that it belongs to

    def schedule(self):
        if not self._parts:
            counted = Counter()
            for nodeid in next(iter(self.registered_collections.values())):
                path = path_of(nodeid)
                self._parts[nodeid] = f"{path} {counted[path] % SLOW.get(path, 1)}"
                counted[path] += 1
        super().schedule()

    def _split_scope(self, nodeid):
        return self._parts[nodeid]
