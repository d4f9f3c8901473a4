metadata(version="0.1.0", description="ThingsBoard's device API over CoAP for MicroPython")
require("coap")
require("abupdate")  # the updater's
package("thingsboard")
