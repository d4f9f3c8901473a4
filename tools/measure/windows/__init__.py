"""`python -m tools.measure.windows`: how long downloads take with windows of several sizes.

The table of docs/updates.md. The library's own code runs on the unix port, over a path whose clock
jumps (device/transfers.py): the figures are the same on each machine.
"""
