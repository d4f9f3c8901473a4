"""`make load`: a fleet of devices on one PC, of our own code, against a server.

Each device is the library's Endpoint, Session and Device with a UDP socket of its own; only the
asyncio driver is another one (client.py), because CPython's asyncio is. All devices of a process
share one event loop.
"""

from tools import cpython

cpython.prepare()  # so that what stands in this folder can import the libraries
