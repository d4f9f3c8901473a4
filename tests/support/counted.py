"""The begin of a main.py that counts its starts: n is 0 at the first; and why it has started."""

# The number is on flash: no RAM is kept.
COUNTED = """
import machine, time
try:
    n = int(open("count").read())
except OSError:
    n = 0
with open("count", "w") as f:
    f.write(str(n + 1))
print("start", n, machine.reset_cause())
"""
