# Freezes the whole product into MicroPython's image for this board (docs/freezing.md), beside
# what the stock image freezes.

include("$(PORT_DIR)/variants/standard/manifest.py")
include("../manifest.py")
