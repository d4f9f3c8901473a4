# The ports that a virtual board can be. Each is a module, which programs import by the name of the
# port. For the start code it has:
#
#   CAUSES                why the board starts, by the protocol: what machine.reset_cause() returns
#   LONGEST_WATCHDOG_MS   machine.WDT refuses more
#   start(chip, halt)     before the file system is mounted: what the boot loader does. chip is the
#                         NOR; halt(word, detail) tells the supervisor and never returns
#   make_file_system()    make an empty one
#   file_system()         return the one to mount at /; an OSError where `_boot.py` would format
#
# What the host knows of a port is in host/ports.py.

from . import protocol


def port(name):
    """Return the module of a port; only this one takes memory."""
    if name == protocol.RP2:
        from . import rp2

        return rp2
    if name == protocol.ESP32:
        from . import esp32

        return esp32
    raise ValueError("no port: " + name)
