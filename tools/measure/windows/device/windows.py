# Runs on the unix port: downloads by both kinds of boards over links of all kinds; a line of JSON
# for each cell. Argument: seeds in a cell.

import json
import sys

from transfers import Path

_BODY = bytes([i * 13 + i // 253 & 255 for i in range(128 << 10)])
_FLASH_MS = 45  # what the data sheets say of an erase
# Datagrams that a socket keeps, and whether nothing is under way while the flash works: the board
# does not listen then.
_BOARDS = (("RP2, pausing", 4, True), ("ESP32", 6, False))


def main(seeds):
    for board, room, pause in _BOARDS:
        for loss in (0, 1):
            for rtt_ms in (20, 50, 200):
                for window in (3, 5, 8, 16):
                    ms = repeated = 0
                    for seed in range(1, seeds + 1):
                        path = Path(
                            seed, _BODY, rtt_ms, loss, room=room, flash_ms=_FLASH_MS, deaf=pause
                        )
                        if path.download(window, pause) != _BODY:
                            raise ValueError("another body")
                        ms += path.now
                        repeated += path.endpoint.retransmissions
                    cell = {"board": board, "loss": loss, "rtt_ms": rtt_ms, "window": window}
                    cell["seconds"] = ms / seeds / 1000
                    cell["repeated"] = repeated / seeds
                    print(json.dumps(cell))


main(int(sys.argv[1]))
