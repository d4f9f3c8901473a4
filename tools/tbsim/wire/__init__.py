"""CoAP as the server speaks it: messages, blocks, observations, and the link under them.

Knows nothing of devices, attributes or packages.
"""
