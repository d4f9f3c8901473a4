# The whole product, for the manifests of the boards in the folders beside this file
# (docs/freezing.md). Settings, keys and the facts of the board stay on its file system.

add_library("thingsboard-coap", "../lib")
require("thingsboard")  # which takes coap and abupdate along
freeze("../firmware")
