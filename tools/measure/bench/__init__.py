"""`make bench`: our client beside others', all of them against the simulator.

Writes build/bench.json; what is not measured in a run stays in it from the run before.
"""
