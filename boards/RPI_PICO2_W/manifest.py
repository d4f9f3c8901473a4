# Freezes the whole product into MicroPython's image for this board (docs/freezing.md), beside
# what the stock image freezes.

include("$(BOARD_DIR)/manifest.py")
include("../manifest.py")
