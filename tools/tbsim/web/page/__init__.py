"""The simulator's page: what a person sees and does in a browser.

`WebServer(sim, [page.mount])` serves it at /, with what it needs below /sim: a stream of what is
new, and actions. `view` and `datagrams` are read in the simulator's thread, `stream` and `actions`
answer in the web's, and `guard` says who may ask.
"""

from .mounting import mount

__all__ = ["mount"]
